import type { NewRecord } from '../../libs/log/log.js';
import { isInHistory, offsetAt } from '../../libs/pipeline/record-place.js';
import type { Field, Row } from '../../libs/schema/value-type.js';
import { compileWriter } from '../../libs/schema/write-value.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import type { ReaderPlan } from './reader-plan.js';

/** A record that a pipeline could not take (S13, S23), as JSON, for people and repair scripts. */
export interface PipelineDeadLetter {
  readonly reason: string;
  readonly dataset: string;
  readonly version: number;
  readonly pipeline: string;
  /** Its place in the dataset's topic. */
  readonly partition: number;
  readonly offset: number;
  /** Present, and true, where that is a place in the history that the dataset's version was begun with (S19a). */
  readonly history?: true;
  readonly event_time: string;
  /** When it was set aside, RFC 3339. */
  readonly at: string;
  /** The record as JSON text, cut at RECORD_LENGTH_MAX characters. */
  readonly record: string;
  /** Present, and true, where it was cut. */
  readonly truncated?: true;
}

export interface DeadRecord {
  readonly reason: string;
  readonly partition: number;
  /** A place (record-place.ts). */
  readonly offset: number;
  readonly eventTimeUs: number;
  readonly fields: readonly Field[];
  readonly row: Row;
}

const RECORD_LENGTH_MAX = 65_536;
const REASON_LENGTH_MAX = 1_024;
const NO_KEY = new Uint8Array();

export function pipelineDeadLetter({ name, dataset }: Pick<ReaderPlan, 'name' | 'dataset'>, dead: DeadRecord, clockUs: number): NewRecord {
  const text = JSON.stringify(compileWriter(dead.fields)(dead.row));
  const letter: PipelineDeadLetter = {
    reason: dead.reason.slice(0, REASON_LENGTH_MAX),
    dataset: dataset.name,
    version: dataset.version,
    pipeline: name,
    partition: dead.partition,
    offset: offsetAt(dead.offset),
    ...(isInHistory(dead.offset) ? { history: true as const } : {}),
    event_time: formatTimestamp(dead.eventTimeUs),
    at: formatTimestamp(clockUs),
    record: text.slice(0, RECORD_LENGTH_MAX),
    ...(text.length > RECORD_LENGTH_MAX ? { truncated: true as const } : {}),
  };
  return { key: NO_KEY, value: Buffer.from(JSON.stringify(letter)) };
}

/** What the author's function threw goes to those who may read the dead letters, and nowhere else. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
