import type { Clock } from '../../time/clock.js';
import type { DriverBroker } from './driver.js';
import type { KafkaCluster } from './cluster.js';
import { KafkaAnswerError } from './errors.js';
import { KafkaOutbox } from './outbox.js';
import { newIdempotentProducer, type ProducerSession } from './producer-id.js';
import { encodeRecordBatch } from './record-batch.js';
import { retrying } from './retry.js';
import type { NewRecord, TopicPartition } from '../log.js';
import { logBusy, logClosed } from '../log-errors.js';

const MIB = 1_024 * 1_024;
/** Appends that wait; as for the embedded log, whose writes take as long. */
const QUEUE_LENGTH_MAX = 10_000;
const QUEUE_BYTES_MAX = 64 * MIB;
/** Several appends share a batch up to this; a larger one is a batch of its own. */
const BATCH_BYTES = MIB;
const BATCH_RECORDS = 10_000;
/** A broker that restarts is back within seconds; a client's deadline is near. */
const SEND_MS_MAX = 30_000;

interface QueuedAppend {
  readonly records: readonly NewRecord[];
  readonly bytes: number;
  readonly resolve: (offset: number) => void;
  readonly reject: (error: unknown) => void;
}

interface Lane {
  readonly target: TopicPartition;
  queue: QueuedAppend[];
  running: Promise<void> | undefined;
}

export interface KafkaAppendsOptions {
  readonly cluster: KafkaCluster;
  readonly clock: Clock;
  /** For an append of no records, which asks where the next would go. */
  readonly endOffset: (target: TopicPartition) => Promise<number>;
  readonly toThymeError: (error: unknown) => unknown;
}

/**
 * Appends outside transactions: a lane for each partition, in which those who come while a batch is in
 * flight share the next. All sent by one idempotent producer, so that a batch whose answer was lost is
 * sent again without being stored twice (L2).
 */
export class KafkaAppends {
  readonly #options: KafkaAppendsOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #outboxes = new WeakMap<DriverBroker, KafkaOutbox>();
  readonly #aborting = new AbortController();
  #session: Promise<ProducerSession> | undefined;
  #queued = 0;
  #queuedBytes = 0;
  #closed = false;

  constructor(options: KafkaAppendsOptions) {
    this.#options = options;
  }

  /** In the order of calls. The records are copied: the caller may use its buffers again. */
  append(target: TopicPartition, records: readonly NewRecord[]): Promise<number> {
    if (this.#closed) return Promise.reject(logClosed());
    const bytes = records.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
    this.#checkRoom(bytes);
    return new Promise((resolve, reject) => {
      const lane = this.#lane(target);
      lane.queue.push({ records: copyOf(records, bytes), bytes, resolve, reject });
      this.#queued++;
      this.#queuedBytes += bytes;
      lane.running ??= this.#run(lane);
    });
  }

  /** Refuses new appends; resolves when those accepted have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { running } of this.#lanes.values()) await running;
    this.#aborting.abort();
  }

  #lane(target: TopicPartition): Lane {
    const key = `${target.topic}/${target.partition}`;
    const lane = this.#lanes.get(key) ?? { target, queue: [], running: undefined };
    this.#lanes.set(key, lane);
    return lane;
  }

  #checkRoom(bytes: number): void {
    if (this.#queued >= QUEUE_LENGTH_MAX) throw logBusy(`${this.#queued} appends`);
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > QUEUE_BYTES_MAX) throw logBusy(`${this.#queuedBytes} bytes`);
  }

  async #run(lane: Lane): Promise<void> {
    await Promise.resolve(); // What is appended in the same turn shares the first batch already.
    while (lane.queue.length > 0) await this.#sendGroup(lane.target, takeGroup(lane));
    lane.running = undefined;
  }

  async #sendGroup(target: TopicPartition, group: readonly QueuedAppend[]): Promise<void> {
    const records = group.flatMap((append) => append.records);
    try {
      let offset = records.length === 0 ? await this.#options.endOffset(target) : await this.#deliver(target, records);
      for (const append of group) {
        append.resolve(offset);
        offset += append.records.length;
      }
    } catch (error) {
      const failure = this.#options.toThymeError(error);
      for (const { reject } of group) reject(failure);
    } finally {
      this.#queued -= group.length;
      this.#queuedBytes -= group.reduce((sum, { bytes }) => sum + bytes, 0);
    }
  }

  /** Resolves to the first record's offset. */
  async #deliver(target: TopicPartition, records: readonly NewRecord[]): Promise<number> {
    const { cluster, clock } = this.#options;
    const retry = {
      clock,
      msMax: SEND_MS_MAX,
      signal: this.#aborting.signal,
      retriable: ['stale', 'busy', 'connection'] as const,
      onFailure: (failure: string) => this.#forget(failure, target),
    };
    // Before sequences are taken: what is refused here leaves no gap in them.
    await retrying(() => cluster.leader(target), retry);
    const session = await retrying(() => this.#findSession(), retry);
    const { producerId, producerEpoch } = session;
    const baseSequence = session.takeSequences(target.topic, target.partition, records.length);
    const batch = encodeRecordBatch(records, {
      producerId,
      producerEpoch,
      baseSequence,
      transactional: false,
      timestampMs: Math.round(clock.nowUs() / 1_000),
    });
    try {
      return await retrying(() => this.#send(target, batch), retry);
    } catch (error) {
      // Sequences of this producer now have a gap, or one that nobody knows of: it sends no new batches.
      this.#session = undefined;
      throw error;
    }
  }

  async #send(target: TopicPartition, batch: Buffer): Promise<number> {
    const broker = await this.#options.cluster.leader(target);
    const outbox = this.#outboxes.get(broker) ?? new KafkaOutbox(broker);
    this.#outboxes.set(broker, outbox);
    const { errorCode, baseOffset } = await outbox.send({ ...target, batch });
    if (errorCode !== 0) throw new KafkaAnswerError(errorCode, `appending to partition ${target.partition} of '${target.topic}'`);
    return baseOffset;
  }

  #findSession(): Promise<ProducerSession> {
    if (this.#session === undefined) {
      const opening = newIdempotentProducer(this.#options.cluster);
      this.#session = opening;
      opening.catch(() => {
        if (this.#session === opening) this.#session = undefined;
      });
    }
    return this.#session;
  }

  #forget(failure: string, { topic }: TopicPartition): void {
    if (failure === 'connection') this.#options.cluster.forgetConnections();
    else if (failure === 'stale') this.#options.cluster.forget(topic);
  }
}

function takeGroup(lane: Lane): readonly QueuedAppend[] {
  let [count, bytes, records] = [0, 0, 0];
  for (const append of lane.queue) {
    if (count > 0 && (bytes + append.bytes > BATCH_BYTES || records + append.records.length > BATCH_RECORDS)) break;
    bytes += append.bytes;
    records += append.records.length;
    count++;
  }
  const group = lane.queue.slice(0, count);
  lane.queue = lane.queue.slice(count);
  return group;
}

function copyOf(records: readonly NewRecord[], bytes: number): readonly NewRecord[] {
  const copy = new Uint8Array(bytes);
  let at = 0;
  const take = (part: Uint8Array): Uint8Array => {
    copy.set(part, at);
    at += part.length;
    return copy.subarray(at - part.length, at);
  };
  return records.map(({ key, value }) => ({ key: take(key), value: take(value) }));
}
