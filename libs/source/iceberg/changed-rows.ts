import { createHash } from 'node:crypto';
import { encodeExactJson } from '../../codec/exact-json.js';
import { UnreadableRow } from '../connector.js';
import { readDataFile, type RowGroup, type TableReading } from './data-file.js';
import { Deletes } from './deletes.js';
import { icebergError } from './iceberg-error.js';
import type { TableFileEntry } from './manifests.js';
import type { RowInputs } from './row-inputs.js';
import { type CommitFiles, liveFiles } from './snapshot-files.js';
import type { Snapshot, TableMetadata } from './table-metadata.js';

export interface ChangedRow {
  readonly input: unknown;
  /** The file that it was found in, and its row there. */
  readonly place: string;
}

/** Keys of rows that one commit takes away, in memory while it is read. */
const REMOVED_MAX = 2_000_000;

/** A row that was there before the commit. */
interface RemovedRow {
  readonly key: Readonly<Record<string, unknown>>;
  /** Of its values; undefined where only its key is known. */
  readonly digest: string | undefined;
  readonly place: string;
}

export interface ChangeOptions {
  readonly table: TableMetadata;
  readonly snapshot: Snapshot;
  readonly commit: CommitFiles;
  readonly inputs: RowInputs;
  readonly changedUs: number;
  readonly reading: TableReading;
}

/**
 * What a commit that takes rows away means for the rows by key (S17), in an order that is the same each time: each row that is
 * new or another than before, then a delete of each key that is gone. Rows that it only copies into other files are none.
 */
export async function* changedRows(options: ChangeOptions): AsyncGenerator<ChangedRow> {
  const { inputs, changedUs, commit, table, reading } = options;
  const own = await Deletes.load(
    commit.deletes.filter(({ content }) => content === 'positions'),
    table,
    reading,
  );
  const removed = await removedRows(options, own);
  for (const file of commit.added)
    for await (const { group, index, place } of rowsOf(file, inputs, own, reading)) {
      const input = inputs.rowOf(group, index, changedUs);
      if (input instanceof UnreadableRow) {
        yield { input, place };
        continue;
      }
      const key = encodeExactJson(inputs.keyOf(group, index));
      const before = removed.get(key);
      removed.delete(key);
      if (before?.digest === undefined || before.digest !== digestOf(input)) yield { input, place };
    }
  for (const { key, place } of removed.values()) yield { input: inputs.deleteOf(key, changedUs), place };
}

async function removedRows(options: ChangeOptions, own: Deletes): Promise<Map<string, RemovedRow>> {
  const { commit, inputs, table, snapshot, changedUs, reading } = options;
  const removed = new Map<string, RemovedRow>();
  const note = (row: RemovedRow): void => {
    removed.set(encodeExactJson(row.key), row);
    if (removed.size > REMOVED_MAX)
      throw icebergError(
        'LIMIT',
        `snapshot ${snapshot.id} takes away more than ${REMOVED_MAX} rows at once: raise the version of the dataset with upgrade: 'empty'`,
      );
  };
  const parent = table.snapshots.get(snapshot.parentId ?? '');
  if (parent === undefined)
    throw icebergError(
      'EXPIRED',
      `snapshot ${snapshot.id} takes rows away, and the one before it has been expired, so it cannot be told which: raise the version of the dataset with upgrade: 'empty'`,
    );
  const live = await liveFiles(parent, reading.files, reading.signal);
  const before = await Deletes.load(live.deletes, table, reading);
  for (const file of commit.removed)
    for await (const { group, index, place } of rowsOf(file, inputs, before, reading)) {
      const input = inputs.rowOf(group, index, changedUs);
      if (!(input instanceof UnreadableRow)) note({ key: inputs.keyOf(group, index), digest: digestOf(input), place });
    }
  const byKey = commit.deletes.filter(({ content, equalityIds }) => content === 'equality' && isKey(equalityIds, inputs));
  for (const file of byKey) await noteKeys(file, inputs, reading, note);
  const searched = await Deletes.load(
    commit.deletes.filter((file) => file.content === 'equality' && !byKey.includes(file)),
    table,
    reading,
  );
  for (const file of live.rows) {
    const fields = [...inputs.fields, ...before.fields, ...searched.fields];
    const tests = [own.of(file, fields), searched.of(file, fields)].filter((test) => test !== undefined);
    if (tests.length === 0) continue;
    for await (const { group, index, place } of rowsOf(file, inputs, before, reading, searched))
      if (tests.some((isDeleted) => isDeleted(group, index))) note({ key: inputs.keyOf(group, index), digest: undefined, place });
  }
  return removed;
}

interface FoundRow {
  readonly group: RowGroup;
  readonly index: number;
  readonly place: string;
}

/** The rows of a file that are not deleted. */
async function* rowsOf(
  file: TableFileEntry,
  inputs: RowInputs,
  deletes: Deletes,
  reading: TableReading,
  more?: Deletes,
): AsyncGenerator<FoundRow> {
  const fields = [...inputs.fields, ...deletes.fields, ...(more?.fields ?? [])];
  const isDeleted = deletes.of(file, fields);
  for await (const group of readDataFile(file, fields, reading))
    for (let index = 0; index < group.length; index++)
      if (isDeleted?.(group, index) !== true) yield { group, index, place: `${file.path} row ${group.rowStart + index + 1}` };
}

/** Whether rows are deleted by the very columns of the row's key: such a delete names the row. */
function isKey(ids: readonly number[], { keyFields }: RowInputs): boolean {
  return ids.length === keyFields.length && keyFields.every(({ id }) => ids.includes(id));
}

async function noteKeys(file: TableFileEntry, inputs: RowInputs, reading: TableReading, note: (row: RemovedRow) => void): Promise<void> {
  for await (const { columns, length, rowStart } of readDataFile(file, inputs.keyFields, reading))
    for (let i = 0; i < length; i++)
      note({
        key: inputs.keyOfValues(columns.map((column) => column(i))),
        digest: undefined,
        place: `${file.path} row ${rowStart + i + 1}`,
      });
}

function digestOf(input: unknown): string {
  return createHash('sha256').update(encodeExactJson(input)).digest('base64url');
}
