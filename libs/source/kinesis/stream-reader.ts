// Reads a stream shard by shard: what was read is in the source's own progress, in one transaction with its rows (S16). No lease
// table, and no consumer that is registered anywhere.
import type { Clock } from '../../time/clock.js';
import type { BatchLimits, JsonValue, SourceBatch, SourceLag, SourceReader, SourceRow } from '../connector.js';
import { kinesisError, kinesisFailureOf, recordsLost, streamMadeAnew } from './kinesis-errors.js';
import { partsThatFit, type RecordRows } from './record-rows.js';
import { type ShardAnswer, ShardPump } from './shard-pump.js';
import { hasChildren, type KnownShard, readyShards } from './shard-tree.js';
import type { ShardStart, StreamApi } from './stream-api.js';
import { StreamPosition } from './stream-position.js';
import { beginStream, seekStream } from './stream-seek.js';

export interface StreamReaderOptions {
  readonly api: StreamApi;
  readonly clock: Clock;
  readonly rows: RecordRows;
}

/** How often it is looked for new shards, and whether the stream is still the same; sooner behind the end of a shard. */
const LOOK_EVERY_MS = 30_000;
const LOOK_SOON_MS = 1_000;
/** A stream that is idle has its position written anew so often: how far it was read is judged by the retention, a day at least. */
const IDLE_COMMIT_MS = 3_600_000;
/** Behind this share of the retention, each answer has to begin with the last record of the one before: else some were lost between. */
const IN_DANGER = 23 / 24;

interface Gathered {
  rows: SourceRow[];
  bytes: number;
  notices: string[];
}

/** What one reading has; `at` is ahead of what was given by the rows that are gathered. */
interface Reading {
  readonly at: StreamPosition;
  readonly pump: ShardPump;
  readonly limits: BatchLimits;
  readonly signal: AbortSignal;
  readonly gathered: Gathered;
}

export class StreamReader implements SourceReader {
  readonly #options: StreamReaderOptions;
  #shards = new Map<string, KnownShard>();
  /** Of shards that are being read: how far the last answer was behind. */
  readonly #behindMs = new Map<string, number>();
  /** The last record that was taken is waited for, to show that none behind it were lost. */
  readonly #unproven = new Set<string>();
  /** Begun at their oldest record, since the one that was taken last is gone, and nothing else. */
  readonly #fromOldest = new Set<string>();
  #retentionMs = 0;
  #nextLookMs = 0;

  constructor(options: StreamReaderOptions) {
    this.#options = options;
  }

  async *read(stored: JsonValue | undefined, limits: BatchLimits, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    const { api } = this.#options;
    try {
      yield* this.#read(stored, limits, signal);
    } catch (error) {
      if (signal.aborted) return;
      // A stream that was deleted, and perhaps made again: looking at it says which.
      if (kinesisFailureOf(error) === 'missing') await api.describe(signal);
      throw kinesisError(`reading ${api.stream.arn} failed`, error);
    }
  }

  async seek(to: string | undefined, stored: JsonValue | undefined, signal: AbortSignal): Promise<JsonValue> {
    const { api } = this.#options;
    const from = stored === undefined ? undefined : StreamPosition.decode(stored);
    return (await seekStream(api, { to, from }, signal)).encode();
  }

  describe(position: JsonValue): string {
    return `${this.#options.api.stream.name}: ${StreamPosition.decode(position).describe()}`;
  }

  lag(): SourceLag {
    return this.#behindMs.size === 0 ? {} : { seconds: Math.max(...this.#behindMs.values()) / 1_000 };
  }

  close(): Promise<void> {
    this.#options.api.close();
    return Promise.resolve();
  }

  async *#read(stored: JsonValue | undefined, limits: BatchLimits, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    const at = stored === undefined ? await beginStream(this.#options.api, signal) : StreamPosition.decode(stored);
    // Where it begins is kept before anything is read: a later start would begin elsewhere.
    if (stored === undefined) yield { rows: [], position: at.encode() };
    const gathered: Gathered = { rows: [], bytes: 0, notices: [] };
    const reading: Reading = { at, pump: this.#newPump(at, gathered), limits, signal, gathered };
    const stop = (): void => void reading.pump.stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      yield* this.#follow(reading);
    } finally {
      signal.removeEventListener('abort', stop);
      await reading.pump.stop();
    }
  }

  async *#follow(reading: Reading): AsyncGenerator<SourceBatch> {
    const { at, pump, signal, gathered } = reading;
    this.#nextLookMs = 0;
    for (let committedMs = this.#nowMs(); !signal.aborted;) {
      if (this.#nowMs() >= this.#nextLookMs) await this.#look(reading);
      for (const answer of await pump.answers(Math.max(0, this.#nextLookMs - this.#nowMs()))) {
        yield* this.#take(answer, reading);
        if (signal.aborted) return;
      }
      const isIdle = gathered.rows.length === 0 && gathered.notices.length === 0;
      if (isIdle && this.#nowMs() - committedMs < IDLE_COMMIT_MS) continue;
      pump.ask(); // the next answers come while this batch is being committed
      yield take(gathered, at);
      committedMs = this.#nowMs();
    }
  }

  #newPump(at: StreamPosition, gathered: Gathered): ShardPump {
    const { api, clock } = this.#options;
    return new ShardPump({
      api,
      clock,
      startOf: (shard) => this.#startOf(shard, at),
      onRefused: (shard, error) => this.#refused(shard, at, error),
      onThrottled: (shard) =>
        gathered.notices.push(
          `${shard} of ${api.stream.arn} is throttled: others read it as well, and its five answers and two MiB a second are used up`,
        ),
    });
  }

  /** Whether the stream is still the one that the position is of, and what shards it has now. */
  async #look({ at, pump, signal }: Reading): Promise<void> {
    const { api } = this.#options;
    const { identity, retentionMs } = await api.describe(signal);
    if (identity !== at.identity) throw streamMadeAnew(api.stream.arn);
    this.#retentionMs = retentionMs;
    const known = this.#shards;
    this.#shards = await api.shards(signal);
    // A listing may be behind what the end of a shard has told.
    for (const [id, shard] of known)
      if (!this.#shards.has(id) && shard.parents.some((parent) => this.#shards.has(parent))) this.#shards.set(id, shard);
    for (const shard of at.unended()) if (!this.#shards.has(shard)) this.#checkRetention(shard, at);
    at.forget(this.#shards, this.#horizonMs());
    this.#startReady(at, pump);
    const isBehind = [...this.#shards.keys()].some((shard) => at.hasEnded(shard) && !hasChildren(this.#shards, shard));
    this.#nextLookMs = this.#nowMs() + (isBehind ? LOOK_SOON_MS : LOOK_EVERY_MS);
  }

  #startReady(at: StreamPosition, pump: ShardPump): void {
    for (const shard of readyShards(this.#shards, at)) {
      if (pump.has(shard.id)) continue;
      at.start(shard, this.#nowMs());
      const { after, fromMs } = at.place(shard.id);
      if (after === undefined || fromMs !== undefined) this.#checkRetention(shard.id, at);
      pump.add(shard.id);
    }
  }

  #startOf(shard: string, at: StreamPosition): ShardStart {
    const { after, fromMs } = at.place(shard);
    if (after !== undefined && fromMs === undefined && !this.#fromOldest.has(shard)) return { kind: 'record', sequence: after };
    return fromMs === undefined ? { kind: 'beginning' } : { kind: 'time', fromMs };
  }

  /** Throws where records may have left the stream before they were read. */
  #checkRetention(shard: string, at: StreamPosition): void {
    const { seenMs } = at.place(shard);
    if (seenMs < this.#horizonMs()) throw recordsLost(this.#options.api.stream.arn, shard, new Date(seenMs));
  }

  /** The record that was taken last is unknown to the service: it has left the retention. */
  #refused(shard: string, at: StreamPosition, error: unknown): void {
    const { after, fromMs } = at.place(shard);
    if (after === undefined || fromMs !== undefined || this.#fromOldest.has(shard)) throw error as Error; // as the SDK threw it
    this.#checkRetention(shard, at);
    this.#fromOldest.add(shard);
  }

  /** Whether the answer may be taken: it has shown that nothing was lost before it. */
  #proves({ shard, start, records, next, behindMs }: ShardAnswer, at: StreamPosition): boolean {
    if (start?.kind === 'record') this.#unproven.add(shard);
    if (!this.#unproven.has(shard)) return true;
    const { after = '0' } = at.place(shard);
    const [first] = records;
    // An answer may be empty in the middle of a shard.
    if (first === undefined && next !== undefined && behindMs > 0 && behindMs < this.#retentionMs) return true;
    this.#unproven.delete(shard);
    if (first !== undefined && BigInt(first.sequence) <= BigInt(after)) return true;
    this.#checkRetention(shard, at);
    // An iterator at a record that is gone may stand there for ever.
    if (first === undefined && behindMs > 0) this.#fromOldest.add(shard);
    return first !== undefined || behindMs === 0 || next === undefined;
  }

  async *#take(answer: ShardAnswer, reading: Reading): AsyncGenerator<SourceBatch> {
    const { at, pump, limits, gathered } = reading;
    const { shard, records, next, behindMs, start } = answer;
    if (!this.#proves(answer, at)) {
      pump.goOn(shard, undefined);
      return;
    }
    if (start !== undefined) this.#fromOldest.delete(shard);
    const { after } = at.place(shard);
    const { parts, strayed } = this.#options.rows.open(records, this.#shards.get(shard), at.place(shard));
    if (strayed > 0) gathered.notices.push(strayedWords(strayed, shard));
    for (let taken = 0; taken < parts.length;) {
      const slice = partsThatFit(parts, taken, limits, gathered);
      const last = slice.at(-1);
      if (last === undefined) {
        yield take(gathered, at);
        continue;
      }
      gathered.rows.push(...(await this.#options.rows.rowsOf(shard, slice, at, Math.floor(this.#nowMs()))));
      gathered.bytes += slice.reduce((sum, { bytes }) => sum + bytes, 0);
      taken += slice.length;
      at.take(shard, last.record.sequence, last.isLast ? undefined : (last.index ?? 0) + 1);
    }
    this.#taken(answer, reading);
    this.#behindMs.set(shard, behindMs);
    if (next === undefined) this.#ended(answer, reading);
    else pump.goOn(shard, at.place(shard).after !== after && behindMs > 0 && this.#isInDanger(shard, at) ? undefined : next);
  }

  /** All rows of the answer were; what it had that is no row is behind as well. */
  #taken({ shard, records, behindMs }: ShardAnswer, { at }: Reading): void {
    const last = records.at(-1);
    const { after } = at.place(shard);
    if (last !== undefined) {
      if (after === undefined || BigInt(last.sequence) >= BigInt(after)) at.take(shard, last.sequence, undefined);
      at.reached(shard, last.arrivalMs);
    }
    if (behindMs === 0 && !this.#unproven.has(shard)) at.caughtUp(shard, Math.floor(this.#nowMs()));
  }

  #ended({ shard, children }: ShardAnswer, { at, pump }: Reading): void {
    at.end(shard);
    pump.drop(shard);
    this.#behindMs.delete(shard);
    for (const child of children) if (!this.#shards.has(child.id)) this.#shards.set(child.id, child);
    this.#startReady(at, pump);
    if (!hasChildren(this.#shards, shard)) this.#nextLookMs = 0;
  }

  /** A first load may begin at the oldest record, and is let be. */
  #isInDanger(shard: string, at: StreamPosition): boolean {
    const { initial, seenMs } = at.place(shard);
    return initial !== true && seenMs < this.#nowMs() - IN_DANGER * this.#retentionMs;
  }

  /** What came before it may be gone. */
  #horizonMs(): number {
    return this.#nowMs() - this.#retentionMs;
  }

  #nowMs(): number {
    return this.#options.clock.nowUs() / 1_000;
  }
}

function take(gathered: Gathered, at: StreamPosition): SourceBatch {
  const { rows, notices } = gathered;
  gathered.rows = [];
  gathered.bytes = 0;
  gathered.notices = [];
  return { rows, position: at.encode(), ...(notices.length === 0 ? {} : { notices }) };
}

function strayedWords(strayed: number, shard: string): string {
  return `${strayed} aggregate(s) of ${shard} hold records that another shard has by their hash keys: passed over, since their producer (KPL) sends them again to the right one`;
}
