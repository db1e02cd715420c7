import type { TableFiles } from './table-files.js';
import { openAvro } from './avro-file.js';
import { icebergError } from './iceberg-error.js';
import type { Snapshot } from './table-metadata.js';

/** A list of files that one commit wrote, with what became of them up to then. */
interface Manifest {
  readonly path: string;
  readonly sizeBytes: number | undefined;
  readonly specId: number;
  readonly sequence: number;
  /** The commit that wrote it. */
  readonly snapshotId: string | undefined;
}

export type FileContent = 'rows' | 'positions' | 'equality';

/** A file of a table: rows, or what says which rows of others are gone. */
export interface TableFileEntry {
  readonly content: FileContent;
  readonly path: string;
  readonly format: string;
  readonly rows: number;
  readonly sizeBytes: number;
  readonly specId: number;
  /** The values of its partition, in the order of the spec's fields, as Avro has them. */
  readonly partition: readonly unknown[];
  /** Of the commit that its rows came with: an equality delete is for files of smaller ones. */
  readonly sequence: number;
  readonly equalityIds: readonly number[];
}

export type EntryStatus = 'existing' | 'added' | 'removed';

export interface ManifestEntry {
  readonly status: EntryStatus;
  /** Of the commit that added or removed it. */
  readonly snapshotId: string | undefined;
  readonly file: TableFileEntry;
}

const STATUS: readonly EntryStatus[] = ['existing', 'added', 'removed'];
const CONTENT: readonly FileContent[] = ['rows', 'positions', 'equality'];
/** Files that one snapshot may hold: their entries are in memory while it is read. */
const FILES_MAX = 1_000_000;

type AvroRecord = Readonly<Record<string, unknown>>;

/** All entries of the snapshot's manifests; with `own`, of those manifests alone that its commit wrote. */
export async function readManifests(
  snapshot: Snapshot,
  files: TableFiles,
  signal: AbortSignal,
  own: 'own' | 'all',
): Promise<readonly ManifestEntry[]> {
  const entries: ManifestEntry[] = [];
  for (const manifest of await listManifests(snapshot, files, signal)) {
    if (own === 'own' && manifest.snapshotId !== undefined && manifest.snapshotId !== snapshot.id) continue;
    const file = await files.open(manifest.path, manifest.sizeBytes, signal);
    for await (const record of (await openAvro(file, manifest.path)).records) {
      entries.push(entryOf(record, manifest));
      if (entries.length > FILES_MAX)
        throw icebergError('LIMIT', `snapshot ${snapshot.id} holds more than ${FILES_MAX} files: compact the table`);
    }
  }
  return entries;
}

async function listManifests(snapshot: Snapshot, files: TableFiles, signal: AbortSignal): Promise<readonly Manifest[]> {
  if (snapshot.manifestList === undefined)
    return snapshot.manifests.map((path) => ({ path, sizeBytes: undefined, specId: 0, sequence: 0, snapshotId: undefined }));
  const manifests: Manifest[] = [];
  const list = await openAvro(await files.open(snapshot.manifestList, undefined, signal), snapshot.manifestList);
  for await (const record of list.records)
    manifests.push({
      path: String(record['manifest_path']),
      sizeBytes: Number(record['manifest_length']),
      specId: Number(record['partition_spec_id']),
      sequence: Number(record['sequence_number'] ?? 0),
      snapshotId: textOf(record['added_snapshot_id']),
    });
  return manifests;
}

/** What an entry leaves out it has from its manifest. */
function entryOf(record: AvroRecord, manifest: Manifest): ManifestEntry {
  const status = STATUS[Number(record['status'])];
  const file = record['data_file'] as AvroRecord; // every entry has one
  const content = CONTENT[Number(file['content'] ?? 0)];
  if (status === undefined || content === undefined)
    throw icebergError('TABLE', `${manifest.path} has an entry of a kind that is not known`);
  const format = String(file['file_format']).toLowerCase();
  if (format !== 'parquet' && format !== 'avro')
    throw icebergError(
      'UNSUPPORTED',
      `${String(file['file_path'])} is ${format === 'puffin' ? 'a deletion vector (format version 3)' : `of the format ${format}`}, which is not read: parquet and Avro are`,
    );
  return {
    status,
    snapshotId: textOf(record['snapshot_id']) ?? manifest.snapshotId,
    file: {
      content,
      path: String(file['file_path']),
      format,
      rows: Number(file['record_count']),
      sizeBytes: Number(file['file_size_in_bytes']),
      specId: manifest.specId,
      partition: Object.values((file['partition'] ?? {}) as AvroRecord),
      sequence: Number(record['sequence_number'] ?? manifest.sequence),
      equalityIds: ((file['equality_ids'] ?? []) as readonly unknown[]).map(Number),
    },
  };
}

function textOf(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}
