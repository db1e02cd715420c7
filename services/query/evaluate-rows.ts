import { ThymeError } from '../../libs/errors/errors.js';
import { within } from '../../libs/feature/feature-errors.js';
import type { FeaturePlan } from '../../libs/feature/feature-plan.js';
import { Readings } from '../../libs/feature/readings.js';
import type { EntityKey } from '../../libs/feature/state-access.js';
import type { Row } from '../../libs/schema/value-type.js';
import type { Instant } from '../../libs/timeline/timeline.js';
import { untilDeadline } from './deadline.js';
import type { QueryTick } from './query-tick.js';

/** One row of a batch or of a training set. */
export interface AskedRow {
  readonly key: EntityKey;
  readonly instant: Instant;
  /** What an error about this row names, such as `entities[3]` (S8). */
  readonly place: string;
}

export interface EvaluatedRows {
  readonly rows: readonly Row[];
  /** Rows of whose entity anything had ever been recorded. */
  readonly hitCount: number;
}

interface Evaluation {
  readonly tick: QueryTick;
  readonly signal: AbortSignal;
}

const NO_INPUTS: ReadonlyMap<string, unknown> = new Map();

/**
 * Evaluates rows in their order, in one synchronous block; extractors that wait do so together. The
 * first failure is thrown, and names its row.
 */
export async function evaluateRows(plan: FeaturePlan, asked: readonly AskedRow[], { tick, signal }: Evaluation): Promise<EvaluatedRows> {
  const inputs = plan.readInputs(NO_INPUTS); // refused where one is required: only single queries bring some
  const rows: (Row | Promise<Row>)[] = [];
  let hitCount = 0;
  try {
    for (const { key, instant, place } of asked) {
      const readings = new Readings();
      rows.push(named(place, () => plan.evaluate(key, inputs, { state: tick, instant, readings })));
      if (readings.found) hitCount++;
    }
  } catch (error) {
    for (const row of rows) if (row instanceof Promise) row.catch(() => undefined); // theirs are not the first failure
    throw error;
  }
  return { rows: await settled(rows, signal), hitCount };
}

/** No promise per row where none was given (DESIGN 7). */
async function settled(rows: readonly (Row | Promise<Row>)[], signal: AbortSignal): Promise<readonly Row[]> {
  if (!rows.some((row) => row instanceof Promise)) return rows as readonly Row[]; // none of them is a promise
  return untilDeadline(Promise.all(rows.map(async (row) => row)), signal);
}

function named(place: string, evaluate: () => Row | Promise<Row>): Row | Promise<Row> {
  try {
    const row = evaluate();
    return row instanceof Promise ? row.catch((error: unknown) => { throw at(place, error); }) : row;
  } catch (error) {
    throw at(place, error);
  }
}

function at(place: string, error: unknown): unknown {
  return error instanceof ThymeError ? within(place, error) : error;
}
