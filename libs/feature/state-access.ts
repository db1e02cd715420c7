import type { PageReader } from '../timeline/page-access.js';
import type { Instant } from '../timeline/timeline.js';
import type { Readings } from './readings.js';
import type { Row } from '../schema/value-type.js';

/** An entity as reads take it: its key's values, and the bytes that state is kept under. */
export interface EntityKey {
  readonly values: Row;
  readonly bytes: Uint8Array;
  /** `slotOf(bytes)`: decides the partition. */
  readonly slot: number;
}

/** One tick of one partition (S15). */
export interface PartitionState extends PageReader {
  /** S20; -Infinity when nothing was trimmed. */
  horizonUs(timelineId: number): number;
}

/** The state that one query reads: one tick of each partition that it touches, for the whole query. */
export interface StateAccess {
  partitionOf(slot: number): PartitionState;
  /** Throws unless the timeline holds all history in every partition (S18). */
  requireReady(timelineId: number): void;
  /** Called before the first await: what was read so far, and what comes, stays at its tick until the query ends. */
  hold(): void;
}

/** Where and when a row is evaluated. */
export interface ReadContext {
  readonly state: StateAccess;
  readonly instant: Instant;
  /** The row's own. */
  readonly readings: Readings;
}
