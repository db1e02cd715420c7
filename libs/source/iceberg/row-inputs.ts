import { encodeExactJson } from '../../codec/exact-json.js';
import type { DatasetDefinition } from '../../definition/definitions.js';
import { REFUSED_TEXT_LENGTH_MAX, ValueError } from '../../files/row-file.js';
import { formatTimestamp } from '../../time/timestamp.js';
import { UnreadableRow } from '../connector.js';
import type { PlannedColumn } from './column-plan.js';
import type { RowGroup } from './data-file.js';
import type { IcebergField } from './table-schema.js';

type Input = Readonly<Record<string, unknown>>;

/** Makes of a table's rows what a push would send; for one table and dataset. */
export class RowInputs {
  readonly #columns: readonly PlannedColumn[];
  readonly #key: readonly number[];
  readonly #isUpsert: boolean;

  constructor(columns: readonly PlannedColumn[], { cdc }: DatasetDefinition) {
    this.#columns = columns;
    this.#isUpsert = cdc !== undefined;
    this.#key = (cdc?.rowKey ?? []).map((name) => columns.findIndex(({ field }) => field.name === name));
  }

  /** The first columns that a file is read with; others may follow. */
  get fields(): readonly IcebergField[] {
    return this.#columns.map(({ column }) => column);
  }

  get keyFields(): readonly IcebergField[] {
    return this.#key.flatMap((at) => this.#columns[at]?.column ?? []);
  }

  /** A value that no record can hold makes an unreadable row, which names its column. */
  rowOf(group: RowGroup, index: number, changedUs: number): unknown {
    const input: Record<string, unknown> = this.#isUpsert ? { op_time: formatTimestamp(changedUs) } : {};
    let reason: string | undefined;
    for (const [at, column] of this.#columns.entries()) {
      try {
        const value = column.input(group.columns[at]?.(index));
        if (value !== null && value !== undefined) define(input, column.field.name, value);
      } catch (error) {
        if (!(error instanceof ValueError)) throw error;
        reason ??= `${column.field.name}: ${error.message}`;
      }
    }
    return reason === undefined ? input : new UnreadableRow(encodeExactJson(input).slice(0, REFUSED_TEXT_LENGTH_MAX), reason);
  }

  /** The end of the row with this key, as `keyOf` or `keyOfValues` made it (S17). */
  deleteOf(key: Input, changedUs: number): Input {
    return { ...key, op: 'delete', op_time: formatTimestamp(changedUs) };
  }

  keyOf(group: RowGroup, index: number): Input {
    return this.keyOfValues(this.#key.map((at) => group.columns[at]?.(index)));
  }

  /** `values`: of the columns of `keyFields`, in their order. */
  keyOfValues(values: readonly unknown[]): Input {
    const key: Record<string, unknown> = {};
    for (const [i, at] of this.#key.entries()) {
      const column = this.#columns[at];
      if (column !== undefined) define(key, column.field.name, column.input(values[i]));
    }
    return key;
  }
}

function define(input: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(input, name, { value, enumerable: true });
  else input[name] = value;
}
