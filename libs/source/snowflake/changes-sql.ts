import { quoted } from './snowflake-names.js';
import type { SnowflakeTable } from './snowflake-shape.js';
import { selectedAs } from './snowflake-values.js';

/** A table whose rows are told by `rowKey`. */
export interface TrackedTable extends SnowflakeTable {
  /** The columns of `rowKey`, by name. */
  readonly keyColumns: readonly string[];
}

export interface Interval {
  /** Everything up to there was read; null: nothing, and the table itself is. */
  readonly at: string | null;
  readonly until: string;
  /** Rows of it that are left out: they were taken. */
  readonly taken: number;
}

/**
 * The action of each row, and its columns by field. Deletes come first: a key that one row loses and another one has by then is that of
 * the other one. An update that leaves the key is its new row alone. Rows of one key are told apart by their hash, so the order is
 * the same each time.
 */
export function intervalSelect(table: TrackedTable, { at, until, taken }: Interval): string {
  const key = table.keyColumns.map(quoted).join(', ');
  const values = table.fields.map(({ column }) => selectedAs(column, quoted(column.name)));
  const named = values.map((value, i) => `${value} AS c${i + 1}`).join(', ');
  const order = `${key}, HASH(${values.join(', ')})`;
  if (at === null)
    return `SELECT 'INSERT' AS c0, ${named} FROM ${table.sqlName} AT (TIMESTAMP => ${instant(until)}) ORDER BY ${order} LIMIT NULL OFFSET ${taken}`;
  const isReplaced = `METADATA$ACTION = 'DELETE' AND COUNT_IF(METADATA$ACTION = 'INSERT') OVER (PARTITION BY ${key}) > 0`;
  return (
    `SELECT METADATA$ACTION AS c0, ${named} FROM ${table.sqlName} CHANGES (INFORMATION => DEFAULT) ` +
    `AT (TIMESTAMP => ${instant(at)}) END (TIMESTAMP => ${instant(until)}) ` +
    `QUALIFY NOT (${isReplaced}) ORDER BY c0, ${order} LIMIT NULL OFFSET ${taken}`
  );
}

/** Fails where changes of the table are not tracked, or may not be read. */
export function trackingSelect({ sqlName }: TrackedTable): string {
  return `SELECT METADATA$ACTION FROM ${sqlName} CHANGES (INFORMATION => DEFAULT) AT (OFFSET => -1) LIMIT 1`;
}

function instant(text: string): string {
  return `CAST('${text}' AS TIMESTAMP_LTZ)`;
}
