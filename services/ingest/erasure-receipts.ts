import { notFound } from '../../libs/errors/errors.js';
import {
  type AskedEntry,
  decodeEntry,
  type DoneEntry,
  type ErasingReader,
  type ErasureEntry,
  type SettledEntry,
} from '../../libs/erasure/erasure-entry.js';
import type { Log } from '../../libs/log/log.js';
import { readToEnd } from '../../libs/log/read-to-end.js';
import { erasuresTopic } from '../../libs/pipeline/topics.js';

/** Receipts in memory, some 500 bytes each; of more the newest. Those are read again from the log by whoever asks after a restart. */
const RECEIPTS_MAX = 100_000;

export interface Effect extends ErasingReader {
  readonly rows: number;
  readonly partitionsPassed: number;
}

/** What has become of an erasure so far. */
export interface ErasureReceipt {
  readonly asked: AskedEntry;
  readonly effects: readonly Effect[];
  readonly rows: number;
  /** Every reader has come past every mark. */
  readonly isApplied: boolean;
  /** When the last bytes went; undefined while some may be there. */
  readonly settledUs: number | undefined;
}

interface Progress {
  readonly asked: AskedEntry;
  readonly rows: Map<string, number>;
  readonly passed: Map<string, Set<number>>;
  settledUs: number | undefined;
}

/** The receipts of erasures (S26), as the topic of erasures tells them: every process that takes erasures in reads the same. */
export class ErasureReceipts {
  readonly #log: Log;
  readonly #topic: string;
  readonly #receipts = new Map<string, Progress>();
  /** Of erasures that are in partition 0, which is read last. */
  #early: DoneEntry[] = [];
  readonly #nextOffsets: number[] = [];
  #reading: Promise<void> = Promise.resolve();

  constructor(log: Log, deployment: string) {
    this.#log = log;
    this.#topic = erasuresTopic(deployment);
  }

  /** NOT_FOUND where there is none. `isDefined` tells which readers go on: one that was removed will never come past a mark. */
  async get(id: string, isDefined: (reader: ErasingReader) => boolean): Promise<ErasureReceipt> {
    await this.#refresh();
    const progress = this.#receipts.get(id);
    if (progress === undefined) throw notFound('erasure', id, []);
    return receiptOf(progress, isDefined);
  }

  /** One at a time, so that no entry is counted twice. */
  #refresh(): Promise<void> {
    this.#reading = this.#reading.catch(() => undefined).then(() => this.#readOn());
    return this.#reading;
  }

  async #readOn(): Promise<void> {
    const partitions = (await this.#log.partitionCount(this.#topic)) ?? 0;
    for (let partition = 0; partition < partitions; partition++) {
      let readOn = this.#nextOffsets[partition] ?? 0;
      for await (const { records, nextOffset } of readToEnd(this.#log, { topic: this.#topic, partition }, readOn)) {
        for (const { value } of records) this.#take(decodeEntry(value));
        readOn = nextOffset;
      }
      this.#nextOffsets[partition] = readOn;
    }
    const early = this.#early;
    this.#early = [];
    for (const entry of early) this.#take(entry);
  }

  /** The entity is named no longer, here either. */
  #settle({ id, atUs }: SettledEntry): void {
    const progress = this.#receipts.get(id);
    if (progress !== undefined) this.#receipts.set(id, { ...progress, asked: { ...progress.asked, entity: '' }, settledUs: atUs });
  }

  #take(entry: ErasureEntry | undefined): void {
    if (entry?.kind === 'asked') {
      this.#receipts.set(entry.id, { asked: entry, rows: new Map(), passed: new Map(), settledUs: undefined });
      for (const oldest of this.#receipts.keys()) {
        if (this.#receipts.size <= RECEIPTS_MAX) break;
        this.#receipts.delete(oldest);
      }
    }
    if (entry?.kind === 'settled') this.#settle(entry);
    if (entry?.kind !== 'done') return;
    const progress = this.#receipts.get(entry.id);
    if (progress === undefined) {
      if (this.#early.length < RECEIPTS_MAX) this.#early.push(entry);
      return;
    }
    const name = nameOf(entry);
    progress.rows.set(name, (progress.rows.get(name) ?? 0) + entry.rows);
    if (!entry.passed) return;
    const passed = progress.passed.get(name) ?? new Set<number>();
    progress.passed.set(name, passed.add(entry.partition));
  }
}

function receiptOf({ asked, rows, passed, settledUs }: Progress, isDefined: (reader: ErasingReader) => boolean): ErasureReceipt {
  const effects = asked.readers.map((reader) => ({
    ...reader,
    rows: rows.get(nameOf(reader)) ?? 0,
    partitionsPassed: passed.get(nameOf(reader))?.size ?? 0,
  }));
  return {
    asked,
    effects,
    settledUs,
    // Of what chains on the dataset's pipelines too, which stand in no receipt by name.
    rows: [...rows.values()].reduce((sum, count) => sum + count, 0),
    isApplied: effects.every((effect) => effect.partitionsPassed >= asked.partitions.length || !isDefined(effect)),
  };
}

function nameOf({ name, version }: Pick<ErasingReader, 'name' | 'version'>): string {
  return `${name} v${version}`;
}
