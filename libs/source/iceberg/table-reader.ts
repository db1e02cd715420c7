import { LANE_BYTES_MAX } from '../../codec/dataset-record.js';
import type { DatasetDefinition } from '../../definition/definitions.js';
import { FileError, ValueError } from '../../files/row-file.js';
import type { Clock } from '../../time/clock.js';
import type { BatchLimits, JsonValue, SourceBatch, SourceLag, SourceReader, SourceRow } from '../connector.js';
import type { TableCatalog } from './loaded-table.js';
import { changedRows } from './changed-rows.js';
import { planColumns } from './column-plan.js';
import { readDataFile, type TableReading } from './data-file.js';
import { Deletes } from './deletes.js';
import { icebergError } from './iceberg-error.js';
import type { TableFileEntry } from './manifests.js';
import { RowInputs } from './row-inputs.js';
import { commitFiles, liveFiles } from './snapshot-files.js';
import { snapshotsSince } from './snapshot-walk.js';
import type { Snapshot, TableMetadata } from './table-metadata.js';
import { decodePosition, describePosition, encodePosition, type TablePosition } from './table-position.js';
import { seekSnapshot } from './table-seek.js';

/** One lane for rows by key: their change times only grow, so none is late among them. */
const KEYED_LANE = 'table';

/** A row with the place behind it. */
interface PlacedRow {
  readonly input: unknown;
  readonly lane: string;
  readonly place: string;
  readonly file: number;
  readonly nextRow: number;
}

/** What one poll reads, all of it as one state of the table has it (rule 3). */
interface Poll {
  readonly table: TableMetadata;
  readonly inputs: RowInputs;
  readonly reading: TableReading;
}

/**
 * Reads a table by its snapshots: first all rows of the current one, then what each later commit added, in the order of the
 * commits; within one, by (sequence number, file, row).
 */
export class TableReader implements SourceReader {
  readonly #catalog: TableCatalog;
  readonly #dataset: DatasetDefinition;
  readonly #clock: Pick<Clock, 'nowUs'>;
  #lag: SourceLag = {};

  constructor(catalog: TableCatalog, dataset: DatasetDefinition, clock: Pick<Clock, 'nowUs'>) {
    this.#catalog = catalog;
    this.#dataset = dataset;
    this.#clock = clock;
  }

  async *read(stored: JsonValue | undefined, limits: BatchLimits, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    try {
      yield* this.#poll(stored, limits, signal);
    } catch (error) {
      if (!signal.aborted) throw wordsOf(error);
    }
  }

  async seek(to: string | undefined, stored: JsonValue | undefined, signal: AbortSignal): Promise<JsonValue> {
    const { table } = await this.#catalog.load(signal);
    return seekSnapshot(table, to?.replace(/^snapshot /, ''), stored);
  }

  describe(position: JsonValue): string {
    return describePosition(decodePosition(position));
  }

  lag(): SourceLag {
    return this.#lag;
  }

  close(): Promise<void> {
    return this.#catalog.close();
  }

  async *#poll(stored: JsonValue | undefined, limits: BatchLimits, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    const { table, files } = await this.#catalog.load(signal);
    let position = stored === undefined ? beginningOf(table) : decodePosition(stored);
    checkSameTable(position, table);
    const snapshots = pendingSnapshots(position, table);
    if (snapshots.length === 0 && stored !== undefined) return;
    const poll: Poll = {
      table,
      inputs: new RowInputs(planColumns(this.#dataset, table), this.#dataset),
      reading: { table, files, signal },
    };
    this.#lag = { rows: sum(snapshots.map(({ rowsAdded }) => rowsAdded ?? 0)) };
    let gathered = new Gathered();
    for (const snapshot of snapshots) {
      position = { ...position, changedUs: Math.max(position.changedUs, Math.min(snapshot.timestampMs * 1_000, this.#clock.nowUs())) };
      const historical = position.first === snapshot.id;
      for await (const { input, lane, place, file, nextRow } of this.#rowsOf(snapshot, position, poll)) {
        if (gathered.isFull(input, limits)) {
          yield this.#take(gathered, position);
          gathered = new Gathered();
        }
        gathered.add({ input, lane, historical, place });
        position = { ...position, at: { snapshot: snapshot.id, file, row: nextRow } };
        if (gathered.rows.length >= limits.rowsMax) {
          yield this.#take(gathered, position);
          gathered = new Gathered();
        }
        if (signal.aborted) return;
      }
      position = { ...position, seen: snapshot.id, at: null };
    }
    yield this.#take(gathered, position);
    this.#lag = { rows: 0 };
  }

  #take({ rows }: Gathered, position: TablePosition): SourceBatch {
    this.#lag = { rows: Math.max(0, (this.#lag.rows ?? 0) - rows.length) };
    return { rows, position: encodePosition(position) };
  }

  async *#rowsOf(snapshot: Snapshot, position: TablePosition, poll: Poll): AsyncGenerator<PlacedRow> {
    const { table, inputs, reading } = poll;
    const { changedUs, at } = position;
    if (position.seen === null && position.first === snapshot.id) {
      const live = await liveFiles(snapshot, reading.files, reading.signal);
      yield* this.#wholeFiles(live.rows, await Deletes.load(live.deletes, table, reading), position, poll);
      return;
    }
    if (snapshot.operation === 'replace') return; // the same rows in other files
    const commit = await commitFiles(snapshot, reading.files, reading.signal);
    if (commit.removed.length === 0 && commit.deletes.length === 0) {
      yield* this.#wholeFiles(commit.added, undefined, position, poll);
      return;
    }
    if (this.#dataset.cdc === undefined) throw takesRowsAway(snapshot, this.#dataset);
    let row = 0;
    for await (const { input, place } of changedRows({ table, snapshot, commit, inputs, changedUs, reading }))
      if (++row > (at?.row ?? 0)) yield { input, place, lane: KEYED_LANE, file: 0, nextRow: row };
  }

  async *#wholeFiles(
    files: readonly TableFileEntry[],
    deletes: Deletes | undefined,
    { at, changedUs }: TablePosition,
    { inputs, reading }: Poll,
  ): AsyncGenerator<PlacedRow> {
    const fields = [...inputs.fields, ...(deletes?.fields ?? [])];
    for (const [i, file] of files.entries()) {
      if (i < (at?.file ?? 0)) continue;
      const isDeleted = deletes?.of(file, fields);
      const lane = this.#dataset.cdc === undefined ? laneOf(file.path) : KEYED_LANE;
      for await (const group of readDataFile(file, fields, reading, i === at?.file ? at.row : 0))
        for (let index = 0; index < group.length; index++) {
          if (isDeleted?.(group, index) === true) continue;
          const nextRow = group.rowStart + index + 1;
          yield { input: inputs.rowOf(group, index, changedUs), lane, place: `${file.path} row ${nextRow}`, file: i, nextRow };
        }
    }
  }
}

/** Of manifests, and of keys: other values that cannot be read make unreadable rows. */
function wordsOf(error: unknown): unknown {
  if (error instanceof FileError) return icebergError('TABLE', error.message, error);
  return error instanceof ValueError ? icebergError('TABLE', `a column by which rows are named or deleted ${error.message}`, error) : error;
}

function beginningOf({ uuid, currentId }: TableMetadata): TablePosition {
  return { table: uuid, seen: null, first: currentId ?? null, changedUs: 0, at: null };
}

/** Those that are to be read, the one in whose middle the position stands first. */
function pendingSnapshots({ seen, first, at }: TablePosition, table: TableMetadata): readonly Snapshot[] {
  const begun = at?.snapshot ?? (seen === null && first !== null ? first : undefined);
  if (begun === undefined) return snapshotsSince(table, seen);
  const later = snapshotsSince(table, begun);
  const snapshot = table.snapshots.get(begun);
  if (snapshot !== undefined) return [snapshot, ...later];
  throw icebergError(
    'EXPIRED',
    `snapshot ${begun} has been expired while it was read: raise the version of the dataset with upgrade: 'empty', which reads the table as it is now`,
  );
}

function checkSameTable(position: TablePosition, { uuid, location }: TableMetadata): void {
  if (position.table !== uuid)
    throw icebergError(
      'TABLE',
      `the table at ${location} is another one than was read (it was dropped and made anew): raise the version of the dataset with upgrade: 'empty'`,
    );
}

function takesRowsAway({ id, operation }: Snapshot, { name }: DatasetDefinition): Error {
  return icebergError(
    'DELETES',
    `snapshot ${id} (${operation}) of the table deletes or rewrites rows, and the records of ${name} are events, of which none is taken back: ` +
      `write cdc: 'upsert' and a rowKey at a new version of it, which follows deletes; or begin a new version with upgrade: 'empty', which reads the table as it is now`,
  );
}

/** Takes the end of a location that is too long for a lane: that is where they differ. */
function laneOf(path: string): string {
  const bytes = Buffer.from(path);
  if (bytes.length <= LANE_BYTES_MAX) return path;
  return `…${bytes
    .subarray(bytes.length - LANE_BYTES_MAX + 8)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '_')}`;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** What waits to be a batch. */
class Gathered {
  readonly rows: SourceRow[] = [];
  #bytes = 0;

  isFull(input: unknown, { bytesMax }: BatchLimits): boolean {
    return this.rows.length > 0 && this.#bytes + bytesOf(input) > bytesMax;
  }

  add(row: SourceRow): void {
    this.rows.push(row);
    this.#bytes += bytesOf(row.input);
  }
}

/** About what a value takes in memory and in the log: enough to bound a batch. */
function bytesOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof Uint8Array) return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let bytes = 0;
  for (const [name, member] of Object.entries(value)) bytes += name.length + bytesOf(member);
  return bytes;
}
