import type { LogRecord } from '../../libs/log/log.js';
import type { Row } from '../../libs/schema/value-type.js';

/** A record on its way through a pipeline: what it carries from its dataset topic, and its row so far. */
export interface FlowingRecord {
  readonly eventTimeUs: number;
  readonly appendTimeUs: number;
  /** Known at its event time (S22). */
  readonly historical: boolean;
  /** Its place in its dataset topic, which orders equal event times (S7). */
  readonly orderSource: number;
  readonly orderOffset: number;
  /** Where the reader decodes a part of its fields only, the others are null: `source` has them. */
  readonly row: Row;
  /** As it lies in its dataset topic; undefined for one that another task has re-keyed. */
  readonly source?: LogRecord | undefined;
}

/** S7: the pipeline's input in the high bits, the partition in the low twelve. */
export function orderSourceOf(input: number, partition: number): number {
  return (input << 12) | partition;
}

export function partitionOfOrder(orderSource: number): number {
  return orderSource & 0xfff;
}

/** S22: when an answer of the past may first have held it. */
export function knownUs(record: FlowingRecord): number {
  return record.historical ? record.eventTimeUs : record.appendTimeUs;
}
