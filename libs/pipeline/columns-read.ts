import type { DatasetDefinition, PipelineDefinition } from '../definition/definitions.js';
import type { Measure } from '../definition/revision.js';
import { columnsOf } from '../expression/columns-of.js';

/**
 * The columns of its input that a pipeline reads on the way to its timelines, beside those of the group; undefined where
 * it may be any. Only pipelines of filters alone: whatever else a step makes of a row may need all of it.
 */
export function columnsRead(
  pipeline: PipelineDefinition,
  measures: readonly Measure[],
  input?: Pick<DatasetDefinition, 'cdc' | 'keys'>,
): ReadonlySet<string> | undefined {
  // Of a row that may be taken back it is remembered whose it is (S26).
  const columns = new Set<string>(input?.cdc === undefined ? [] : input.keys);
  for (const step of pipeline.steps) {
    if (step.kind !== 'filter') return undefined;
    for (const name of columnsOf(step.where)) columns.add(name);
  }
  for (const { of, where } of measures) {
    if (of !== undefined) columns.add(of);
    if (where !== undefined) for (const name of columnsOf(where)) columns.add(name);
  }
  return columns;
}
