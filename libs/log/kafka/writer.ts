import { crashPoint } from '../../lifecycle/crash-point.js';
import type { CommitResult, NewRecord, TopicPartition, TransactionalWriter, TransactionRecords } from '../log.js';
import { checkRecords } from '../log-limits.js';
import { LogWriter } from '../log-writer.js';
import type { KafkaTransactions, TransactionBatch } from './transaction.js';

/** Bytes of records at which a batch ends: readers get what they ask for without fetching much more. */
const BATCH_BYTES = 1_024 * 1_024;

export interface KafkaWriterOptions {
  readonly transactions: KafkaTransactions;
  /** Throws if the log is closed. */
  readonly assertOpen: () => void;
  /** Rejects if there is no such partition; before anything is sent, so that nothing is left of a bad transaction (L3). */
  readonly checkPartition: (target: TopicPartition) => Promise<void>;
  readonly endOffset: (target: TopicPartition) => Promise<number>;
  readonly toThymeError: (error: unknown) => unknown;
  readonly onClosed: (writer: KafkaWriter) => void;
}

/** The only way to a task's producer: nothing can be sent outside a transaction, which no epoch would fence. */
export class KafkaWriter implements TransactionalWriter {
  readonly #options: KafkaWriterOptions;
  readonly #inner: LogWriter;
  #lastCommit: Promise<unknown> = Promise.resolve();

  constructor(options: KafkaWriterOptions) {
    this.#options = options;
    this.#inner = new LogWriter(options.transactions.epoch, (parts) => this.#commit(parts));
  }

  get epoch(): number {
    return this.#inner.epoch;
  }

  commit(parts: readonly TransactionRecords[]): Promise<CommitResult> {
    const commit = this.#inner.commit(parts);
    this.#lastCommit = commit.catch(() => undefined);
    return commit;
  }

  /** At the close of the log: ends the transaction in flight. Later ones are refused as those of a closed log. */
  async disconnect(): Promise<void> {
    await this.#lastCommit;
    await this.#options.transactions.close();
  }

  async close(): Promise<void> {
    await this.#inner.close();
    await this.#options.transactions.close();
    this.#options.onClosed(this);
  }

  async #commit(parts: readonly TransactionRecords[]): Promise<CommitResult> {
    const { transactions, assertOpen, toThymeError } = this.#options;
    try {
      assertOpen();
      return await this.#send(parts);
    } catch (error) {
      // A producer that saw an error is never used again: its sequences are in doubt.
      await transactions.close();
      throw toThymeError(transactions.failure(error));
    }
  }

  async #send(parts: readonly TransactionRecords[]): Promise<CommitResult> {
    const { transactions, checkPartition, endOffset } = this.#options;
    checkRecords(parts);
    await Promise.all(parts.map(({ target }) => checkPartition(target)));
    const plan = planOf(parts);
    if (plan.length > 0) {
      await transactions.addPartitions(plan.map(({ target }) => target));
      crashPoint('transaction.afterBegin');
      const ends = new Map<string, TopicPartition & { readonly offset: number }>();
      for (const round of roundsOf(plan)) {
        const offsets = await transactions.send(round.map(({ batch }) => batch));
        for (const [index, planned] of round.entries()) {
          planned.offset = offsets[index] ?? 0;
          ends.set(keyOf(planned.target), { ...planned.target, offset: planned.offset + planned.batch.records.length - 1 });
        }
      }
      crashPoint('transaction.afterSend');
      await transactions.commit();
      crashPoint('transaction.afterCommit');
      await transactions.visible([...ends.values()]);
    } else {
      await transactions.checkEpoch();
    }
    return { offsets: await Promise.all(parts.map(async (part) => offsetOf(part, plan) ?? endOffset(part.target))) };
  }
}

interface PlannedBatch {
  readonly target: TopicPartition;
  readonly batch: TransactionBatch;
  /** Parts whose first record is in this batch, and at which place. */
  readonly firstOf: ReadonlyMap<TransactionRecords, number>;
  offset: number;
}

/** The parts of each partition one after another, cut into batches. */
function planOf(parts: readonly TransactionRecords[]): PlannedBatch[] {
  const byTarget = new Map<string, TransactionRecords[]>();
  for (const part of parts) byTarget.set(keyOf(part.target), [...(byTarget.get(keyOf(part.target)) ?? []), part]);
  return [...byTarget.values()].flatMap((own) => batchesOf(own));
}

function batchesOf(parts: readonly TransactionRecords[]): PlannedBatch[] {
  const planned: PlannedBatch[] = [];
  let records: NewRecord[] = [];
  let firstOf = new Map<TransactionRecords, number>();
  let bytes = 0;
  for (const part of parts) {
    for (const [index, record] of part.records.entries()) {
      const size = record.key.length + record.value.length;
      if (records.length > 0 && bytes + size > BATCH_BYTES) {
        planned.push({ target: part.target, batch: { target: part.target, records }, firstOf, offset: 0 });
        records = [];
        firstOf = new Map();
        bytes = 0;
      }
      if (index === 0) firstOf.set(part, records.length);
      records.push(record);
      bytes += size;
    }
  }
  const target = parts[0]?.target;
  if (records.length > 0 && target !== undefined) planned.push({ target, batch: { target, records }, firstOf, offset: 0 });
  return planned;
}

/** Batches of one partition go one after another, those of different ones together. */
function roundsOf(plan: readonly PlannedBatch[]): PlannedBatch[][] {
  const rounds: PlannedBatch[][] = [];
  const sent = new Map<string, number>();
  for (const planned of plan) {
    const round = sent.get(keyOf(planned.target)) ?? 0;
    sent.set(keyOf(planned.target), round + 1);
    (rounds[round] ??= []).push(planned);
  }
  return rounds;
}

function offsetOf(part: TransactionRecords, plan: readonly PlannedBatch[]): number | undefined {
  for (const { firstOf, offset } of plan) {
    const place = firstOf.get(part);
    if (place !== undefined) return offset + place;
  }
  return undefined;
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
