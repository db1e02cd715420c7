import type { RowPage } from './row-page.js';

/** A leaf as readings share it: its rows, and the values of its columns in order once they have been asked for twice. */
export class LeafPage {
  readonly #sorted: (Float64Array | 'askedOnce' | undefined)[] = [];

  constructor(readonly rows: RowPage) {}

  /**
   * The values of a column of numbers in order, without its nulls. Nothing at the first question: sorting costs some ten times
   * what gathering the values does, and most leaves are never asked again.
   */
  sorted(column: number): Float64Array | undefined {
    const kept = this.#sorted[column];
    if (kept === undefined) this.#sorted[column] = 'askedOnce';
    else if (kept === 'askedOnce') return (this.#sorted[column] = sortedValues(this.rows, column));
    else return kept;
    return undefined;
  }
}

function sortedValues(rows: RowPage, column: number): Float64Array {
  const values = new Float64Array(rows.count);
  let count = 0;
  for (let row = 0; row < rows.count; row++) {
    const value = rows.number(row, column);
    if (value === value) values[count++] = value;
  }
  return values.subarray(0, count).sort();
}
