import type { Definitions, PipelineDefinition } from './definitions.js';
import type { Revision, TimelineIdentity } from './revision.js';

/** What a timeline belongs to beside its name and version: another of these is another timeline (S19a, S25a). */
export type TimelineTopics = Pick<TimelineIdentity, 'inputs' | 'output'>;

/** Before the dataset's name in the name of an index's timeline. */
export const INDEX_PREFIX = 'index:';

/** `Order.v2`: a dataset's version, as identities name it. */
export function datasetVersionName(dataset: string, version: number): string {
  return `${dataset}.v${version}`;
}

/** Whether the pipeline's rows go to its output's topic: then they cannot be taken back (S25a). */
export function publishes({ aggregate, output }: PipelineDefinition, { datasets }: Pick<Definitions, 'datasets'>): boolean {
  return aggregate === undefined || datasets.some((dataset) => dataset.name === output && dataset.publish);
}

/** What these definitions say that a pipeline's or an index's timeline is built from; undefined where they have none of that name. */
export function topicsOf(name: string, definitions: Definitions): TimelineTopics | undefined {
  const versioned = (dataset: string): string =>
    datasetVersionName(dataset, definitions.datasets.find((candidate) => candidate.name === dataset)?.version ?? 0);
  if (name.startsWith(INDEX_PREFIX)) return { inputs: [versioned(name.slice(INDEX_PREFIX.length))] };
  const pipeline = definitions.pipelines.find((candidate) => candidate.name === name);
  if (pipeline === undefined) return undefined;
  const inputs = pipeline.inputs.map(versioned);
  return publishes(pipeline, definitions) ? { inputs, output: versioned(pipeline.output) } : { inputs };
}

/**
 * The revision's timelines with what they belong to, also of one that was committed before identities told: then it is
 * what that revision said.
 */
export function timelinesWithTopics({ timelines, definitions }: Pick<Revision, 'timelines' | 'definitions'>): readonly TimelineIdentity[] {
  return timelines.map((timeline) => (timeline.inputs === undefined ? { ...timeline, ...topicsOf(timeline.name, definitions) } : timeline));
}

export function sameTopics(a: TimelineTopics, b: TimelineTopics): boolean {
  return a.output === b.output && a.inputs?.join() === b.inputs?.join();
}
