// Postgres as a stream: a table's changes in the order of their commits, from its log, behind a first load that ends exactly
// where they begin.
//
//   capture-reader.ts     - the life of a reader: publication, slot, first load, then changes
//   capture-begin.ts      - what is made and checked before the first row
//   stream-position.ts    - where it stands
//   table-load.ts         - the first load, from the snapshot that the slot was made with
//   loaded-parts.ts       - which changes a load that was broken off has seen already
//   replication-stream.ts - the slot's messages; back-pressure, signs of life, what is confirmed
//   pgoutput.ts           - the bytes of a message
//   change-follower.ts, change-plan.ts, change-rows.ts, change-batch.ts - from messages to rows to batches
//   captured-table.ts, publication.ts, slot.ts      - what is there, and what is wrong with it, with the statement that mends it
//   slot-watch.ts         - how much log the server keeps for us
//
// Invariants:
//   D1. The server forgets log only below what is committed with the rows: a place is confirmed once its batch was.
//   D2. Change times never decrease along the log, so no change is older than the one before it (S17).
//   D3. A slot that has moved on without us, or is not the one of the position, stops the source.
import type pg from 'pg';
import type { BatchLimits, JsonValue, SourceBatch, SourceLag, SourceReader } from '../../connector.js';
import { connectPostgres, postgresError } from '../postgres-client.js';
import { beginCapture, type CaptureOptions } from './capture-begin.js';
import type { CutBatch } from './change-batch.js';
import { ChangeFollower } from './change-follower.js';
import type { ChangedRow } from './change-rows.js';
import { alreadyLoaded, mayBeLoaded } from './loaded-parts.js';
import type { Lsn } from './lsn.js';
import { ReplicationStream } from './replication-stream.js';
import { createSlot, setting, slotError, slotState, systemOf } from './slot.js';
import { SlotWatch } from './slot-watch.js';
import {
  type CapturePosition,
  decodePosition,
  describePosition,
  encodePosition,
  type LoadedPart,
  type LoadPosition,
  type StreamPosition,
} from './stream-position.js';
import { importSnapshot, loadPages } from './table-load.js';

/** Parts of a first load that is broken off again and again. */
const PARTS_MAX = 1_000;

export class CaptureReader implements SourceReader {
  readonly #options: CaptureOptions;
  #watch: SlotWatch | undefined;
  #stream: ReplicationStream | undefined;
  #done: Lsn | undefined;
  #commitTimeUs: number | undefined;
  /** Batches that were taken and are not durable yet. */
  #uncommitted = 0;

  constructor(options: CaptureOptions) {
    this.#options = options;
  }

  async *read(stored: JsonValue | undefined, limits: BatchLimits, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    const { settings } = this.#options;
    const ending = new AbortController();
    const both = AbortSignal.any([signal, ending.signal]);
    try {
      const replication = await connectPostgres(settings, both, 'replication');
      const begun = yield* beginCapture(this.#options, { stored, system: await systemOf(replication), signal: both });
      const loaded = begun.phase === 'stream' ? begun : yield* this.#load(begun, { replication, limits, signal: both });
      yield* this.#follow(loaded, { replication, limits, signal: both });
    } catch (error) {
      if (signal.aborted) return;
      throw postgresError(`reading ${this.#options.table.sqlName} failed`, error);
    } finally {
      ending.abort();
    }
  }

  describe(position: JsonValue): string {
    return describePosition(decodePosition(position));
  }

  lag(): SourceLag {
    const end = this.#watch?.end;
    if (end === undefined || this.#done === undefined) return {};
    const idle = this.#uncommitted > 0 ? this.#done : (this.#stream?.idleEnd ?? this.#done);
    const bytes = Number(end - (idle > this.#done ? idle : this.#done));
    if (bytes <= 0 || this.#commitTimeUs === undefined || (this.#uncommitted === 0 && this.#stream?.isIdle === true))
      return { bytes: Math.max(0, bytes), seconds: 0 };
    return { bytes, seconds: Math.max(0, (this.#options.clock.nowUs() - this.#commitTimeUs) / 1e6) };
  }

  async close(): Promise<void> {
    await this.#options.client.end();
  }

  /** The first load, or the rest of it in a snapshot of its own. */
  async *#load(
    begun: Exclude<CapturePosition, StreamPosition>,
    { replication, limits, signal }: ReadOptions,
  ): AsyncGenerator<SourceBatch, StreamPosition> {
    const { settings, table } = this.#options;
    const { parts: before, snapshot, part } = await this.#nextPart(begun, replication);
    const client = await connectPostgres(settings, signal);
    await importSnapshot({ client, snapshot });
    this.#startWatch(begun.slot, signal);
    const identity = identityOf(begun);
    const after = before.at(-1)?.upTo ?? null;
    const isUpsert = settings.dataset.cdc !== undefined;
    for await (const page of loadPages({ client, table, snapshot, timeUs: part.timeUs, isUpsert, after, limits, signal })) {
      const parts = [...before, { ...part, upTo: page.key }];
      const position: LoadPosition = { ...identity, phase: 'load', parts };
      yield { rows: page.rows, position: encodePosition(position), notices: this.#notices() };
    }
    await client.end();
    const parts = [...before, part];
    const first = parts[0] ?? part;
    const position: StreamPosition = { ...identity, phase: 'stream', done: first.lsn, within: undefined, floorUs: first.timeUs, parts };
    yield { rows: [], position: encodePosition(position) };
    return position;
  }

  async #nextPart(
    begun: Exclude<CapturePosition, StreamPosition>,
    replication: pg.Client,
  ): Promise<{ readonly parts: readonly LoadedPart[]; readonly snapshot: string; readonly part: LoadedPart }> {
    const { client } = this.#options;
    const { slot } = begun;
    const timeUs = await this.#serverTimeUs();
    const parts = begun.phase === 'load' ? begun.parts : [];
    if (parts.length >= PARTS_MAX)
      throw slotError(
        `the first load was broken off ${PARTS_MAX} times: drop the slot (SELECT pg_drop_replication_slot('${slot}')), and raise the version of the dataset`,
      );
    // What was claimed and never written of was made by a life that ended before its first commit.
    if (begun.phase === 'begin' && (await slotState(client, slot)) !== undefined)
      await client.query('SELECT pg_drop_replication_slot($1)', [slot]);
    const made = await createSlot(
      replication,
      begun.phase === 'begin' ? slot : temporarySlot(slot),
      begun.phase === 'begin' ? 'lasting' : 'temporary',
    );
    return { parts, snapshot: made.name, part: { lsn: made.lsn, timeUs, upTo: null } };
  }

  async *#follow(position: StreamPosition, { replication, limits, signal }: ReadOptions): AsyncGenerator<SourceBatch> {
    const { client, clock, times, table, types, settings } = this.#options;
    const timeoutMs = millisecondsOf(await setting(client, 'wal_sender_timeout'));
    const stream = ReplicationStream.start({
      client: replication,
      slot: position.slot,
      publication: position.publication,
      from: position.done,
      clock,
      statusMs: timeoutMs === 0 ? times.statusMs : Math.min(times.statusMs, timeoutMs / 3),
      silenceMs: times.silenceMs,
      bytesMax: limits.bytesMax,
      signal,
    });
    this.#stream = stream;
    this.#done = position.done;
    const watch = this.#startWatch(position.slot, signal);
    const follower = new ChangeFollower({ client, table, types, dataset: settings.dataset }, position, limits);
    const delivery = { stream, parts: position.parts };
    for (;;) {
      watch.check();
      const message = stream.take();
      this.#commitTimeUs = follower.commitTimeUs;
      for (const cut of message === undefined ? follower.pause() : await follower.take(message)) yield* this.#deliver(cut, delivery);
      if (message !== undefined) continue;
      const idle = follower.idle(stream.idleEnd, stream.takeAsked() || watch.takeLook());
      const notices = [...this.#notices(), ...follower.takeNotices()];
      if (idle !== undefined) yield* this.#deliver({ rows: [], position: idle }, delivery, notices);
      else if (notices.length > 0) yield { rows: [], position: encodePosition(follower.position), notices };
      await stream.ready();
    }
  }

  async *#deliver({ rows, position }: CutBatch, { stream, parts }: Delivery, notices: readonly string[] = []): AsyncGenerator<SourceBatch> {
    const kept = await this.#notLoaded(rows, parts);
    this.#uncommitted++;
    const onCommitted = (): void => {
      this.#uncommitted--;
      stream.confirm(position.done); // D1
      this.#done = position.done;
    };
    yield { rows: kept.map(({ row }) => row), position: encodePosition(position), notices, onCommitted };
  }

  async #notLoaded(rows: readonly ChangedRow[], parts: readonly LoadedPart[]): Promise<readonly ChangedRow[]> {
    const [first] = rows;
    if (first === undefined || !mayBeLoaded(parts, first.commitLsn)) return rows; // the later ones were committed later
    const { client, table } = this.#options;
    const loaded = await alreadyLoaded(client, table, parts, rows);
    return rows.filter((_row, i) => loaded[i] !== true);
  }

  #startWatch(slot: string, signal: AbortSignal): SlotWatch {
    if (this.#watch !== undefined) return this.#watch;
    const { client, clock, times, settings } = this.#options;
    const onLook = (): void => this.#stream?.wake();
    const family = `^thyme_${settings.dataset.name.toLowerCase()}_v[0-9]+$`;
    const watch = (this.#watch = new SlotWatch({ client, slot, family, clock, everyMs: times.lookMs, signal, onLook }));
    void watch.run();
    return watch;
  }

  #notices(): readonly string[] {
    return this.#watch?.takeNotices() ?? [];
  }

  async #serverTimeUs(): Promise<number> {
    const { rows } = await this.#options.client.query<{ readonly us: string }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8::text AS us',
    );
    return Number(rows[0]?.us);
  }
}

interface Delivery {
  readonly stream: ReplicationStream;
  /** As they were when the stream began. */
  readonly parts: readonly LoadedPart[];
}

interface ReadOptions {
  readonly replication: pg.Client;
  readonly limits: BatchLimits;
  readonly signal: AbortSignal;
}

function identityOf({
  system,
  table,
  slot,
  publication,
}: CapturePosition): Pick<CapturePosition, 'system' | 'table' | 'slot' | 'publication'> {
  return { system, table, slot, publication };
}

function temporarySlot(slot: string): string {
  return `${slot.slice(0, 58)}_load`;
}

/** `1min`, `30s`, `500ms` or `0`, as settings are shown. */
function millisecondsOf(text: string): number {
  const [, number = '0', unit = 'ms'] = /^(\d+)(ms|s|min|h|d)?$/.exec(text) ?? [];
  const factors: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
  return Number(number) * (factors[unit] ?? 1);
}
