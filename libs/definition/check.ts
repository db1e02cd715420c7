import { checkCycles } from './check-cycles.js';
import { checkDataset } from './check-dataset.js';
import { checkFeatureset } from './check-featureset.js';
import { checkPipeline } from './check-pipeline.js';
import { checkSource } from './check-source.js';
import { DATASETS_MAX, FEATURESETS_MAX, PROBLEMS_MAX } from './limits.js';
import { collectDefinitions, type Collected } from './collect.js';
import type { Definitions } from './definitions.js';
import { DefinitionIndex } from './definition-index.js';
import { definitionsInvalid, type Problem, Problems } from './problem.js';

/**
 * Everything that is wrong with a module of definitions, all at once, each with its place and how
 * to mend it (DESIGN 8). None means that every service can compile it. Pure and total: definitions
 * may come from any client, not only from the face.
 */
export function checkDefinitions(definitions: Definitions): readonly Problem[] {
  const problems = new Problems();
  return problems.atMost(PROBLEMS_MAX, () => {
    const index = new DefinitionIndex(definitions);
    checkCounts(definitions, problems);
    reportDuplicates('dataset', definitions.datasets, problems);
    reportDuplicates('featureset', definitions.featuresets, problems);
    for (const dataset of definitions.datasets) checkDataset(dataset, problems);
    for (const source of definitions.sources) checkSource(source, index, problems);
    checkFilling(index, problems);
    for (const pipeline of definitions.pipelines) checkPipeline(pipeline, index, problems);
    for (const featureset of definitions.featuresets) checkFeatureset(featureset, index, problems);
    checkCycles(definitions, problems);
  });
}

/** Collects and checks a module; throws THYME_DEFINITIONS_INVALID with every problem. */
export function readDefinitions(module: Readonly<Record<string, unknown>> | readonly unknown[]): Omit<Collected, 'problems'> {
  const { problems, ...collected } = collectDefinitions(module);
  const all = [...problems, ...checkDefinitions(collected.definitions)];
  if (all.length > 0) throw definitionsInvalid(all);
  return collected;
}

function checkCounts({ datasets, featuresets }: Definitions, problems: Problems): void {
  if (datasets.length > DATASETS_MAX)
    problems.add('module', `it has ${datasets.length} datasets`, `at most ${DATASETS_MAX} are allowed: split the module`);
  if (featuresets.length > FEATURESETS_MAX)
    problems.add('module', `it has ${featuresets.length} featuresets`, `at most ${FEATURESETS_MAX} are allowed: split the module`);
}

function reportDuplicates(kind: string, named: readonly { readonly name: string }[], problems: Problems): void {
  const seen = new Set<string>();
  for (const { name } of named) {
    if (seen.has(name)) problems.add(name, `two ${kind}s have this name`, 'rename one of the classes');
    seen.add(name);
  }
}

/** A dataset has one thing that fills it: a source, a pipeline, or pushes. */
function checkFilling({ datasets, pipelinesOf, sourcesOf }: DefinitionIndex, problems: Problems): void {
  for (const [dataset, [first, second]] of pipelinesOf) {
    if (datasets.get(dataset)?.upgrade !== undefined)
      problems.add(
        dataset,
        `it has an upgrade, and the pipeline '${first?.name ?? ''}', which builds each version from the log`,
        'take the upgrade away: it is for what clients push and sources fill (S19a)',
      );
    if (second !== undefined)
      problems.add(second.name, `'${first?.name ?? ''}' fills ${dataset} already`, 'make a dataset for each pipeline');
    if (sourcesOf.has(dataset))
      problems.add(
        dataset,
        `it has a source and the pipeline '${first?.name ?? ''}'`,
        'take away one of them: what fills a dataset is its only writer',
      );
  }
  for (const [dataset, sources] of sourcesOf) {
    if (sources.length > 1) problems.add(dataset, `it has ${sources.length} sources`, 'keep one: positions are kept by dataset');
  }
}
