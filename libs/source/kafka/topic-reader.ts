// Reads a topic by partition and offset, without a consumer group: what was read is in the source's own progress, in one
// transaction with its rows (S16). What was aborted is left out as the log leaves it out of its own topics
// (libs/log/kafka/aborted-filter.ts).
import type { Clock } from '../../time/clock.js';
import { committedBatches } from '../../log/kafka/aborted-filter.js';
import type { KafkaCluster } from '../../log/kafka/cluster.js';
import { failureOf, KAFKA_CODE, KafkaAnswerError } from '../../log/kafka/errors.js';
import { stableEnd, startOffset } from '../../log/kafka/offsets.js';
import { openRecordBatches } from '../../log/kafka/record-batch.js';
import type { FetchAnswer } from '../../log/kafka/requests.js';
import { topicIdentity } from '../../log/kafka/topic-id.js';
import type { BatchLimits, JsonValue, SourceBatch, SourceLag, SourceReader, SourceRow } from '../connector.js';
import { FetchPump } from './fetch-pump.js';
import type { GroupOffsets } from './group-offsets.js';
import { batchUnreadable, kafkaSourceError, topicCutShort, topicMadeAnew, topicMissing } from './kafka-error.js';
import { type KafkaMessage, messagesOf } from './message-batch.js';
import type { MessageRows } from './message-rows.js';
import { endsOf, placesOf } from './topic-seek.js';
import { TopicPosition } from './topic-position.js';

export interface TopicReaderOptions {
  readonly cluster: KafkaCluster;
  readonly clock: Clock;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly rows: MessageRows;
  /** Where tools for lag look; absent where none was asked for. */
  readonly group?: GroupOffsets;
}

/** How often it is looked whether partitions were added, and whether the topic is still the same. */
const LOOK_EVERY_US = 30_000_000;
/** Leaders move within a second, unless a broker is down. */
const MOVED_MS = 100;
const MOVED_TRIES_MAX = 20;

interface Gathered {
  rows: SourceRow[];
  bytes: number;
  notices: string[];
}

export class TopicReader implements SourceReader {
  readonly #options: TopicReaderOptions;
  readonly #pump: FetchPump;
  /** Of partitions whose end was told with their last answer. */
  readonly #behind = new Map<number, number>();
  #lastRowMs = 0;
  #lookedUs = 0;
  #moved = 0;
  /** The next offsets by partition, as of the last batch that is durable. */
  #committed: readonly (readonly [number, number])[] = [];
  #isNoted = true;

  constructor(options: TopicReaderOptions) {
    this.#options = options;
    this.#pump = new FetchPump(options.cluster, options.topic);
  }

  async *read(stored: JsonValue | undefined, limits: BatchLimits, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    const { topic, brokers } = this.#options;
    try {
      yield* this.#read(stored, limits, signal);
    } catch (error) {
      if (!signal.aborted) throw kafkaSourceError(`reading topic '${topic}' failed`, error, brokers);
    }
  }

  async seek(to: string | undefined, stored: JsonValue | undefined): Promise<JsonValue> {
    const { cluster, topic, brokers } = this.#options;
    try {
      const bounds = await this.#bounds(await this.#partitions());
      const identity = await topicIdentity(cluster, topic);
      const from = stored === undefined ? undefined : TopicPosition.decode(stored);
      if (to !== undefined && from !== undefined && from.identity !== identity) throw topicMadeAnew(topic);
      return TopicPosition.behind(identity, to === undefined ? endsOf(bounds) : placesOf(to, { topic, bounds, from })).encode();
    } catch (error) {
      throw kafkaSourceError(`looking for the place in topic '${topic}' failed`, error, brokers);
    }
  }

  describe(position: JsonValue): string {
    return `next offsets of ${this.#options.topic}: ${TopicPosition.decode(position).describe()}`;
  }

  lag(): SourceLag {
    const rows = [...this.#behind.values()].reduce((sum, one) => sum + one, 0);
    const nowMs = this.#options.clock.nowUs() / 1_000;
    return { rows, seconds: rows === 0 || this.#lastRowMs === 0 ? 0 : Math.max(0, (nowMs - this.#lastRowMs) / 1_000) };
  }

  close(): Promise<void> {
    return this.#options.cluster.close();
  }

  async *#read(stored: JsonValue | undefined, limits: BatchLimits, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    const at = stored === undefined ? await this.#begin() : TopicPosition.decode(stored);
    // The end that was seen at the start is kept before anything is read: a later start would see a later one.
    if (stored === undefined) yield { rows: [], position: at.encode() };
    await this.#look(at);
    for (const [partition, { next }] of at.partitions) this.#pump.set(partition, next);
    const gathered: Gathered = { rows: [], bytes: 0, notices: [] };
    const ended = aborted(signal);
    while (!signal.aborted) {
      await this.#note(gathered);
      if (this.#options.clock.nowUs() - this.#lookedUs >= LOOK_EVERY_US) await this.#look(at);
      for (const answer of (await this.#answers(at, ended, signal)) ?? []) {
        yield* this.#take(answer, at, gathered, limits);
        if (signal.aborted) return;
      }
      if (gathered.rows.length === 0 && gathered.notices.length === 0) continue;
      await this.#pump.ask(); // the next answers come while this batch is being committed
      yield this.#noted(take(gathered, at), at);
    }
  }

  async #note(into: Gathered): Promise<void> {
    const { group } = this.#options;
    if (group === undefined || this.#isNoted) return;
    const { isNoted, notice } = await group.note(this.#committed);
    this.#isNoted = isNoted;
    if (notice !== undefined) into.notices.push(notice);
  }

  /** What is read on meanwhile is not to be noted yet. */
  #noted(batch: SourceBatch, at: TopicPosition): SourceBatch {
    if (this.#options.group === undefined) return batch;
    const offsets = Array.from(at.partitions, ([partition, { next }]) => [partition, next] as const);
    const onCommitted = (): void => {
      this.#committed = offsets;
      this.#isNoted = false;
    };
    return { ...batch, onCommitted };
  }

  async #begin(): Promise<TopicPosition> {
    const { cluster, topic } = this.#options;
    const bounds = await this.#bounds(await this.#partitions()); // first, since it says so where there is no topic
    return TopicPosition.begin(await topicIdentity(cluster, topic), bounds);
  }

  async #bounds(partitions: number): Promise<readonly { readonly start: number; readonly end: number }[]> {
    const { cluster, topic } = this.#options;
    const bounds: { start: number; end: number }[] = [];
    // One after another: the first to ask a broker connects to it, and the connection is not made twice.
    for (let partition = 0; partition < partitions; partition++)
      bounds.push({ start: await startOffset(cluster, { topic, partition }), end: await stableEnd(cluster, { topic, partition }) });
    return bounds;
  }

  /** Whether the topic is still the one that the position is of; partitions that were added are read from their beginning. */
  async #look(at: TopicPosition): Promise<void> {
    const { cluster, topic, clock } = this.#options;
    const partitions = await this.#partitions();
    if ((await topicIdentity(cluster, topic)) !== at.identity) throw topicMadeAnew(topic);
    for (let partition = 0; partition < partitions; partition++) {
      if (at.partitions.has(partition)) continue;
      cluster.forget(topic); // its leader is not known yet
      at.add(partition, await startOffset(cluster, { topic, partition }));
      this.#pump.set(partition, at.partitions.get(partition)?.next ?? 0);
    }
    this.#lookedUs = clock.nowUs();
  }

  async #partitions(): Promise<number> {
    const { cluster, topic, brokers } = this.#options;
    const described = await cluster.describe(topic);
    if (described === undefined) throw topicMissing(topic, brokers);
    return described.leaders.length;
  }

  /** Undefined when the signal aborts, or the leaders have moved. */
  async #answers(at: TopicPosition, ended: Promise<undefined>, signal: AbortSignal): Promise<readonly FetchAnswer[] | undefined> {
    try {
      const answers = await Promise.race([this.#pump.answer(), ended]);
      const failed = answers?.find(({ errorCode }) => errorCode !== 0 && errorCode !== KAFKA_CODE.offsetOutOfRange);
      if (failed !== undefined) throw new KafkaAnswerError(failed.errorCode, `partition ${failed.partition}`);
      this.#moved = 0;
      return answers;
    } catch (error) {
      const { cluster, clock, topic } = this.#options;
      this.#pump.forget();
      if (failureOf(error) !== 'stale' || ++this.#moved > MOVED_TRIES_MAX) throw error;
      cluster.forget(topic);
      await clock.sleep(MOVED_MS, signal);
      // A topic that is deleted and made again looks like one whose leaders have moved.
      if (!signal.aborted) await this.#look(at);
      return undefined;
    }
  }

  async *#take(answer: FetchAnswer, at: TopicPosition, into: Gathered, limits: BatchLimits): AsyncGenerator<SourceBatch> {
    const { partition, errorCode, lastStableOffset } = answer;
    const from = this.#pump.nextOf(partition);
    if (errorCode === KAFKA_CODE.offsetOutOfRange) return this.#outside(partition, from, at, into);
    const { messages, next } = this.#open(answer, from);
    this.#pump.set(partition, next);
    for (let taken = 0; taken < messages.length;) {
      const slice = sliceOf(messages, taken, limits, into);
      if (slice.length === 0) {
        yield this.#noted(take(into, at), at);
        continue;
      }
      const nowMs = Math.floor(this.#options.clock.nowUs() / 1_000);
      into.rows.push(...(await this.#options.rows.rowsOf(partition, slice, at, nowMs)));
      into.bytes += slice.reduce((sum, message) => sum + sizeOf(message), 0);
      taken += slice.length;
      const last = slice.at(-1);
      at.advance(partition, taken === messages.length ? next : (last?.offset ?? from) + 1);
      this.#lastRowMs = last?.timestampMs ?? this.#lastRowMs;
      this.#behind.set(partition, Math.max(0, lastStableOffset - (last?.offset ?? from) - 1));
    }
    if (messages.length > 0) return;
    // Ends of transactions, what was aborted, what compaction has taken away: nothing to publish, and nothing to read again.
    if (next > from) at.advance(partition, next);
    this.#behind.set(partition, Math.max(0, lastStableOffset - next));
  }

  #open({ partition, recordSet, aborted: transactions }: FetchAnswer, from: number): { messages: readonly KafkaMessage[]; next: number } {
    const batches = openRecordBatches(recordSet);
    try {
      const messages = committedBatches(batches, transactions).flatMap((batch) => (batch.count > 0 ? messagesOf(batch, from) : []));
      return { messages, next: Math.max(from, (batches.at(-1)?.lastOffset ?? -1) + 1) };
    } catch (error) {
      throw error instanceof RangeError ? batchUnreadable(this.#options.topic, partition, error) : error;
    }
  }

  /** Before the beginning there is nothing any more, which is said; behind the end there is another topic's nothing. */
  async #outside(partition: number, next: number, at: TopicPosition, into: Gathered): Promise<void> {
    const { cluster, topic } = this.#options;
    const start = await startOffset(cluster, { topic, partition });
    if (start <= next) throw topicCutShort(topic, partition, next);
    into.notices.push(
      `${start - next} messages of partition ${partition} of '${topic}', from offset ${next} on, were deleted by its retention before they were read: they are missing in the dataset`,
    );
    at.advance(partition, start);
    this.#pump.set(partition, start);
  }
}

/** As many of the messages from `taken` on as the batch has room for; one at least where it is empty. */
function sliceOf(
  messages: readonly KafkaMessage[],
  taken: number,
  { rowsMax, bytesMax }: BatchLimits,
  into: Gathered,
): readonly KafkaMessage[] {
  let end = taken;
  let { bytes } = into;
  for (; end < messages.length && into.rows.length + end - taken < rowsMax; end++) {
    const message = messages[end];
    bytes += message === undefined ? 0 : sizeOf(message);
    if (bytes > bytesMax && into.rows.length + end - taken > 0) break;
  }
  return messages.slice(taken, end);
}

function sizeOf({ key, value }: KafkaMessage): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}

function take(gathered: Gathered, at: TopicPosition): SourceBatch {
  const { rows, notices } = gathered;
  gathered.rows = [];
  gathered.bytes = 0;
  gathered.notices = [];
  return { rows, position: at.encode(), ...(notices.length === 0 ? {} : { notices }) };
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
