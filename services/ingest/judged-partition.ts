import type { DatasetRecord, RecordCodec } from '../../libs/codec/dataset-record.js';
import { isErasure } from '../../libs/codec/erasure-record.js';
import type { LogRecord, TopicPartition } from '../../libs/log/log.js';

/** Late records that are remembered of a partition, the newest: some 200 bytes each. Older ones are counted. */
const LATE_KEPT_MAX = 5_000;
/** Lanes whose watermarks are remembered. Of more, the one that was begun first, such as a file read long ago, is taken for a new one. */
const LANES_KEPT_MAX = 100_000;

/** How a dataset's records are read and judged. */
export interface Judge {
  /** Decodes the keys of a row alone. */
  readonly brief: RecordCodec;
  readonly whole: RecordCodec;
  /** What lateness is judged by: the event time, or a change's own (S17). */
  timeUs(record: DatasetRecord): number;
  /** Undefined where nothing of the lane is late. */
  maxLatenessUs(lane: string): number | undefined;
  entityKey(record: DatasetRecord): string;
  /** Of the entity that an erasure begins for (S26); undefined for what is left of an erased record. */
  erasedKey(value: Uint8Array): string | undefined;
}

export interface LatePlace {
  readonly source: TopicPartition;
  readonly offset: number;
  readonly lane: string;
  readonly entityKey: string;
  readonly eventTimeUs: number;
  /** What it was judged by. */
  readonly timeUs: number;
  readonly appendTimeUs: number;
  /** Of its lane, before it. */
  readonly watermarkUs: number;
}

/**
 * One partition of a dataset, judged from its beginning (S10): what the version was begun with first, then its own topic, with one set of
 * watermarks, as its readers do. A producer's repeat of a late record (S13) is told once.
 */
export class JudgedPartition {
  readonly #sources: readonly TopicPartition[];
  readonly #watermarks = new Map<string, number>();
  readonly #repeats = new Set<string>();
  #topic = 0;
  #isEnded = false;
  /** The next record to be read of the topic that is read now. */
  offset = 0;
  judged = 0;
  forgotten = 0;
  late: LatePlace[] = [];

  constructor(topics: readonly string[], partition: number) {
    this.#sources = topics.map((topic) => ({ topic, partition }));
  }

  /** Where the next records are. */
  next(): TopicPartition {
    const source = this.#sources[this.#topic];
    if (source === undefined) throw new Error('a dataset has a topic');
    return source;
  }

  readTo(source: TopicPartition, offset: number): void {
    if (source === this.#sources[this.#topic]) this.offset = offset;
  }

  /** Whether there is one more and this one has ended; it is then read from its beginning. */
  nextTopic(): boolean {
    if (this.#topic + 1 >= this.#sources.length || !this.#isEnded) return false;
    this.#topic++;
    this.offset = 0;
    return true;
  }

  unread(): readonly { readonly source: TopicPartition; readonly offset: number }[] {
    return this.#sources.slice(this.#topic).map((source, i) => ({ source, offset: i === 0 ? this.offset : 0 }));
  }

  take({ offset, value }: LogRecord, judge: Judge): void {
    this.judged++;
    if (value.length === 0) {
      this.#isEnded = true; // of what the version was begun with (S19a)
      return;
    }
    if (isErasure(value)) {
      const erased = judge.erasedKey(value);
      if (erased !== undefined) this.late = this.late.filter(({ entityKey }) => entityKey !== erased);
      return;
    }
    const record = judge.brief.decode(value);
    const { lane, appendTimeUs, eventTimeUs, historical } = record;
    const timeUs = judge.timeUs(record);
    const watermarkUs = this.#observe(lane, Math.min(timeUs, appendTimeUs));
    const maxLatenessUs = historical ? undefined : judge.maxLatenessUs(lane);
    if (maxLatenessUs === undefined || timeUs >= watermarkUs - maxLatenessUs || this.#isRepeat(record)) return;
    const place = { source: this.next(), offset, lane, entityKey: judge.entityKey(record), eventTimeUs, timeUs, appendTimeUs, watermarkUs };
    this.late.push(place);
    if (this.late.length <= LATE_KEPT_MAX) return;
    this.late.shift();
    this.forgotten++;
  }

  /** The lane's watermark before the record, which it then moves. */
  #observe(lane: string, candidateUs: number): number {
    const before = this.#watermarks.get(lane) ?? Number.NEGATIVE_INFINITY;
    if (candidateUs > before) this.#watermarks.set(lane, candidateUs);
    const [first] = this.#watermarks.size > LANES_KEPT_MAX ? this.#watermarks.keys() : [];
    if (first !== undefined) this.#watermarks.delete(first);
    return before;
  }

  #isRepeat({ producerId, sequence }: DatasetRecord): boolean {
    if (producerId === undefined || sequence === undefined) return false;
    const name = `${sequence} ${producerId}`;
    if (this.#repeats.has(name)) return true;
    if (this.#repeats.size >= LATE_KEPT_MAX) this.#repeats.clear();
    this.#repeats.add(name);
    return false;
  }
}
