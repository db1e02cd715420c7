import type { DatasetDefinition, Definitions, FeaturesetDefinition, PipelineDefinition, SourceDefinition } from './definitions.js';
import { coerceLiterals } from './coerce-literals.js';
import { checkMembers, datasetDefinition, sourceDefinitions } from './collect-dataset.js';
import { featuresetDefinition } from './collect-featureset.js';
import { type RecordedPipeline, recordPipeline } from './collect-pipeline.js';
import { classNameOf, type Marks, marksOfClass, type Method } from './marks.js';
import { type Problem, Problems } from './problem.js';

export { datasetNameOf, featuresetNameOf } from './marks.js';

/** A function of the author's: `<Featureset>.<method>` for an extractor, `<Dataset>.<method>#<n>` for a transform. */
export type UserFunction = Method;

export interface Collected {
  readonly definitions: Definitions;
  /** By the ids that the definitions name. */
  readonly functions: ReadonlyMap<string, UserFunction>;
  /** What plain data no longer shows: undecorated fields, unused predicates, methods that threw. checkDefinitions finds the rest. */
  readonly problems: readonly Problem[];
}

/**
 * The definitions of a module's exports, or of a list of classes: those, and every class that they
 * refer to. This is where pipelines' methods run, against streams that record.
 */
export function collectDefinitions(module: Readonly<Record<string, unknown>> | readonly unknown[]): Collected {
  const problems = new Problems();
  const functions = new Map<string, UserFunction>();
  const found = { datasets: [] as DatasetDefinition[], sources: [] as SourceDefinition[], pipelines: [] as RecordedPipeline[], featuresets: [] as FeaturesetDefinition[] };
  const queue = Object.values(module);
  const seen = new Set<unknown>();
  // The queue grows as it is walked: a class refers to others.
  for (const candidate of queue) {
    const marks = seen.has(candidate) ? undefined : marksOfClass(candidate);
    seen.add(candidate);
    if (marks === undefined) continue;
    const name = classNameOf(candidate);
    checkMembers(candidate as new () => object, marks, problems); // marked, so it is a class
    if (marks.dataset !== undefined) {
      found.datasets.push(datasetDefinition(name, marks, marks.dataset, problems));
      found.sources.push(...sourceDefinitions(name, marks));
      const recorded = marks.pipelines.flatMap((mark) => recordPipeline(name, mark, candidate, functions, problems) ?? []);
      found.pipelines.push(...recorded);
      queue.push(...recorded.flatMap(({ joined }) => [...joined]));
    }
    if (marks.featureset !== undefined) found.featuresets.push(featuresetDefinition(name, marks, marks.featureset, candidate, functions, problems));
    queue.push(...referencesOf(marks));
  }
  return { definitions: finished(found.datasets, found.sources, found.pipelines, found.featuresets), functions, problems: problems.found };
}

/** The classes that a class names in its options; a class it only looks up is not known here. */
function referencesOf(marks: Marks): readonly unknown[] {
  return [...marks.pipelines.flatMap(({ inputs }) => inputs), ...marks.features.flatMap(({ ref, from }) => [ref?.[0], from?.[0]])];
}

function finished(datasets: readonly DatasetDefinition[], sources: readonly SourceDefinition[], recorded: readonly RecordedPipeline[], featuresets: readonly FeaturesetDefinition[]): Definitions {
  const byName = new Map(datasets.map((dataset) => [dataset.name, dataset]));
  const pipelines = recorded.map(({ pipeline }): PipelineDefinition => inKeyOrder(coerceLiterals(pipeline, byName), byName.get(pipeline.output)));
  return { datasets, sources, pipelines, featuresets };
}

/** Group columns are named as the output's keys are: their order is the key's, however the author wrote them. */
function inKeyOrder(pipeline: PipelineDefinition, output: DatasetDefinition | undefined): PipelineDefinition {
  if (pipeline.aggregate === undefined) return pipeline;
  const rank = (name: string): number => (output?.keys.includes(name) === true ? output.keys.indexOf(name) : Infinity);
  const groupBy = [...pipeline.aggregate.groupBy].sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
  return { ...pipeline, aggregate: { ...pipeline.aggregate, groupBy } };
}
