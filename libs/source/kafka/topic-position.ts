import type { JsonValue } from '../connector.js';

export interface PartitionPlace {
  /** The next offset to read. */
  readonly next: number;
  /** Milliseconds: no change is said to be of an earlier time than this (upsert). */
  readonly timeMs?: number;
  /** Where the initial load ends; absent once it is behind. */
  readonly end?: number;
}

interface StoredPosition {
  readonly topic: string;
  readonly partitions: Readonly<Record<string, PartitionPlace>>;
}

/**
 * How far each partition of a topic has been read. The initial load is what lay between the beginning and the end of each partition
 * when the source was first opened (S10); a partition that is added later has none.
 */
export class TopicPosition {
  /** What the topic is told by (libs/log/kafka/topic-id.ts): one that was made anew has other messages at the same offsets. */
  readonly identity: string;
  readonly #partitions: Map<number, PartitionPlace>;

  private constructor(identity: string, partitions: Map<number, PartitionPlace>) {
    this.identity = identity;
    this.#partitions = partitions;
  }

  static begin(identity: string, partitions: readonly { readonly start: number; readonly end: number }[]): TopicPosition {
    return new TopicPosition(
      identity,
      new Map(partitions.map(({ start, end }, i) => [i, end > start ? { next: start, end } : { next: start }])),
    );
  }

  /** Behind `next` of each partition, in none of the initial load but what lies up to `end`. */
  static behind(identity: string, partitions: ReadonlyMap<number, PartitionPlace>): TopicPosition {
    return new TopicPosition(
      identity,
      new Map([...partitions].map(([partition, { next, end = 0 }]) => [partition, end > next ? { next, end } : { next }])),
    );
  }

  static decode(stored: JsonValue): TopicPosition {
    const { topic, partitions } = stored as unknown as StoredPosition; // of `encode`
    return new TopicPosition(topic, new Map(Object.entries(partitions).map(([partition, place]) => [Number(partition), place])));
  }

  encode(): JsonValue {
    const partitions: Record<string, JsonValue> = {};
    for (const [partition, place] of this.#partitions) partitions[String(partition)] = { ...place };
    return { topic: this.identity, partitions };
  }

  get partitions(): ReadonlyMap<number, PartitionPlace> {
    return this.#partitions;
  }

  add(partition: number, start: number): void {
    this.#partitions.set(partition, { next: start });
  }

  isInitial(partition: number, offset: number): boolean {
    return offset < (this.#partitions.get(partition)?.end ?? 0);
  }

  advance(partition: number, next: number): void {
    const { timeMs, end } = this.#partitions.get(partition) ?? {};
    this.#partitions.set(partition, {
      next,
      ...(timeMs === undefined ? {} : { timeMs }),
      ...(end === undefined || next >= end ? {} : { end }),
    });
  }

  /**
   * When a message changes its row (S17): its own time, but not later than now, nor earlier than a message before it. What the topic has
   * last is what counts, also where the clocks of producers differ.
   */
  changeTimeMs(partition: number, timestampMs: number, nowMs: number): number {
    const place = this.#partitions.get(partition) ?? { next: 0 };
    const timeMs = Math.max(place.timeMs ?? 0, Math.min(timestampMs, nowMs));
    this.#partitions.set(partition, { ...place, timeMs });
    return timeMs;
  }

  describe(): string {
    return [...this.#partitions].map(([partition, { next }]) => `${partition}: ${next}`).join(', ');
  }
}
