import { ThymeError } from '../../libs/errors/errors.js';
import { within } from '../../libs/feature/feature-errors.js';
import type { FeaturePlan, InputValues } from '../../libs/feature/feature-plan.js';
import { Readings } from '../../libs/feature/readings.js';
import type { EntityKey } from '../../libs/feature/state-access.js';
import type { Row } from '../../libs/schema/value-type.js';
import type { Instant } from '../../libs/timeline/timeline.js';
import { untilDeadline } from './deadline.js';
import { ANSWER_CHUNK_BYTES, PENDING_ROW_BYTES_MIN } from './query-limits.js';
import type { QueryTick } from './query-tick.js';
import { rowBytes } from './row-size.js';

/** One row of a batch or of a training set, judged. */
export interface AskedRow {
  readonly key: EntityKey;
  readonly inputs: InputValues;
  readonly instant: Instant;
  /** What an error about this row names, such as `entities[3]` (S8). */
  readonly place: string;
}

export interface EvaluatedRows {
  /** The rows of the first of those asked, at least one: as many as make a chunk. */
  readonly rows: readonly Row[];
  /** Rows of whose entity anything had ever been recorded. */
  readonly hitCount: number;
  /** About what the rows take in an answer. */
  readonly bytes: number;
}

interface Evaluation {
  readonly tick: QueryTick;
  readonly signal: AbortSignal;
  /** How large a row is taken to be that is not there at once; rows that were there before tell. */
  readonly pendingRowBytes: number;
}

/**
 * Evaluates rows in their order, in one synchronous block; extractors that wait do so together. It stops
 * where the rows are large enough, and then holds the tick for those that follow. The first failure is
 * thrown, and names its row.
 */
export async function evaluateRows(plan: FeaturePlan, asked: readonly AskedRow[], evaluation: Evaluation): Promise<EvaluatedRows> {
  const { tick, signal, pendingRowBytes } = evaluation;
  const rows: (Row | Promise<Row>)[] = [];
  let hitCount = 0;
  let bytes = 0;
  try {
    for (const { key, inputs, instant, place } of asked) {
      const readings = new Readings();
      const row = named(place, () => plan.evaluate(key, inputs, { state: tick, instant, readings }));
      rows.push(row);
      if (readings.found) hitCount++;
      bytes += row instanceof Promise ? pendingRowBytes : rowBytes(row);
      if (bytes < ANSWER_CHUNK_BYTES || rows.length === asked.length) continue;
      tick.hold();
      break;
    }
  } catch (error) {
    for (const row of rows) if (row instanceof Promise) row.catch(() => undefined); // theirs are not the first failure
    throw error;
  }
  if (!rows.some((row) => row instanceof Promise)) return { rows: rows as readonly Row[], hitCount, bytes }; // none of them is a promise
  const settled = await settledRows(rows, signal);
  return { rows: settled, hitCount, bytes: settled.reduce((sum, row) => sum + rowBytes(row), 0) };
}

/** For the rows that follow these. */
export function pendingRowBytesAfter({ rows, bytes }: EvaluatedRows): number {
  return Math.max(PENDING_ROW_BYTES_MIN, bytes / Math.max(1, rows.length));
}

/** No promise per row where none was given (DESIGN 7). */
async function settledRows(rows: readonly (Row | Promise<Row>)[], signal: AbortSignal): Promise<readonly Row[]> {
  return untilDeadline(Promise.all(rows.map(async (row) => row)), signal);
}

function named(place: string, evaluate: () => Row | Promise<Row>): Row | Promise<Row> {
  try {
    const row = evaluate();
    return row instanceof Promise
      ? row.catch((error: unknown) => {
          throw at(place, error);
        })
      : row;
  } catch (error) {
    throw at(place, error);
  }
}

function at(place: string, error: unknown): unknown {
  return error instanceof ThymeError ? within(place, error) : error;
}
