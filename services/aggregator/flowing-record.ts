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
  /** What it does to the timeline, where its dataset's records are changes of rows (S17); absent for an event. */
  readonly change?: VersionChange | undefined;
  /** Its key in the topic, for a version that ends: that has no `source`. */
  readonly rowKey?: Uint8Array | undefined;
}

/** A version of a row begins, or the one that the record was ends: then it runs through the stages as it did when it came. */
export type VersionChange =
  | { readonly kind: 'begins'; /** Undefined: from its event time on. */ readonly startUs: number | undefined; readonly knownUs: number }
  | { readonly kind: 'ends'; readonly endUs: number; readonly knownUs: number }
  | Erasing;

/**
 * What its source has put into a group from one offset up to another goes (S26): a version of a row, or from -Infinity on all
 * of an entity.
 */
export interface Erasing {
  readonly kind: 'erases';
  /** Of the erasure. */
  readonly id: string;
  readonly fromOffset: number;
  readonly beforeOffset: number;
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
  if (record.change !== undefined && record.change.kind !== 'erases') return record.change.knownUs;
  return record.historical ? record.eventTimeUs : record.appendTimeUs;
}
