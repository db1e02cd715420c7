import type { Revision } from '../definition/revision.js';
import { notFound } from '../errors/errors.js';
import type { DecimalClass } from '../schema/author-value.js';
import type { ExtractorFunction } from './bound-extractor.js';
import { DatasetPlan } from './dataset-plan.js';
import { unservable } from './feature-errors.js';
import { planFeatures } from './feature-graph.js';
import { FeaturePlan, type PlanParts } from './feature-plan.js';

/** A revision's bundle, evaluated. */
export interface AuthorModule {
  readonly functions: ReadonlyMap<string, ExtractorFunction>;
  datasetNameOf(datasetClass: unknown): string;
  readonly decimal: DecimalClass;
}

/** Everything that a revision's featuresets and datasets are read with, compiled at first use and kept. */
export class RevisionPlans implements PlanParts {
  readonly #featuresets = new Map<string, FeaturePlan>();
  readonly #datasets = new Map<string, DatasetPlan>();
  readonly #evaluate: () => AuthorModule;
  #module: AuthorModule | undefined;

  /** `evaluate` is called once, at the first featureset with an extractor: it runs the author's module. */
  constructor(
    readonly revision: Revision,
    evaluate: () => AuthorModule,
  ) {
    this.#evaluate = evaluate;
  }

  hasFeatureset(name: string): boolean {
    return this.revision.definitions.featuresets.some((featureset) => featureset.name === name);
  }

  featureset(name: string): FeaturePlan {
    let plan = this.#featuresets.get(name);
    if (plan === undefined) {
      plan = new FeaturePlan(planFeatures(this.revision.definitions, name), this);
      this.#featuresets.set(name, plan);
    }
    return plan;
  }

  hasDataset(name: string): boolean {
    return this.revision.definitions.datasets.some((dataset) => dataset.name === name);
  }

  dataset(name: string): DatasetPlan {
    let plan = this.#datasets.get(name);
    if (plan === undefined) {
      const { datasets } = this.revision.definitions;
      const dataset = datasets.find((candidate) => candidate.name === name);
      if (dataset === undefined)
        throw notFound(
          'dataset',
          name,
          datasets.map((candidate) => candidate.name),
        );
      plan = new DatasetPlan(dataset, this.revision);
      this.#datasets.set(name, plan);
    }
    return plan;
  }

  function(name: string): ExtractorFunction {
    const found = this.#evaluated().functions.get(name);
    if (found === undefined) throw unservable(name, 'is not in the bundle: commit again');
    return found;
  }

  datasetNameOf(datasetClass: unknown): string {
    return this.#evaluated().datasetNameOf(datasetClass);
  }

  get decimal(): DecimalClass {
    return this.#evaluated().decimal;
  }

  #evaluated(): AuthorModule {
    this.#module ??= this.#evaluate();
    return this.#module;
  }
}
