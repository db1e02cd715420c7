// What flows along the edges of the lineage: records a second, by the counters of two readings of the status, and what is behind.
import type { Status } from '../status.js';
import { rateText, shortText } from '../words.js';
import { nodeId } from './graph.js';

interface Flow {
  /** Undefined before the second reading. */
  readonly perSecond: number | undefined;
  /** In the unit's own words; empty where nothing is. */
  readonly behind: string;
}

/** By the ids of both ends. */
export type Flows = ReadonlyMap<string, Flow>;

/** Counters that grow with what flows: of what pipelines read and applied. */
export function flowCounts({ jobs }: Status): ReadonlyMap<string, number> {
  return new Map(
    jobs.flatMap(({ name, progress }) => [[`into ${name}`, progress.read] as const, [`out of ${name}`, progress.applied] as const]),
  );
}

export function flowsOf({ sources, pipelines, jobs }: Status, rates: ReadonlyMap<string, number> | undefined): Flows {
  const flows = new Map<string, Flow>();
  for (const { dataset, rows_per_s, lag } of sources) {
    const behind =
      lag.rows !== null ? rowsText(lag.rows) : lag.seconds !== null && lag.seconds >= 1 ? `${Math.round(lag.seconds)} s behind` : '';
    flows.set(edgeId(nodeId('source', dataset), nodeId('dataset', dataset)), { perSecond: rows_per_s, behind });
  }
  for (const { name, input_datasets, output_dataset } of pipelines) {
    const lag = jobs.find((job) => job.name === name)?.progress.lag ?? 0;
    const [reads, applies] = [rates?.get(`into ${name}`), rates?.get(`out of ${name}`)];
    for (const input of input_datasets)
      flows.set(edgeId(nodeId('dataset', input), nodeId('pipeline', name)), { perSecond: reads, behind: rowsText(lag) });
    flows.set(edgeId(nodeId('pipeline', name), nodeId('dataset', output_dataset)), { perSecond: applies, behind: '' });
  }
  return flows;
}

/** What is written above an edge, and below it; both empty where nothing flows that is counted. */
export function flowTexts(flows: Flows, from: string, to: string): { readonly rate: string; readonly behind: string } {
  const flow = flows.get(edgeId(from, to));
  if (flow === undefined) return { rate: '', behind: '' };
  return { rate: flow.perSecond === undefined ? '' : `${rateText(flow.perSecond)}/s`, behind: flow.behind };
}

function edgeId(from: string, to: string): string {
  return JSON.stringify([from, to]);
}

function rowsText(rows: number): string {
  return rows > 0 ? `${shortText(rows)} behind` : '';
}
