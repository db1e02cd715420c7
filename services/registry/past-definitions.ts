import { compareDefinitions, type DefinitionChange } from '../../libs/definition/compare.js';
import type { RetiredFeature } from '../../libs/definition/comparison-context.js';
import type { DatasetDefinition, Definitions } from '../../libs/definition/definitions.js';
import { topicsOf } from '../../libs/definition/timeline-topics.js';
import type { Field } from '../../libs/schema/value-type.js';

/**
 * What all revisions ever said that still binds: a dataset's topic outlives its definition, so a
 * version that comes back must still read what lies there; and ids of features are never reused (S19).
 */
export class PastDefinitions {
  /** By name, as the newest revision that had it defined it. */
  readonly #datasets = new Map<string, DatasetDefinition>();
  readonly #features = new Map<string, RetiredFeature>();
  readonly #published = new Set<string>();

  add(definitions: Definitions): void {
    const { datasets, pipelines, featuresets } = definitions;
    for (const dataset of datasets) this.#datasets.set(dataset.name, dataset);
    for (const pipeline of pipelines) {
      const { output } = topicsOf(pipeline.name, definitions) ?? {};
      if (output !== undefined) this.#published.add(output);
    }
    for (const { name: featureset, features } of featuresets) {
      for (const { id, name, type } of features) this.#features.set(JSON.stringify([featureset, id]), { featureset, id, name, type });
    }
  }

  /** As the newest revision that had it defined it. */
  dataset(name: string): DatasetDefinition | undefined {
    return this.#datasets.get(name);
  }

  /** Dataset versions, such as `Big.v1`, whose topics pipelines have filled: their rows cannot be taken back (S25a). */
  get published(): ReadonlySet<string> {
    return this.#published;
  }

  /** Features of all revisions that the definitions do not have. */
  retiredFeatures({ featuresets }: Definitions): readonly RetiredFeature[] {
    const present = new Set(featuresets.flatMap(({ name, features }) => features.map(({ id }) => JSON.stringify([name, id]))));
    return [...this.#features].filter(([key]) => !present.has(key)).map(([, feature]) => feature);
  }

  /**
   * The definitions with the fields of each dataset version in the order that its stored rows have:
   * rows are read by position, so what a module adds between others comes behind them (S19).
   */
  inStoredOrder(definitions: Definitions): Definitions {
    return { ...definitions, datasets: definitions.datasets.map((dataset) => ({ ...dataset, fields: this.#storedOrder(dataset) })) };
  }

  /** What S19 does not allow of datasets that earlier revisions had, `before` had not, and `after` has again. */
  refusedReturns(before: Definitions, after: Definitions): readonly DefinitionChange[] {
    const known = new Set(before.datasets.map((dataset) => dataset.name));
    const back = after.datasets.filter(({ name }) => !known.has(name) && this.#datasets.has(name));
    const earlier = back.flatMap(({ name }) => this.#datasets.get(name) ?? []);
    const nothing: Definitions = { datasets: [], sources: [], pipelines: [], featuresets: [] };
    const changes = compareDefinitions({ ...nothing, datasets: earlier }, { ...nothing, datasets: back, pipelines: after.pipelines });
    return changes.filter((change) => change.kind === 'breaking');
  }

  #storedOrder({ name, version, fields }: DatasetDefinition): readonly Field[] {
    const earlier = this.#datasets.get(name);
    if (earlier === undefined || earlier.version !== version) return fields;
    const place = new Map(earlier.fields.map((field, i) => [field.name, i]));
    // Stable: new fields stay in the order declared, behind all that were there.
    return [...fields].sort((a, b) => (place.get(a.name) ?? place.size) - (place.get(b.name) ?? place.size));
  }
}
