import { compileRecordCodec, PUSH_LANE, type DatasetRecord } from '../../libs/codec/dataset-record.js';
import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import type { NewRecord } from '../../libs/log/log.js';
import { compileReader } from '../../libs/schema/read-value.js';
import type { Field, Row, Value } from '../../libs/schema/value-type.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { UnreadableRecord } from './unreadable-record.js';

/** What all records of a batch have in common. */
export interface Stamp {
  readonly appendTimeUs: number;
  readonly historical: boolean;
  readonly producerId?: string;
  /** Where a source read it (S10); absent for what is pushed. */
  readonly lane?: string;
}

export interface AdmittedRecord {
  readonly partition: number;
  readonly eventTimeUs: number;
  /** Undefined for a delete (S17). */
  readonly row: Row | undefined;
  /** Fields that the schema does not have, and that were left out (S12). */
  readonly ignored: number;
  readonly record: NewRecord;
}

/** Judges records of one dataset version and encodes those that may enter its topic. Throws INVALID_ARGUMENT otherwise. */
export type Admit = (input: unknown, stamp: Stamp, sequence: number) => AdmittedRecord;

export function compileDoor(dataset: DatasetDefinition, partitions: number): Admit {
  const { name, fields } = dataset;
  const read = compileReader(fields, name);
  const keyColumns = dataset.keys.map((key) => columnOf(fields, key));
  const encodeKey = compileKeyEncoder(
    keyColumns.flatMap((column) => fields[column] ?? []),
    name,
  );
  const codec = compileRecordCodec(fields);
  const timeColumn = columnOf(fields, dataset.timestamp);

  return (input, stamp, sequence) => {
    if (input instanceof UnreadableRecord) throw invalidArgument(name, input.reason);
    const { row, ignored } = read(input);
    const eventTimeUs = Number(row[timeColumn]);
    requireNotAhead(dataset, eventTimeUs, stamp);
    const key = encodeKey(keyColumns.map((column): Value => row[column] ?? null));
    const value = codec.encode(stamped(row, eventTimeUs, stamp, sequence));
    return { partition: partitionOf(slotOf(key), partitions), eventTimeUs, row, ignored, record: { key, value } };
  };
}

function stamped(row: Row, eventTimeUs: number, stamp: Stamp, sequence: number): DatasetRecord {
  const { appendTimeUs, historical, producerId, lane = PUSH_LANE } = stamp;
  // Spelled out twice: spreading one into the other costs as much as encoding it.
  if (producerId === undefined) return { eventTimeUs, appendTimeUs, lane, historical, row };
  return { eventTimeUs, appendTimeUs, lane, historical, producerId, sequence, row };
}

export function columnOf(fields: readonly Field[], name: string): number {
  const column = fields.findIndex((field) => field.name === name);
  if (column >= 0) return column;
  throw new ThymeError('THYME_REVISION_BROKEN', 'INTERNAL', `the revision has no field '${name}' where it names one`);
}

/** S12. `what` names a time that is no field. */
export function requireNotAhead(dataset: DatasetDefinition, timeUs: number, { appendTimeUs: nowUs }: Stamp, what?: string): void {
  if (timeUs <= nowUs + dataset.maxFutureUs) return;
  throw invalidArgument(
    `${dataset.name}.${what ?? dataset.timestamp}`,
    `${formatTimestamp(timeUs)} is more than ${dataset.maxFutureUs / 1e6} s ahead of the clock, which shows ${formatTimestamp(nowUs)}: correct it, or raise the dataset's maxFuture`,
  );
}
