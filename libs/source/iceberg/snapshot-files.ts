import { compareText } from '../../schema/compare-text.js';
import { readManifests, type ManifestEntry, type TableFileEntry } from './manifests.js';
import type { TableFiles } from './table-files.js';
import type { Snapshot } from './table-metadata.js';

/** The table as a snapshot has it. */
export interface LiveFiles {
  readonly rows: readonly TableFileEntry[];
  readonly deletes: readonly TableFileEntry[];
}

/** What one commit did to the table's files. */
export interface CommitFiles {
  readonly added: readonly TableFileEntry[];
  readonly removed: readonly TableFileEntry[];
  /** Files that say which rows of others are gone from then on. */
  readonly deletes: readonly TableFileEntry[];
}

export async function liveFiles(snapshot: Snapshot, files: TableFiles, signal: AbortSignal): Promise<LiveFiles> {
  const entries = (await readManifests(snapshot, files, signal, 'all')).filter(({ status }) => status !== 'removed');
  return { rows: ordered(entries, 'rows'), deletes: [...ordered(entries, 'positions'), ...ordered(entries, 'equality')] };
}

export async function commitFiles(snapshot: Snapshot, files: TableFiles, signal: AbortSignal): Promise<CommitFiles> {
  const entries = (await readManifests(snapshot, files, signal, 'own')).filter(({ snapshotId }) => snapshotId === snapshot.id);
  const added = entries.filter(({ status }) => status === 'added');
  const removed = entries.filter(({ status }) => status === 'removed');
  return {
    added: ordered(added, 'rows'),
    removed: ordered(removed, 'rows'),
    deletes: [...ordered(added, 'positions'), ...ordered(added, 'equality')],
  };
}

/** By (sequence number, path): the same each time, whatever the manifests' order is. */
function ordered(entries: readonly ManifestEntry[], content: TableFileEntry['content']): readonly TableFileEntry[] {
  return entries
    .filter(({ file }) => file.content === content)
    .map(({ file }) => file)
    .sort((a, b) => a.sequence - b.sequence || compareText(a.path, b.path));
}
