import type { BatchLimits } from '../../connector.js';
import type { ChangedRow } from './change-rows.js';
import type { StreamPosition } from './stream-position.js';

export interface CutBatch {
  readonly rows: readonly ChangedRow[];
  readonly position: StreamPosition;
}

/** Gathers changes. Transactions are kept together as long as one fits; a larger one is cut wherever the limits are. */
export class ChangeBatch {
  readonly #limits: BatchLimits;
  #rows: ChangedRow[] = [];
  #bytes = 0;
  /** How many of the rows are of transactions that are there as a whole, and the position behind them. */
  #whole: { readonly rows: number; readonly position: StreamPosition } | undefined;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#rows.length === 0;
  }

  /** For the rows of one change, which are never parted. Whatever comes first has room. */
  hasRoomFor(rows: readonly ChangedRow[]): boolean {
    if (this.#rows.length === 0) return true;
    const bytes = rows.reduce((total, row) => total + row.bytes, this.#bytes);
    return this.#rows.length + rows.length <= this.#limits.rowsMax && bytes <= this.#limits.bytesMax;
  }

  add(rows: readonly ChangedRow[]): void {
    for (const row of rows) {
      this.#rows.push(row);
      this.#bytes += row.bytes;
    }
  }

  /** A transaction has ended, and this is behind it. */
  end(position: StreamPosition): void {
    this.#whole = { rows: this.#rows.length, position };
  }

  /** The whole transactions; undefined where none has a row. */
  takeWhole(): CutBatch | undefined {
    const whole = this.#whole;
    if (whole === undefined || whole.rows === 0) return undefined;
    const rows = this.#rows.splice(0, whole.rows);
    this.#bytes = this.#rows.reduce((total, row) => total + row.bytes, 0);
    this.#whole = undefined;
    return { rows, position: whole.position };
  }

  /** What there is of a transaction that is too large for one batch; `position` lies within it. */
  takePart(position: StreamPosition): CutBatch {
    const rows = this.#rows;
    this.#rows = [];
    this.#bytes = 0;
    this.#whole = undefined;
    return { rows, position };
  }
}
