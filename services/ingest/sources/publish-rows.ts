import { ThymeError } from '../../../libs/errors/errors.js';
import type { NewRecord, TransactionRecords } from '../../../libs/log/log.js';
import { UnreadableRow, type SourceRow } from '../../../libs/source/connector.js';
import type { TurnBudget } from '../../../libs/time/turns.js';
import type { DatasetDoor } from '../dataset-doors.js';
import { deadLetterRecord } from '../dead-letter.js';
import { UnreadableRecord } from '../unreadable-record.js';
import { SLICE_RECORDS } from '../ingest-limits.js';

export interface PublishedRows {
  /** For one transaction: the dataset's partitions, and its dead letters. */
  readonly parts: readonly TransactionRecords[];
  readonly accepted: number;
  readonly refused: number;
}

export interface PublishOptions {
  readonly door: DatasetDoor;
  readonly appendTimeUs: number;
  readonly turns: TurnBudget;
  /** Where rows replace earlier ones (S17), the field that says when they do. */
  readonly changeField: string | undefined;
}

/** The rows as records of the dataset's topic; what does not fit is a dead letter with its place (S12). */
export async function publishRows(rows: readonly SourceRow[], options: PublishOptions): Promise<PublishedRows> {
  const { door, appendTimeUs, turns, changeField } = options;
  const byPartition = new Map<number, NewRecord[]>();
  const dead: NewRecord[] = [];
  for (const [i, row] of rows.entries()) {
    const turn = i % SLICE_RECORDS === 0 ? turns.take(Math.min(SLICE_RECORDS, rows.length - i)) : undefined;
    if (turn !== undefined) await turn;
    const { input, lane, historical } = row;
    try {
      const admitted = door.admit(recordOf(input, changeField), { appendTimeUs, historical, lane }, 0);
      const records = byPartition.get(admitted.partition);
      if (records === undefined) byPartition.set(admitted.partition, [admitted.record]);
      else records.push(admitted.record);
      door.counts.ignoredFields += admitted.ignored;
      if (admitted.row !== undefined) door.expectations.count(admitted.row);
    } catch (error) {
      if (!(error instanceof ThymeError) || error.status === 'INTERNAL') throw error;
      dead.push(deadLetter(error.message, row, door, appendTimeUs));
    }
  }
  const parts = [...byPartition].map(([partition, records]) => ({ target: { topic: door.topic, partition }, records }));
  if (dead.length > 0) parts.push({ target: { topic: door.deadTopic, partition: 0 }, records: dead });
  return { parts, accepted: rows.length - dead.length, refused: dead.length };
}

function recordOf(input: unknown, changeField: string | undefined): unknown {
  if (input instanceof UnreadableRow) return new UnreadableRecord(input.text, input.reason);
  if (changeField === undefined || typeof input !== 'object' || input === null) return input;
  return { ...input, op_time: (input as Readonly<Record<string, unknown>>)[changeField] };
}

function deadLetter(reason: string, { input, place }: SourceRow, { dataset }: DatasetDoor, atUs: number): NewRecord {
  return deadLetterRecord(
    { reason, dataset: dataset.name, version: dataset.version, atUs, place },
    input instanceof UnreadableRow ? input.text : input,
  );
}
