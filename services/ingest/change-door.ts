import { compileRecordCodec, type DatasetRecord, PUSH_LANE } from '../../libs/codec/dataset-record.js';
import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import type { ChangeCapture, DatasetDefinition } from '../../libs/definition/definitions.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import type { Row, Value } from '../../libs/schema/value-type.js';
import { compileChangeReader, type ReadChange } from './change-reader.js';
import { type Admit, columnOf, requireNotAhead, type Stamp } from './dataset-door.js';
import { UnreadableRecord } from './unreadable-record.js';

/**
 * As `compileDoor`, where records are changes of rows (S17): each goes to the partition of its row. Its change time may be as far ahead
 * of the clock as its event time.
 */
export function compileChangeDoor(dataset: DatasetDefinition, cdc: ChangeCapture, partitions: number): Admit {
  const { name, fields } = dataset;
  const read = compileChangeReader(dataset, cdc);
  const rowKeyOf = compileKeyOf(dataset, cdc.rowKey);
  const entityKeyOf = compileKeyOf(dataset, dataset.keys);
  const codec = compileRecordCodec(fields);
  const timeColumn = columnOf(fields, dataset.timestamp);

  return (input, stamp, sequence) => {
    if (input instanceof UnreadableRecord) throw invalidArgument(name, input.reason);
    const change = read(input);
    const { deleted, row, timeUs, ignored } = change;
    if (timeUs !== undefined) requireNotAhead(dataset, timeUs, stamp, 'the change time');
    // A delete is at no time of its own but that of the change.
    const eventTimeUs = deleted ? (timeUs ?? stamp.appendTimeUs) : Number(row[timeColumn]);
    requireNotAhead(dataset, eventTimeUs, stamp);
    if (!deleted) entityKeyOf(row); // refused, where it is empty, though the record lies elsewhere
    const key = rowKeyOf(row);
    const value = codec.encode(stamped(change, eventTimeUs, stamp, sequence));
    const countsUs = Math.max(eventTimeUs, timeUs ?? eventTimeUs);
    return {
      partition: partitionOf(slotOf(key), partitions),
      eventTimeUs: countsUs,
      row: deleted ? undefined : row,
      ignored,
      record: { key, value },
    };
  };
}

function compileKeyOf({ name, fields }: DatasetDefinition, names: readonly string[]): (row: Row) => Uint8Array {
  const columns = names.map((each) => columnOf(fields, each));
  const encode = compileKeyEncoder(
    columns.flatMap((column) => fields[column] ?? []),
    name,
  );
  return (row) => encode(columns.map((column): Value => row[column] ?? null));
}

function stamped({ deleted, row, timeUs, historical }: ReadChange, eventTimeUs: number, stamp: Stamp, sequence: number): DatasetRecord {
  return {
    eventTimeUs,
    appendTimeUs: stamp.appendTimeUs,
    lane: stamp.lane ?? PUSH_LANE,
    historical: historical || stamp.historical,
    ...(stamp.producerId === undefined ? {} : { producerId: stamp.producerId, sequence }),
    change: timeUs === undefined ? { deleted } : { deleted, timeUs },
    row,
  };
}
