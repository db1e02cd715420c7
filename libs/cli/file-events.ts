import { encodeExactJson, ExactNumber } from '../codec/exact-json.js';
import { compileFieldValue, roundedTime, type FieldKind } from '../files/field-values.js';
import type { RowValues } from '../files/row-file.js';
import { formatTimestamp, parseTimestamp } from '../time/timestamp.js';
import { isAbsentOperation, isTombstone, OPERATION_TIME, type RecordsStatus } from './file-changes.js';

/** A dataset as `/api/v1/status` tells it. */
export interface DatasetStatus extends RecordsStatus {
  readonly version: string;
  readonly timestamp: string;
}

export interface EventOptions {
  readonly dataset: DatasetStatus;
  /** By column: the field that it is for. */
  readonly renames: ReadonlyMap<string, string>;
  /** Added to the event time, µs. */
  readonly shiftUs: number;
  /** Whether the file's values are text, to be read by the types of the fields. */
  readonly isText: boolean;
}

/** Why a row of a file cannot be an event. */
export class EventError extends Error {
  override readonly name = 'EventError';
}

export interface FileEvent {
  /** JSON. */
  readonly text: string;
  /** Columns of the row that no field has. */
  readonly ignored: readonly string[];
}

/** Makes events of a file's rows. What does not fit its field is left as it is, for the deployment to name; throws EventError. */
export function compileFileEvents({ dataset, renames, shiftUs, isText }: EventOptions): (row: RowValues) => FileEvent {
  const readers = new Map(dataset.fields.map(({ name, dtype }) => [name, compileValue(dtype, isText)]));
  const timeFields = dataset.cdc === 'upsert' ? [dataset.timestamp, OPERATION_TIME] : [dataset.timestamp];
  if (dataset.cdc === 'debezium') return asTheyAre;
  return (row) => {
    if (isTombstone(dataset, row)) return asTheyAre(row);
    const event = new Map<string, unknown>();
    const ignored: string[] = [];
    for (const [column, value] of Object.entries(row)) {
      const field = renames.get(column) ?? column;
      const read = readers.get(field);
      if (read === undefined) ignored.push(column);
      else if (event.has(field)) throw new EventError(`${field}: two columns are for it, '${column}' among them: rename one`);
      else if (!isAbsentOperation(dataset, field, value)) event.set(field, read(value));
    }
    if (shiftUs !== 0) for (const name of timeFields) if (event.has(name)) event.set(name, shifted(event.get(name), shiftUs));
    return { text: encodeEvent(event), ignored };
  };
}

/** The newest event time that it can read among the rows of a pass, µs; what it cannot is refused later, by name. */
export function eventTimeUs(row: RowValues, { dataset, renames }: Pick<EventOptions, 'dataset' | 'renames'>): number | undefined {
  let newestUs: number | undefined;
  for (const [column, value] of Object.entries(row)) {
    if (!isTime(dataset, renames.get(column) ?? column)) continue;
    const us = timestampUs(value);
    if (us !== undefined && us >= (newestUs ?? us)) newestUs = us;
  }
  return newestUs;
}

/** Whether the field says when a row is, or was changed: where the one moves, so does the other. */
export function isTime({ timestamp, cdc }: Pick<DatasetStatus, 'timestamp' | 'cdc'>, field: string): boolean {
  return field === timestamp || (cdc === 'upsert' && field === OPERATION_TIME);
}

/** Of envelopes and tombstones, whose columns are inside (S17). */
function asTheyAre(row: RowValues): FileEvent {
  return { text: encodeEvent(new Map(Object.entries(row))), ignored: [] };
}

function encodeEvent(event: ReadonlyMap<string, unknown>): string {
  let text = '';
  for (const [name, value] of event) {
    try {
      text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${encodeExactJson(value)}`;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new EventError(`${name}: ${error.message}`, { cause: error });
    }
  }
  return `{${text}}`;
}

function shifted(value: unknown, shiftUs: number): unknown {
  const us = timestampUs(value);
  return us === undefined ? value : formatTimestamp(us + shiftUs);
}

function timestampUs(value: unknown): number | undefined {
  try {
    return parseTimestamp(value instanceof ExactNumber ? value.text : roundedTime(value));
  } catch {
    return undefined;
  }
}

/** Reads a file's value for a field of this type, in the words of `/api/v1/status`; what does not fit stays what it is. */
export function compileValue(dtype: string, isText: boolean): ReturnType<typeof compileFieldValue> {
  return compileFieldValue(dtype.startsWith('list[') ? 'list' : KIND_OF_DTYPE.get(dtype), isText);
}

/** The kinds of status's own words for types (REST 3). */
const KIND_OF_DTYPE: ReadonlyMap<string, FieldKind> = new Map([
  ['datetime', 'timestamp'],
  ['str', 'string'],
  ['dict', 'struct'],
  ['int', 'int'],
  ['float', 'float'],
  ['bool', 'bool'],
  ['decimal', 'decimal'],
]);
