import type { Definitions } from '../definition/definitions.js';
import type { TimelineIdentity } from '../definition/revision.js';
import { INDEX_PREFIX } from '../definition/timeline-topics.js';

/** Whether rows of the timeline may be taken back: the records that it is made of are changes of rows (S17). */
export function isRetractable({ datasets, pipelines }: Definitions, { name }: Pick<TimelineIdentity, 'name'>): boolean {
  const input = name.startsWith(INDEX_PREFIX)
    ? name.slice(INDEX_PREFIX.length)
    : pipelines.find((pipeline) => pipeline.name === name)?.inputs[0];
  return datasets.some((dataset) => dataset.name === input && dataset.cdc !== undefined);
}
