import type { SourceRow } from '../connector.js';
import { SEEN_MAX, seenMark, type TablePosition } from './table-position.js';
import type { FetchedRow } from './table-pages.js';

/** The position of a pass that begins, or goes on where it was cut off. */
export function beginPass(before: TablePosition, snapshotXmin: bigint): TablePosition {
  return before.pass !== undefined ? before : { ...before, pass: { xmin: String(snapshotXmin), late: undefined, heldFrom: undefined } };
}

/** Behind a page of late rows: those that the pass before has published are left out. */
export function afterLatePage(page: readonly FetchedRow[], at: TablePosition, hasXmin: boolean): Taken {
  const unseen = page.filter(({ place: { key }, xmin }) => isFrom(xmin, at.xmin) && !at.seen.has(seenMark(key, xmin)));
  const { rows, position } = takeRows(unseen, at, hasXmin);
  const last = page.at(-1);
  return {
    rows,
    position: position.pass === undefined || last === undefined ? position : { ...position, pass: { ...position.pass, late: last.place } },
  };
}

/** From here on, what is behind the place and was settled when the pass began is never looked at again. */
export function afterLateRows(at: TablePosition): TablePosition {
  const { pass } = at;
  if (pass === undefined) return at;
  const seen = new Map([...at.seen].filter(([, xmin]) => isFrom(BigInt(xmin), pass.xmin)));
  return { ...at, xmin: pass.xmin, seen, pass: { ...pass, late: null } };
}

export function afterNewPage(page: readonly FetchedRow[], at: TablePosition, hasXmin: boolean): Taken {
  const { rows, position } = takeRows(page, at, hasXmin);
  return { rows, position: { ...position, place: page.at(-1)?.place ?? at.place } };
}

/** Whatever the pass has held back is where the next one begins to look. */
export function endPass(at: TablePosition, floors: TablePosition['floors']): TablePosition {
  return { ...at, heldFrom: at.pass?.heldFrom, pass: undefined, floors, initialEnd: undefined };
}

export interface Taken {
  readonly rows: readonly SourceRow[];
  readonly position: TablePosition;
}

/**
 * Those of a page that may be published now. A row whose transaction is not older than all that were writing when the pass
 * began will be met again by the next one, so it is remembered; where no more can be, it is held back for the next one.
 */
function takeRows(page: readonly FetchedRow[], at: TablePosition, hasXmin: boolean): Taken {
  const seen = new Map(at.seen);
  const rows: SourceRow[] = [];
  let heldFrom = at.pass?.heldFrom;
  for (const { place, xmin, row } of page) {
    const isSettled = !hasXmin || !isFrom(xmin, at.pass?.xmin);
    if (!isSettled && seen.size >= SEEN_MAX) {
      heldFrom ??= place.cursor;
      continue;
    }
    if (!isSettled) seen.set(seenMark(place.key, xmin), String(xmin));
    rows.push(row);
  }
  return { rows, position: { ...at, seen, pass: at.pass === undefined ? undefined : { ...at.pass, heldFrom } } };
}

function isFrom(xmin: bigint, first: string | undefined): boolean {
  return first === undefined || xmin >= BigInt(first);
}
