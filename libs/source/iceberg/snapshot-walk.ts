import { icebergError } from './iceberg-error.js';
import type { Snapshot, TableMetadata } from './table-metadata.js';

/**
 * The snapshots behind `seenId` up to the current one of the branch `main`, in the order of their commits; of an empty table's
 * position (null) from the first on. Throws where the table's history does not lead there.
 */
export function snapshotsSince(table: TableMetadata, seenId: string | null): readonly Snapshot[] {
  const { snapshots, currentId } = table;
  if (currentId === undefined) {
    if (seenId === null) return [];
    throw icebergError('ROLLED_BACK', `the table has no current snapshot any more, and ${seenId} was read: ${GO_ON}`);
  }
  const path: Snapshot[] = [];
  for (let id: string | undefined = currentId; id !== seenId;) {
    const snapshot: Snapshot | undefined = id === undefined ? undefined : snapshots.get(id);
    if (snapshot === undefined) throw notReached(table, seenId, id);
    path.unshift(snapshot);
    id = snapshot.parentId;
    if (id === undefined && seenId === null) break;
  }
  // Some writers take the parent away from whose parent is expired: what was first in the table has the first sequence number.
  if (seenId === null && (path[0]?.sequence ?? 0) > 1) throw notReached(table, seenId, 'in front of the first that is left');
  return path;
}

const GO_ON = "raise the version of the dataset with upgrade: 'empty', which reads the table as it is now";

function notReached({ snapshots, currentId }: TableMetadata, seenId: string | null, missingId: string | undefined): Error {
  if (seenId === null)
    return icebergError(
      'EXPIRED',
      `a snapshot of the table (${missingId ?? ''}) has been expired before it was read: ${GO_ON}, and expire snapshots later`,
    );
  if (!snapshots.has(seenId))
    return icebergError(
      'EXPIRED',
      `snapshot ${seenId}, up to which the table was read, has been expired, so what came behind it cannot be told: ${GO_ON}, and expire snapshots later than the source may stand still`,
    );
  if (missingId !== undefined && !isAncestor(snapshots, seenId, currentId))
    return icebergError(
      'EXPIRED',
      `snapshot ${missingId}, between ${seenId} up to which the table was read and the current one, has been expired: ${GO_ON}`,
    );
  return icebergError(
    'ROLLED_BACK',
    `the table's current snapshot ${currentId ?? ''} does not come from ${seenId}, up to which it was read: it was rolled back, or put on another branch. Put it back, or ${GO_ON}`,
  );
}

/** Whether the current snapshot lies before the one that was read. */
function isAncestor(snapshots: ReadonlyMap<string, Snapshot>, seenId: string, currentId: string | undefined): boolean {
  for (let id = snapshots.get(seenId)?.parentId; id !== undefined; id = snapshots.get(id)?.parentId) if (id === currentId) return true;
  return false;
}
