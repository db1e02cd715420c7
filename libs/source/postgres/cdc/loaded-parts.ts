import type pg from 'pg';
import type { CapturedTable } from './captured-table.js';
import type { Lsn } from './lsn.js';
import type { LoadedPart } from './stream-position.js';

/** A change whose row may have been loaded after it was committed. */
export interface KeyedChange {
  readonly key: readonly (string | null)[];
  readonly commitLsn: Lsn;
}

/** Whether changes committed there may be in a part of the first load already. */
export function mayBeLoaded(parts: readonly LoadedPart[], commitLsn: Lsn): boolean {
  return parts.some(({ lsn }) => commitLsn < lsn);
}

/** The part of a row, by its key, was read as of one place of the log: changes before it are in it already. */
export async function alreadyLoaded(
  client: pg.Client,
  table: CapturedTable,
  parts: readonly LoadedPart[],
  changes: readonly KeyedChange[],
): Promise<readonly boolean[]> {
  const places = await partsOf(client, table, parts, changes);
  return changes.map(({ commitLsn }, i) => commitLsn < (parts[places[i] ?? 0]?.lsn ?? 0n));
}

/** By the server's own order of keys: nobody else knows its collations. */
async function partsOf(
  client: pg.Client,
  { key }: CapturedTable,
  parts: readonly LoadedPart[],
  changes: readonly KeyedChange[],
): Promise<readonly number[]> {
  const bounds = parts.flatMap(({ upTo }) => (upTo === null ? [] : [upTo]));
  const columns = key
    .map(({ sqlType, collation }, i) => `u.k${i}::${sqlType}${collation === undefined ? '' : ` COLLATE ${collation}`}`)
    .join(', ');
  const behind = bounds.map(
    (_bound, b) =>
      `((${columns}) > (${key.map(({ sqlType }, i) => `$${key.length * (b + 1) + i + 1}::text::${sqlType}`).join(', ')}))::int`,
  );
  const arrays = key.map((_column, i) => `$${i + 1}::text[]`).join(', ');
  const names = key.map((_column, i) => `k${i}`).join(', ');
  const { rows } = await client.query<{ readonly part: string }>(
    `SELECT (${behind.join(' + ') || '0'})::text AS part FROM unnest(${arrays}) WITH ORDINALITY AS u(${names}, place) ORDER BY place`,
    [...key.map((_column, i) => changes.map((change) => change.key[i] ?? null)), ...bounds.flat()],
  );
  return rows.map(({ part }) => Number(part));
}
