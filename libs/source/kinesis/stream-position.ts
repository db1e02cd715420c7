import type { JsonValue } from '../connector.js';
import { SourceError } from '../source-error.js';
import type { KnownShard, ReadShards } from './shard-tree.js';

/** How far one shard was read. Times are milliseconds. */
interface ShardPlace {
  /** The sequence number of the last record that was taken; absent where none was. */
  after?: string;
  /** So many of the rows in that record were taken: it is an aggregate of more. */
  cut?: number;
  /**
   * Where it begins while nothing was taken: at what came from then on; absent: at its oldest record. Beside `after` it was put there
   * (`sources reset`): what lies at or before that record is not taken again, whenever it came.
   */
  fromMs?: number;
  /** It was read to its end: a split or a merge has closed it. */
  ended?: true;
  /** Nothing that came before is left to be taken; where nothing was taken yet: when that was last known to be all there. */
  seenMs: number;
  /** No change is said to be of an earlier time than this (upsert). */
  timeMs?: number;
  /** The initial load goes on (S10). */
  initial?: true;
}

interface StoredPosition {
  readonly format: 1;
  readonly stream: string;
  readonly startMs: number;
  readonly shards: Readonly<Record<string, ShardPlace>>;
}

export interface StreamBegin {
  /** What the stream is told by: one that was made anew has other records. */
  readonly identity: string;
  /** The moment of the first start, by the service's clock. */
  readonly startMs: number;
  /** Records that came from then on are read; undefined: all. */
  readonly fromMs: number | undefined;
  readonly shards: readonly string[];
}

/** The service tells its time in whole seconds. */
export const CLOCK_STEP_MS = 1_000;
/** An ended shard that is listed no more is remembered for so long, lest a listing that is behind bring it back. */
const FORGET_AFTER_MS = 3_600_000;
const DESCRIBED_MAX = 20;

/**
 * How far each shard of a stream was read. The initial load of a shard is what had come when the source was first opened (S10): it ends
 * with the first record that came later, or where the reader is at the shard's end for the first time; a shard that is made
 * later has none.
 */
export class StreamPosition implements ReadShards {
  readonly identity: string;
  readonly #startMs: number;
  readonly #shards: Map<string, ShardPlace>;

  private constructor(identity: string, startMs: number, shards: Map<string, ShardPlace>) {
    this.identity = identity;
    this.#startMs = startMs;
    this.#shards = shards;
  }

  static begin({ identity, startMs, fromMs, shards }: StreamBegin): StreamPosition {
    const hasHistory = fromMs === undefined || fromMs < startMs - 2 * CLOCK_STEP_MS;
    const place = (): ShardPlace => ({
      seenMs: startMs,
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(hasHistory ? { initial: true as const } : {}),
    });
    return new StreamPosition(identity, startMs, new Map(shards.map((shard) => [shard, place()])));
  }

  static decode(stored: JsonValue): StreamPosition {
    const { format, stream, startMs, shards } = stored as unknown as StoredPosition; // of `encode`, or of a later version's
    if (format !== 1)
      throw new SourceError('stop', 'THYME_SOURCE_POSITION_NEWER', `the position has format ${String(format)}: upgrade this process`);
    return new StreamPosition(stream, startMs, new Map(Object.entries(shards).map(([shard, place]) => [shard, { ...place }])));
  }

  /** Put ahead, to what came from then on; of the shards that are listed, those that were read to their ends stay so. */
  putAhead({
    fromMs,
    nowMs,
    shards,
  }: {
    readonly fromMs: number;
    readonly nowMs: number;
    readonly shards: readonly string[];
  }): StreamPosition {
    const places = new Map([...this.#shards].filter(([, { ended }]) => ended === true));
    for (const shard of shards) {
      if (places.has(shard)) continue;
      const { initial, ...before } = this.#shards.get(shard) ?? {};
      const history = initial === true && fromMs < this.#startMs ? { initial } : {};
      places.set(shard, { ...before, ...history, fromMs, seenMs: nowMs });
    }
    return new StreamPosition(this.identity, this.#startMs, places);
  }

  /** Up to when records were taken, or left out, of all shards. */
  get reachedMs(): number {
    const begun = [...this.#shards.values()].filter(({ after, ended }) => after !== undefined || ended === true);
    return Math.max(0, ...begun.map(({ fromMs, seenMs }) => fromMs ?? seenMs));
  }

  encode(): JsonValue {
    const shards: Record<string, JsonValue> = {};
    for (const [shard, place] of this.#shards) shards[shard] = { ...place };
    return { format: 1, stream: this.identity, startMs: this.#startMs, shards };
  }

  has(shard: string): boolean {
    return this.#shards.has(shard);
  }

  hasEnded(shard: string): boolean {
    return this.#shards.get(shard)?.ended === true;
  }

  /** Those that were not read to their ends. */
  unended(): readonly string[] {
    return [...this.#shards].filter(([, { ended }]) => ended !== true).map(([shard]) => shard);
  }

  /** For a shard that was begun. */
  place(shard: string): Readonly<ShardPlace> {
    return this.#of(shard);
  }

  /** A shard whose turn it is: what its parents have had comes before. */
  start({ id, parents }: KnownShard, nowMs: number): void {
    const before = parents.map((parent) => this.#shards.get(parent)).filter((place) => place !== undefined);
    const place = this.#shards.get(id) ?? { seenMs: before.length === 0 ? nowMs : 0 };
    this.#shards.set(id, place);
    if (place.after !== undefined) return;
    place.seenMs = Math.max(place.seenMs, ...before.map(({ seenMs }) => seenMs));
    const timeMs = Math.max(...before.map((parent) => parent.timeMs ?? 0), 0);
    if (timeMs > 0) place.timeMs = timeMs;
  }

  /** So many rows of the record were taken; undefined: all. */
  take(shard: string, sequence: string, rows: number | undefined): void {
    const place = this.#of(shard);
    place.after = sequence;
    delete place.fromMs;
    if (rows === undefined) delete place.cut;
    else place.cut = rows;
  }

  /** All was taken of an answer whose last record came then. */
  reached(shard: string, arrivalMs: number): void {
    this.#of(shard).seenMs = arrivalMs;
  }

  /** There is nothing more in it for now. */
  caughtUp(shard: string, nowMs: number): void {
    const place = this.#of(shard);
    place.seenMs = Math.max(place.seenMs, nowMs);
    delete place.initial;
  }

  end(shard: string): void {
    const { after: _after, cut: _cut, fromMs: _from, initial: _initial, ...place } = this.#of(shard);
    this.#shards.set(shard, { ...place, ended: true });
  }

  /** What has ended and left the retention is nobody's parent any more. */
  forget(listed: ReadonlyMap<string, KnownShard>, horizonMs: number): void {
    for (const [shard, { ended, seenMs }] of this.#shards)
      if (ended === true && !listed.has(shard) && seenMs < horizonMs - FORGET_AFTER_MS) this.#shards.delete(shard);
  }

  isInitial(shard: string, arrivalMs: number): boolean {
    return this.#of(shard).initial === true && arrivalMs < this.#startMs + CLOCK_STEP_MS;
  }

  /**
   * When a record changes its row (S17): when it came, but not later than now, nor earlier than a record before it. What the stream
   * has last is what counts.
   */
  changeTimeMs(shard: string, arrivalMs: number, nowMs: number): number {
    const place = this.#of(shard);
    return (place.timeMs = Math.max(place.timeMs ?? 0, Math.min(arrivalMs, nowMs)));
  }

  describe(): string {
    const words = [...this.#shards].slice(0, DESCRIBED_MAX).map(([shard, { after, cut, fromMs, ended }]) => {
      if (ended === true) return `${shard}: read to its end`;
      if (fromMs !== undefined) return `${shard}: from ${new Date(fromMs).toISOString()}`;
      if (after !== undefined) return `${shard}: ${after}${cut === undefined ? '' : `, ${cut} records of it`}`;
      return `${shard}: from its beginning`;
    });
    const left = this.#shards.size - words.length;
    return `${words.join('; ')}${left > 0 ? `; and ${left} more shards` : ''}`;
  }

  #of(shard: string): ShardPlace {
    const place = this.#shards.get(shard);
    if (place === undefined) throw new RangeError(`${shard} was not begun`);
    return place;
  }
}
