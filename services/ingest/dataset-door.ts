import { compileRecordCodec, type DatasetRecord } from '../../libs/codec/dataset-record.js';
import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import type { NewRecord } from '../../libs/log/log.js';
import { compileReader } from '../../libs/schema/read-value.js';
import type { Field, Row, Value } from '../../libs/schema/value-type.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { UnreadableRecord } from './unreadable-record.js';

/** The lane that all pushes share (S10). */
const PUSH_LANE = 'push';

/** What all records of a batch have in common. */
export interface Stamp {
  readonly appendTimeUs: number;
  readonly historical: boolean;
  readonly producerId?: string;
}

export interface AdmittedRecord {
  readonly partition: number;
  readonly eventTimeUs: number;
  readonly row: Row;
  /** Fields that the schema does not have, and that were left out (S12). */
  readonly ignored: number;
  readonly record: NewRecord;
}

/** Judges records of one dataset version and encodes those that may enter its topic. Throws INVALID_ARGUMENT otherwise. */
export type Admit = (input: unknown, stamp: Stamp, sequence: number) => AdmittedRecord;

export function compileDoor(dataset: DatasetDefinition, partitions: number): Admit {
  const { name, fields, maxFutureUs } = dataset;
  const read = compileReader(fields, name);
  const keyColumns = dataset.keys.map((key) => columnOf(fields, key));
  const encodeKey = compileKeyEncoder(keyColumns.flatMap((column) => fields[column] ?? []), name);
  const codec = compileRecordCodec(fields);
  const timeColumn = columnOf(fields, dataset.timestamp);

  return (input, stamp, sequence) => {
    if (input instanceof UnreadableRecord) throw invalidArgument(name, input.reason);
    const { row, ignored } = read(input);
    const eventTimeUs = Number(row[timeColumn]);
    if (eventTimeUs > stamp.appendTimeUs + maxFutureUs) throw tooFarAhead(dataset, eventTimeUs, stamp.appendTimeUs);
    const key = encodeKey(keyColumns.map((column): Value => row[column] ?? null));
    const value = codec.encode(stamped(row, eventTimeUs, stamp, sequence));
    return { partition: partitionOf(slotOf(key), partitions), eventTimeUs, row, ignored, record: { key, value } };
  };
}

function stamped(row: Row, eventTimeUs: number, { appendTimeUs, historical, producerId }: Stamp, sequence: number): DatasetRecord {
  // Spelled out twice: spreading one into the other costs as much as encoding it.
  if (producerId === undefined) return { eventTimeUs, appendTimeUs, lane: PUSH_LANE, historical, row };
  return { eventTimeUs, appendTimeUs, lane: PUSH_LANE, historical, producerId, sequence, row };
}

function columnOf(fields: readonly Field[], name: string): number {
  const column = fields.findIndex((field) => field.name === name);
  if (column >= 0) return column;
  throw new ThymeError('THYME_REVISION_BROKEN', 'INTERNAL', `the revision has no field '${name}' where it names one`);
}

function tooFarAhead(dataset: DatasetDefinition, eventTimeUs: number, nowUs: number): Error {
  return invalidArgument(`${dataset.name}.${dataset.timestamp}`,
    `${formatTimestamp(eventTimeUs)} is more than ${dataset.maxFutureUs / 1e6} s ahead of the clock, which shows ${formatTimestamp(nowUs)}: correct it, or raise the dataset's maxFuture`);
}
