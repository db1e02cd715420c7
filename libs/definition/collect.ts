import type { DatasetDefinition, Definitions, FeaturesetDefinition, PipelineDefinition, SourceDefinition } from './definitions.js';
import { checkShapes } from './check-shape.js';
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
  /** The author's methods of pipelines, by the pipelines' names. */
  readonly methods: ReadonlyMap<string, UserFunction>;
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
  const methods = new Map<string, UserFunction>();
  const found = {
    datasets: [] as DatasetDefinition[],
    sources: [] as SourceDefinition[],
    pipelines: [] as RecordedPipeline[],
    featuresets: [] as FeaturesetDefinition[],
  };
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
      found.datasets.push(datasetDefinition(name, marks, marks.dataset, functions, problems));
      found.sources.push(...sourceDefinitions(name, marks));
      const recorded = marks.pipelines.flatMap((mark) => recordPipeline(name, mark, candidate, functions, problems) ?? []);
      found.pipelines.push(...recorded);
      for (const mark of marks.pipelines) methods.set(`${name}.${mark.name}`, mark.method);
      queue.push(...recorded.flatMap(({ joined }) => [...joined]));
    }
    if (marks.featureset !== undefined)
      found.featuresets.push(featuresetDefinition(name, marks, marks.featureset, candidate, functions, problems));
    queue.push(...referencesOf(marks));
  }
  const definitions = wellShaped(found.datasets, found.sources, found.pipelines, found.featuresets, problems);
  return { definitions, functions, methods, problems: problems.found };
}

/** The classes that a class names in its options; a class it only looks up is not known here. */
function referencesOf(marks: Marks): readonly unknown[] {
  return [...marks.pipelines.flatMap(({ inputs }) => inputs), ...marks.features.flatMap(({ ref, from }) => [ref?.[0], from?.[0]])];
}

/** The definitions; none of them where a member has a wrong type, which `problems` then says: nothing else can be judged. */
function wellShaped(
  datasets: readonly DatasetDefinition[],
  sources: readonly SourceDefinition[],
  recorded: readonly RecordedPipeline[],
  featuresets: readonly FeaturesetDefinition[],
  problems: Problems,
): Definitions {
  const pipelines = recorded.map(({ pipeline }) => pipeline);
  const before = problems.found.length;
  checkShapes({ datasets, sources, pipelines, featuresets }, problems);
  if (problems.found.length > before) return { datasets: [], sources: [], pipelines: [], featuresets: [] };
  const byName = new Map(datasets.map((dataset) => [dataset.name, dataset]));
  return {
    datasets,
    sources,
    pipelines: pipelines.map((pipeline) => inKeyOrder(coerceLiterals(pipeline, byName), byName.get(pipeline.output))),
    featuresets,
  };
}

/** Group columns are named as the output's keys are: their order is the key's, however the author wrote them. */
function inKeyOrder(pipeline: PipelineDefinition, output: DatasetDefinition | undefined): PipelineDefinition {
  if (pipeline.aggregate === undefined) return pipeline;
  const rank = (name: string): number => (output?.keys.includes(name) === true ? output.keys.indexOf(name) : Infinity);
  const groupBy = [...pipeline.aggregate.groupBy].sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
  return { ...pipeline, aggregate: { ...pipeline.aggregate, groupBy } };
}
