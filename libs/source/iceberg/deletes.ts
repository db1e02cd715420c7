import { encodeExactJson } from '../../codec/exact-json.js';
import { readDataFile, type RowGroup, type TableReading } from './data-file.js';
import { icebergError } from './iceberg-error.js';
import type { TableFileEntry } from './manifests.js';
import type { TableMetadata } from './table-metadata.js';
import { checkReadable, type IcebergField } from './table-schema.js';

/** Whether the row at an index of a group is deleted. Throws ValueError where its values cannot be read. */
export type IsDeleted = (group: RowGroup, index: number) => boolean;

/** Positions and keys of deleted rows are in memory while a snapshot is read. */
const POSITIONS_MAX = 20_000_000;
const KEYS_MAX = 2_000_000;

/** Columns that files of positions have, by the ids that the format gives them. */
const POSITION_FIELDS: readonly IcebergField[] = [
  { id: 2_147_483_546, name: 'file_path', type: { kind: 'primitive', name: 'string' } },
  { id: 2_147_483_545, name: 'pos', type: { kind: 'primitive', name: 'long' } },
];

/** Deletes by the values of the same columns, in one partition or everywhere. */
interface EqualityGroup {
  readonly fields: readonly IcebergField[];
  /** Undefined: for all partitions. */
  readonly partition: string | undefined;
  /** The largest sequence number that deletes rows of these values. */
  readonly sequences: Map<string, number>;
  /** The largest of them. */
  newest: number;
}

/**
 * Which rows are deleted by a set of delete files. A position is of one file; a key is of every row with its values whose file
 * came with an earlier commit than the delete, in the delete's partition (or in all, where its spec has no fields).
 */
export class Deletes {
  readonly #positions = new Map<string, number[]>();
  readonly #groups = new Map<string, EqualityGroup>();

  static async load(entries: readonly TableFileEntry[], table: TableMetadata, reading: TableReading): Promise<Deletes> {
    const deletes = new Deletes();
    let positions = 0;
    let keys = 0;
    for (const entry of entries) {
      if (entry.content === 'positions') positions += await deletes.#loadPositions(entry, reading);
      else keys += await deletes.#loadKeys(entry, table, reading);
      if (positions > POSITIONS_MAX || keys > KEYS_MAX)
        throw icebergError(
          'LIMIT',
          `the table has more than ${positions > POSITIONS_MAX ? `${POSITIONS_MAX} deletes by position` : `${KEYS_MAX} deletes by key`} in force: compact it (rewrite_data_files), so that deleted rows leave its files`,
        );
    }
    return deletes;
  }

  /** What has to be read of a row to know whether it is deleted. */
  get fields(): readonly IcebergField[] {
    return [...new Map([...this.#groups.values()].flatMap(({ fields }) => fields.map((field) => [field.id, field]))).values()];
  }

  /** For a file that is read with `fields`, which hold those of `this.fields`. Undefined: none of its rows is deleted. */
  of(file: TableFileEntry, fields: readonly IcebergField[]): IsDeleted | undefined {
    const positions = new Set(this.#positions.get(file.path));
    const partition = partitionOf(file);
    const groups = [...this.#groups.values()]
      .filter((group) => (group.partition === undefined || group.partition === partition) && group.newest > file.sequence)
      .map((group) => ({ sequences: group.sequences, at: group.fields.map(({ id }) => fields.findIndex((field) => field.id === id)) }));
    if (positions.size === 0 && groups.length === 0) return undefined;
    return (group, index) =>
      positions.has(group.rowStart + index) ||
      groups.some(
        ({ sequences, at }) =>
          (sequences.get(encodeExactJson(at.map((column) => group.columns[column]?.(index) ?? null))) ?? -1) > file.sequence,
      );
  }

  async #loadPositions(entry: TableFileEntry, reading: TableReading): Promise<number> {
    let count = 0;
    for await (const { columns, length } of readDataFile(entry, POSITION_FIELDS, reading)) {
      for (let i = 0; i < length; i++) {
        const path = String(columns[0]?.(i));
        const known = this.#positions.get(path);
        const position = Number(columns[1]?.(i));
        if (known === undefined) this.#positions.set(path, [position]);
        else known.push(position);
      }
      count += length;
    }
    return count;
  }

  async #loadKeys(entry: TableFileEntry, table: TableMetadata, reading: TableReading): Promise<number> {
    const group = this.#groupOf(entry, table);
    const { fields, sequences } = group;
    group.newest = Math.max(group.newest, entry.sequence);
    const before = sequences.size;
    for await (const { columns, length } of readDataFile(entry, fields, reading))
      for (let i = 0; i < length; i++) {
        const key = encodeExactJson(columns.map((column) => column(i) ?? null));
        sequences.set(key, Math.max(entry.sequence, sequences.get(key) ?? 0));
      }
    return sequences.size - before;
  }

  #groupOf(entry: TableFileEntry, table: TableMetadata): EqualityGroup {
    const partition = table.specs.get(entry.specId)?.length === 0 ? undefined : partitionOf(entry);
    const ids = [...entry.equalityIds].sort((a, b) => a - b);
    const name = `${ids.join(',')} ${partition ?? ''}`;
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const group = { fields: ids.map((id) => equalityField(id, table)), partition, sequences: new Map<string, number>(), newest: 0 };
    this.#groups.set(name, group);
    return group;
  }
}

/** Also a column that has been dropped since: its deletes stay in force. */
export function equalityField(id: number, { fields, schemas }: TableMetadata): IcebergField {
  const field = [fields, ...[...schemas].reverse()].flatMap((schema) => schema.filter((one) => one.id === id))[0];
  if (field === undefined)
    throw icebergError('UNSUPPORTED', `rows are deleted by the column of id ${id}, which is no column of the table's top level`);
  checkReadable(field, '');
  return field;
}

function partitionOf({ specId, partition }: TableFileEntry): string {
  return `${specId} ${encodeExactJson(partition.map((value) => value ?? null))}`;
}
