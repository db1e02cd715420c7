// Files of changes of rows (S17): what their rows may hold beside the fields of the dataset.
import { UsageError } from './command.js';

export interface FieldStatus {
  readonly name: string;
  readonly dtype: string;
  readonly optional: boolean;
}

/** What `/api/v1/status` tells of a dataset's records. */
export interface RecordsStatus {
  readonly name: string;
  readonly fields: readonly FieldStatus[];
  /** Absent in the answers of releases that knew events alone. */
  readonly cdc?: 'append' | 'upsert' | 'debezium';
  readonly row_key?: readonly string[];
}

/** What a change does, and when its source made it: columns of a file like any other, which may be empty. */
export const OPERATION = 'op';
export const OPERATION_TIME = 'op_time';

/** The dataset as a file of its changes has it: a delete has its rowKey alone. */
export function withChangeFields<Dataset extends RecordsStatus>(dataset: Dataset): Dataset {
  if (dataset.cdc !== 'upsert') return dataset;
  const names = new Set(dataset.fields.map(({ name }) => name));
  const added = [
    { name: OPERATION, dtype: 'str', optional: true },
    { name: OPERATION_TIME, dtype: 'datetime', optional: true },
  ].filter(({ name }) => !names.has(name));
  const fields = dataset.fields.map((field) => (dataset.row_key?.includes(field.name) === true ? field : { ...field, optional: true }));
  return { ...dataset, fields: [...fields, ...added] };
}

/** Whether an empty value says that it is not there, which no field of a type can say. */
export function isAbsentOperation(dataset: RecordsStatus, field: string, value: unknown): boolean {
  return dataset.cdc === 'upsert' && (field === OPERATION || field === OPERATION_TIME) && (value === '' || value === null);
}

/** `{ "key": ..., "value": null }`, which is no row. */
export function isTombstone(dataset: RecordsStatus, row: Readonly<Record<string, unknown>>): boolean {
  if (dataset.cdc !== 'upsert' || row['value'] !== null || typeof row['key'] !== 'object') return false;
  return Object.keys(row).length === 2 && dataset.fields.every(({ name }) => name !== 'value');
}

/** Envelopes have their columns inside, so that nothing of them can be renamed, moved in time or laid out in columns. */
export function refuseColumnsOfEnvelopes(
  { name }: RecordsStatus,
  {
    path,
    hasColumns,
    isRenamed,
    isShifted,
  }: { readonly path: string; readonly hasColumns: boolean; readonly isRenamed: boolean; readonly isShifted: boolean },
): void {
  if (hasColumns) throw new UsageError(`${path} has columns, and ${name} takes Debezium's envelopes: give NDJSON, an envelope a line`);
  if (isRenamed) throw new UsageError(`--rename: ${name} takes Debezium's envelopes, whose columns are not renamed`);
  if (isShifted) throw new UsageError(`--shift-to-now: ${name} takes Debezium's envelopes, whose times stay what they are`);
}
