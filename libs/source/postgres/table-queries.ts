import type { RowPlace } from '../table/row-place.js';
import { quoted, type KeyColumn, type TableShape } from './table-shape.js';
import type { TablePosition } from './table-position.js';

/** A statement and the values that are bound to it. */
export interface BoundQuery {
  readonly text: string;
  readonly values: readonly (string | null)[];
}

/** Numbers bound values from $1 on, each cast to its column's type. */
class Binder {
  readonly values: string[] = [];

  bind(value: string, sqlType: string): string {
    this.values.push(value);
    return `$${this.values.length}::${sqlType}`;
  }

  tuple({ cursor, key }: RowPlace, shape: TableShape): string {
    return `(${[this.bind(cursor, shape.cursor.sqlType), ...shape.key.map(({ sqlType }, i) => this.bind(key[i] ?? '', sqlType))].join(', ')})`;
  }
}

/**
 * Rows behind `after`, in order: first xmin and whether it is of the initial load, then cursor, key and columns, all as text.
 * Of a view, whose rows do not tell their transactions, those alone that are `settledS` seconds old.
 */
export function newRowsQuery(shape: TableShape, { place, initialEnd }: TablePosition, settledS: number): BoundQuery {
  const binder = new Binder();
  const initial = initialEnd === undefined ? 'false' : `${tupleOf(shape)} <= ${binder.tuple(initialEnd, shape)}`;
  const conditions = [`${columnOf(shape.cursor)} IS NOT NULL`];
  if (place !== undefined) conditions.push(`${tupleOf(shape)} > ${binder.tuple(place, shape)}`);
  if (!shape.hasXmin)
    conditions.push(`${columnOf(shape.cursor)} <= now() - make_interval(secs => ${binder.bind(String(settledS), 'float8')})`);
  return { text: select(shape, initial, conditions.join(' AND ')), values: binder.values };
}

/**
 * Rows at or before the place, behind what the pass has done of them, that were written by transaction `xmin` or a later one;
 * from the lower of the floors on. Row versions have the low 32 bits of their transaction alone, so they are compared around
 * the circle.
 */
export function lateRowsQuery(
  shape: TableShape,
  { place, pass, xmin, heldFrom }: TablePosition & { readonly place: RowPlace },
  floor: string | undefined,
): BoundQuery {
  const binder = new Binder();
  const conditions = [`${tupleOf(shape)} <= ${binder.tuple(place, shape)}`];
  const floors = floor === undefined ? [] : [floor, ...(heldFrom === undefined ? [] : [heldFrom])];
  if (floors.length > 0)
    conditions.push(`${columnOf(shape.cursor)} >= least(${floors.map((one) => binder.bind(one, shape.cursor.sqlType)).join(', ')})`);
  if (pass?.late) conditions.push(`${tupleOf(shape)} > ${binder.tuple(pass.late, shape)}`);
  if (xmin !== undefined) {
    const low = String(BigInt(xmin) & 0xffff_ffffn);
    conditions.push(`(("row".xmin::text::bigint - ${binder.bind(low, 'bigint')} + 4294967296) % 4294967296) < 2147483648`);
  }
  return { text: select(shape, 'false', conditions.join(' AND ')), values: binder.values };
}

/** The last row there is, which bounds the initial load; of those up to a cursor, or that old, where it is said. */
export function lastRowQuery(shape: TableShape, bound?: { readonly cursor: string } | { readonly settledS: number }): BoundQuery {
  const binder = new Binder();
  const name = columnOf(shape.cursor);
  const conditions = [`${name} IS NOT NULL`];
  if (bound !== undefined)
    conditions.push(
      'cursor' in bound
        ? `${name} <= ${binder.bind(bound.cursor, shape.cursor.sqlType)}`
        : `${name} <= now() - make_interval(secs => ${binder.bind(String(bound.settledS), 'float8')})`,
    );
  const order = [shape.cursor, ...shape.key].map((column) => `${columnOf(column)} DESC`).join(', ');
  const columns = [shape.cursor, ...shape.key].map(textOf).join(', ');
  return {
    text: `SELECT ${columns} FROM ${shape.sqlName} AS "row" WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT 1`,
    values: binder.values,
  };
}

/** Whether one place lies before another: only the server knows the order of its texts. */
export function isBeforeQuery(shape: TableShape, one: RowPlace, other: RowPlace): BoundQuery {
  const binder = new Binder();
  return { text: `SELECT ${binder.tuple(one, shape)} < ${binder.tuple(other, shape)}`, values: binder.values };
}

/** The cursor's value that lies so many seconds before the given one. */
export function lookBackQuery(cursor: KeyColumn, from: string, seconds: number): BoundQuery {
  return {
    text: `SELECT (($1::${cursor.sqlType}) - make_interval(secs => $2::float8))::${cursor.sqlType}::text AS floor`,
    values: [from, String(seconds)],
  };
}

/** The cursor's value so many rows before the end; no row where there are not so many. */
export function farRowQuery({ sqlName, cursor }: TableShape, rows: number): BoundQuery {
  const name = columnOf(cursor);
  return {
    text: `SELECT ${name}::text FROM ${sqlName} AS "row" WHERE ${name} IS NOT NULL ORDER BY ${name} DESC OFFSET ${rows} LIMIT 1`,
    values: [],
  };
}

export function nullCursorQuery(shape: TableShape): BoundQuery {
  const key = shape.key.map(textOf).join(', ');
  return { text: `SELECT ${key} FROM ${shape.sqlName} AS "row" WHERE ${columnOf(shape.cursor)} IS NULL LIMIT 1`, values: [] };
}

function select(shape: TableShape, initial: string, where: string): string {
  const xmin = shape.hasXmin ? '"row".xmin::text' : "'0'";
  const columns = [xmin, `(${initial})::text`, ...[shape.cursor, ...shape.key].map(textOf), ...shape.columns.map(textOf)];
  const order = [shape.cursor, ...shape.key].map(columnOf).join(', ');
  return `SELECT ${columns.join(', ')} FROM ${shape.sqlName} AS "row" WHERE ${where} ORDER BY ${order}`;
}

function tupleOf(shape: TableShape): string {
  return `(${[shape.cursor, ...shape.key].map(columnOf).join(', ')})`;
}

/** With the table in front: a bare name in ORDER BY would be the text that is selected under it. */
function columnOf({ name }: { readonly name: string }): string {
  return `"row".${quoted(name)}`;
}

function textOf(column: { readonly name: string }): string {
  return `${columnOf(column)}::text`;
}
