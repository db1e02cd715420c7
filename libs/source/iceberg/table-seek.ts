import type { JsonValue } from '../connector.js';
import { cannotReset, wouldRepeat } from '../seek-error.js';
import type { TableMetadata } from './table-metadata.js';
import { decodePosition, describePosition, encodePosition } from './table-position.js';

/** The position behind a snapshot, the current one unless said; never before that of `stored`, where it is of the same table. */
export function seekSnapshot(table: TableMetadata, to: string | undefined, stored: JsonValue | undefined): JsonValue {
  const history = historyOf(table);
  const seen = to ?? table.currentId ?? null;
  if (seen !== null && !history.includes(seen))
    throw cannotReset(`the table's history has no snapshot ${seen}: name one of ${history.slice(0, 5).join(', ')}`);
  const before = stored === undefined ? undefined : decodePosition(stored);
  const reached = before?.at?.snapshot ?? before?.seen;
  // The newest stands first. What is no part of the history is left behind by `now` alone.
  if (to !== undefined && before !== undefined && typeof reached === 'string') {
    const at = history.indexOf(reached);
    if (at < 0)
      throw cannotReset(
        `${describePosition(before)}, up to where rows were published, is no part of the table's history: only now is behind it`,
      );
    if (history.indexOf(to) > at) throw wouldRepeat(`snapshot ${to}`, describePosition(before));
  }
  return encodePosition({ table: table.uuid, seen, first: null, changedUs: before?.changedUs ?? 0, at: null });
}

/** The ids of the current snapshot and of those that it comes from. */
function historyOf({ snapshots, currentId }: TableMetadata): readonly string[] {
  const history: string[] = [];
  for (let id = currentId; id !== undefined && snapshots.has(id); id = snapshots.get(id)?.parentId) history.push(id);
  return history;
}
