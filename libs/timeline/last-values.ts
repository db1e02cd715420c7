import { type CoverItem, expandEntry } from './cover.js';
import type { InnerPage } from './inner-page.js';
import { COLUMN_COUNT } from './layout.js';
import type { RowPage } from './row-page.js';
import type { WindowView } from './window-view.js';

type Value = number | Uint8Array | null;

export interface LastValuesOptions {
  readonly column: number;
  readonly k: number;
  readonly dedup: boolean;
  readonly dropNull: boolean;
  readonly whereColumn?: number | undefined;
}

/** The newest `k` values, newest first (S7); reads no further back than they lie. */
export function lastValues(view: WindowView, options: LastValuesOptions): Value[] {
  const values: Value[] = [];
  const seen = new Set<string | number | null>();
  visitNewestFirst(view, { needs: neededColumns(options) }, (page, index) => {
    if (options.whereColumn !== undefined && page.isNull(index, options.whereColumn)) return true;
    const value = valueOf(page, index, options.column);
    if (value === null && options.dropNull) return true;
    if (options.dedup) {
      const identity = value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1') : value;
      if (seen.has(identity)) return true;
      seen.add(identity);
    }
    // A copy: the page belongs to the store. Not by `slice`, which of a Buffer is a view.
    values.push(value instanceof Uint8Array ? new Uint8Array(value) : value);
    return values.length < options.k;
  });
  return values.slice(0, options.k);
}

/** The newest value of a number column that is not null, or undefined. */
export function newestNumber(view: WindowView, column: number): number | undefined {
  let newest: number | undefined;
  visitNewestFirst(view, { needs: [column] }, (page, index) => {
    const value = page.number(index, column);
    if (value === value) newest = value;
    return newest === undefined;
  });
  return newest;
}

/** Subtrees with nothing in one of these columns are passed over. */
function neededColumns({ column, dropNull, whereColumn }: LastValuesOptions): number[] {
  return [...(dropNull ? [column] : []), ...(whereColumn === undefined ? [] : [whereColumn])];
}

export interface Passing {
  /** Subtrees with nothing in one of these columns are passed over. */
  readonly needs: readonly number[];
  /** So are those that it is true of. */
  readonly skips?: (page: InnerPage, index: number) => boolean;
}

/** Calls `visit` for the rows of the window, newest first, until it returns false. */
export function visitNewestFirst(view: WindowView, { needs, skips }: Passing, visit: (page: RowPage, index: number) => boolean): void {
  const { knownAtUs } = view.bounds;
  const { ended } = view;
  let endedLeft = ended?.count ?? 0;
  /** The ended rows that are newer than a row, or all that are left. */
  const visitEnded = (page?: RowPage, index = 0): boolean => {
    while (ended !== undefined && endedLeft > 0 && (page === undefined || ended.isAfterRow(endedLeft - 1, page, index))) {
      if (!visit(ended, --endedLeft)) return false;
    }
    return true;
  };
  const visitItem = (item: CoverItem): boolean => {
    if (item.kind === 'rows') {
      for (let index = item.end - 1; index >= item.start; index--) {
        if (item.page.known(index) <= knownAtUs && !(visitEnded(item.page, index) && visit(item.page, index))) return false;
      }
      return true;
    }
    if (skips?.(item.page, item.index) === true) return true;
    for (const column of needs) {
      if (item.page.field(item.index, item.page.layout.partialAt[column]! + COLUMN_COUNT) === 0) return true;
    }
    return visitItems(expandEntry(view.pages, item));
  };
  const visitItems = (items: readonly CoverItem[]): boolean => {
    for (let at = items.length - 1; at >= 0; at--) if (!visitItem(items[at]!)) return false;
    return true;
  };
  if (visitItems(view.current)) visitEnded();
}

function valueOf(page: RowPage, index: number, column: number): Value {
  if (!page.layout.isNumber[column]!) return page.bytes(index, column);
  const value = page.number(index, column);
  return value === value ? value : null;
}
