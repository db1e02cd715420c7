import type { ExactJson } from '../../codec/exact-json.js';
import { icebergError } from './iceberg-error.js';
import { idOf, type JsonObject, listOf, numberOf, objectOf, textOf } from './metadata-json.js';
import { type NameMapping, readNameMapping } from './name-mapping.js';
import { readFields, type IcebergField } from './table-schema.js';

/** The table after one commit. Its id is an integer of 64 bits, as digits: a double would make another one of it. */
export interface Snapshot {
  readonly id: string;
  readonly parentId: string | undefined;
  /** Grows with each commit; 0 in tables of format version 1. */
  readonly sequence: number;
  /** When it was committed, by the writer's clock. */
  readonly timestampMs: number;
  /** `append`, `replace`, `overwrite` or `delete`. */
  readonly operation: string;
  /** What its summary says that it added. */
  readonly rowsAdded: number | undefined;
  readonly manifestList: string | undefined;
  /** Of format version 1, in place of a list. */
  readonly manifests: readonly string[];
}

export interface PartitionField {
  readonly sourceId: number;
  readonly transform: string;
}

export interface TableMetadata {
  readonly uuid: string;
  readonly location: string;
  /** The current schema: files of older ones are read as it says, by the ids of its columns. */
  readonly fields: readonly IcebergField[];
  /** Of all schemas, the newest last. */
  readonly schemas: readonly (readonly IcebergField[])[];
  readonly specs: ReadonlyMap<number, readonly PartitionField[]>;
  readonly snapshots: ReadonlyMap<string, Snapshot>;
  /** Of the branch `main`; undefined in a table without rows. */
  readonly currentId: string | undefined;
  /** For files without ids of columns. */
  readonly nameMapping: NameMapping | undefined;
}

const VERSION_MAX = 3;

/** Throws a SourceError that names what cannot be read. */
export function tableMetadataOf(json: ExactJson | undefined): TableMetadata {
  const table = objectOf(json, 'metadata');
  const version = numberOf(table['format-version'], 'format-version');
  if (version < 1 || version > VERSION_MAX)
    throw icebergError('UNSUPPORTED', `the table is of format version ${version}; 1 and 2 are read, and 3 without what is new in it`);
  const schemas = readSchemas(table);
  const snapshots = listOf(table['snapshots'], 'snapshots').map((one) => readSnapshot(objectOf(one, 'snapshots'), version));
  const properties = table['properties'] === undefined ? {} : objectOf(table['properties'], 'properties');
  const current = idOf(table['current-snapshot-id'], 'current-snapshot-id');
  return {
    uuid: typeof table['table-uuid'] === 'string' ? table['table-uuid'] : '', // version 1 may have none
    location: textOf(table['location'], 'location'),
    fields: schemas.current,
    schemas: schemas.all,
    specs: readSpecs(table),
    snapshots: new Map(snapshots.map((snapshot) => [snapshot.id, snapshot])),
    currentId: current === '-1' ? undefined : current,
    nameMapping: readNameMapping(properties['schema.name-mapping.default']),
  };
}

function readSchemas(table: JsonObject): { readonly current: readonly IcebergField[]; readonly all: readonly (readonly IcebergField[])[] } {
  const list = listOf(table['schemas'], 'schemas').map((one) => objectOf(one, 'schemas'));
  if (list.length === 0) {
    const fields = readFields(objectOf(table['schema'], 'schema')['fields'], 'schema');
    return { current: fields, all: [fields] };
  }
  const all = list.map(({ fields }) => readFields(fields, 'schema'));
  const at = list.findIndex((schema) => schema['schema-id'] === table['current-schema-id']);
  const current = all[at];
  if (current === undefined) throw icebergError('TABLE', "the table's metadata has no schema of the id that it says is the current one");
  return { current, all };
}

function readSpecs(table: JsonObject): ReadonlyMap<number, readonly PartitionField[]> {
  const specs = listOf(table['partition-specs'], 'partition-specs').map((one) => objectOf(one, 'partition-specs'));
  if (specs.length === 0) return new Map([[0, readPartitionFields(table['partition-spec'])]]);
  return new Map(specs.map((spec) => [numberOf(spec['spec-id'], 'spec-id'), readPartitionFields(spec['fields'])]));
}

function readPartitionFields(json: ExactJson | undefined): readonly PartitionField[] {
  return listOf(json, 'partition fields').map((one) => {
    const field = objectOf(one, 'partition fields');
    return {
      sourceId: numberOf(field['source-id'] ?? listOf(field['source-ids'], 'source-ids')[0], 'source-id'),
      transform: textOf(field['transform'], 'transform'),
    };
  });
}

function readSnapshot(snapshot: JsonObject, version: number): Snapshot {
  const id = idOf(snapshot['snapshot-id'], 'snapshot-id');
  if (id === undefined) throw icebergError('TABLE', "the table's metadata has a snapshot without an id");
  const summary = snapshot['summary'] === undefined ? {} : objectOf(snapshot['summary'], 'summary');
  const { operation } = summary;
  const added = Number(summary['added-records']);
  const parent = idOf(snapshot['parent-snapshot-id'], 'parent-snapshot-id');
  return {
    id,
    parentId: parent === '-1' ? undefined : parent,
    sequence: version === 1 ? 0 : numberOf(snapshot['sequence-number'] ?? 0, 'sequence-number'),
    timestampMs: numberOf(snapshot['timestamp-ms'], 'timestamp-ms'),
    operation: typeof operation === 'string' ? operation : 'append', // older tables say nothing
    rowsAdded: Number.isSafeInteger(added) ? added : undefined,
    manifestList: typeof snapshot['manifest-list'] === 'string' ? snapshot['manifest-list'] : undefined,
    manifests: listOf(snapshot['manifests'], 'manifests').map((path) => textOf(path, 'manifests')),
  };
}
