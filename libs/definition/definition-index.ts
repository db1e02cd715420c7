import type {
  DatasetDefinition,
  Definitions,
  FeatureDefinition,
  FeaturesetDefinition,
  PipelineDefinition,
  SourceDefinition,
} from './definitions.js';

/** Definitions by name, for those who follow references. Of two with one name, the first counts. */
export class DefinitionIndex {
  readonly datasets: ReadonlyMap<string, DatasetDefinition>;
  readonly featuresets: ReadonlyMap<string, FeaturesetDefinition>;
  /** By the dataset that they fill. */
  readonly pipelinesOf: ReadonlyMap<string, readonly PipelineDefinition[]>;
  readonly sourcesOf: ReadonlyMap<string, readonly SourceDefinition[]>;

  constructor({ datasets, featuresets, pipelines, sources }: Definitions) {
    this.datasets = byName(datasets);
    this.featuresets = byName(featuresets);
    this.pipelinesOf = grouped(pipelines, (pipeline) => pipeline.output);
    this.sourcesOf = grouped(sources, (source) => source.dataset);
  }

  /** Whether a pipeline fills the dataset. */
  isDerived(dataset: string): boolean {
    return this.pipelinesOf.has(dataset);
  }

  /** Whether a pipeline aggregates into it: then a lookup always gives a row (S5). */
  isAggregated(dataset: string): boolean {
    return this.pipelinesOf.get(dataset)?.some((pipeline) => pipeline.aggregate !== undefined) ?? false;
  }

  feature(featureset: string, name: string): FeatureDefinition | undefined {
    return this.featuresets.get(featureset)?.features.find((feature) => feature.name === name);
  }
}

function byName<T extends { readonly name: string }>(named: readonly T[]): ReadonlyMap<string, T> {
  return new Map([...named].reverse().map((one) => [one.name, one]));
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}
