import type { RowPlace } from './row-place.js';
import type { QueryStart } from './polled-table.js';

/** What statements of one system look like where systems differ. */
export interface SqlDialect {
  /** An identifier, whatever it holds. */
  quoted(name: string): string;
  /** The place of the value that is bound as number `index`, as one of that type. */
  bound(index: number, sqlType: string): string;
  /** The system's own clock as a value of the cursor's type, in UTC. */
  now(sqlType: string): string;
}

export interface OrderColumn {
  readonly name: string;
  /** What a value is bound as. */
  readonly sqlType: string;
}

export interface SelectShape {
  /** Quoted, with all that it lies in. */
  readonly sqlName: string;
  readonly cursor: OrderColumn;
  readonly key: readonly OrderColumn[];
  /** What is selected for each field, by the column's quoted name behind `row.`. */
  readonly selected: readonly string[];
}

export interface BoundValue {
  readonly value: string;
  readonly sqlType: string;
}

/** A statement and the values that are bound to it, in the order of their places. */
export interface BoundSelect {
  readonly text: string;
  readonly values: readonly BoundValue[];
}

/** The name of the table's row in statements: what a field is selected from. */
export const ROW = 'row_';

/** Whether it is of the initial load, cursor, key, and then what is selected (polled-table.ts). */
export function newRowsSelect(shape: SelectShape, start: QueryStart, { dialect, rowsMax }: SelectOptions): BoundSelect {
  const order = new Order(shape, dialect);
  const initial = start.initialEnd ? `(NOT (${order.isBehind(start.initialEnd)}))` : 'FALSE';
  const cursor = order.column(shape.cursor);
  const conditions = [`${cursor} <= ${dialect.now(shape.cursor.sqlType)}`];
  if (start.until !== undefined) conditions.push(`${cursor} <= ${order.bind(start.until, shape.cursor)}`);
  // The first of both says what the second one means to systems that leave out partitions by it.
  if (start.place !== undefined)
    conditions.push(`${cursor} >= ${order.bind(start.place.cursor, shape.cursor)}`, `(${order.isBehind(start.place)})`);
  const columns = [initial, cursor, ...shape.key.map((column) => order.column(column)), ...shape.selected];
  const named = columns.map((column, i) => `${column} AS c${i}`);
  return {
    text: `SELECT ${named.join(', ')} FROM ${shape.sqlName} AS ${ROW} WHERE ${cursor} IS NULL OR (${conditions.join(' AND ')}) ORDER BY ${order.by('ASC NULLS FIRST')} LIMIT ${rowsMax}`,
    values: order.values,
  };
}

/** Cursor and key of the last row that the source's clock has reached, and whose cursor is `until` or less: it bounds the initial load. */
export function lastPlaceSelect(
  shape: SelectShape,
  { dialect, until }: Pick<SelectOptions, 'dialect'> & { readonly until?: string | undefined },
): BoundSelect {
  const order = new Order(shape, dialect);
  const columns = [shape.cursor, ...shape.key].map((column, i) => `${order.column(column)} AS c${i}`);
  const cursor = order.column(shape.cursor);
  const bound = until === undefined ? '' : ` AND ${cursor} <= ${order.bind(until, shape.cursor)}`;
  return {
    text: `SELECT ${columns.join(', ')} FROM ${shape.sqlName} AS ${ROW} WHERE ${cursor} <= ${dialect.now(shape.cursor.sqlType)}${bound} ORDER BY ${order.by('DESC NULLS LAST')} LIMIT 1`,
    values: order.values,
  };
}

export interface SelectOptions {
  readonly dialect: SqlDialect;
  readonly rowsMax: number;
}

/** Places in the order of (cursor, key), written out column by column: neither system compares tuples. */
class Order {
  readonly #columns: readonly OrderColumn[];
  readonly #dialect: SqlDialect;
  readonly values: BoundValue[] = [];

  constructor({ cursor, key }: SelectShape, dialect: SqlDialect) {
    this.#columns = [cursor, ...key];
    this.#dialect = dialect;
  }

  column({ name }: OrderColumn): string {
    return `${ROW}.${this.#dialect.quoted(name)}`;
  }

  bind(value: string, { sqlType }: OrderColumn): string {
    this.values.push({ value, sqlType });
    return this.#dialect.bound(this.values.length - 1, sqlType);
  }

  by(direction: string): string {
    return this.#columns.map((column) => `${this.column(column)} ${direction}`).join(', ');
  }

  /** True for the rows behind the place, and for those whose key is null, so that these are seen and refused. */
  isBehind({ cursor, key }: RowPlace): string {
    const texts = [cursor, ...key];
    const from = (i: number): string => {
      const column = this.#columns[i];
      if (column === undefined) return 'FALSE';
      const name = this.column(column);
      const text = texts[i] ?? '';
      const isNull = i === 0 ? '' : `${name} IS NULL OR `;
      return `${isNull}${name} > ${this.bind(text, column)} OR (${name} = ${this.bind(text, column)} AND (${from(i + 1)}))`;
    };
    return from(0);
  }
}
