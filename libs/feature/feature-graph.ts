import type { Definitions, ExtractorDefinition, FeatureDefinition, FeaturesetDefinition } from '../definition/definitions.js';
import { notFound } from '../errors/errors.js';
import { unservable } from './feature-errors.js';

/** A feature of the plan. Its slot is where a row under evaluation holds its value. */
export interface PlannedFeature {
  readonly slot: number;
  /** `<featureset>.<feature>`: what errors name. */
  readonly place: string;
  readonly definition: FeatureDefinition;
  readonly origin: FeatureOrigin;
}

export type FeatureOrigin =
  | { readonly kind: 'key'; readonly index: number }
  | { readonly kind: 'input' }
  | { readonly kind: 'ref'; readonly dataset: string; readonly field: string }
  /** The same value as the feature of another featureset, for the same entity. */
  | { readonly kind: 'from'; readonly slot: number }
  | { readonly kind: 'extractor' };

/** What has to be computed after keys, inputs and refs are in their slots. */
export type ComputedStep =
  | { readonly kind: 'copy'; readonly feature: PlannedFeature; readonly from: number }
  | {
      readonly kind: 'extract';
      readonly place: string;
      readonly extractor: ExtractorDefinition;
      readonly inputs: readonly PlannedFeature[];
      readonly outputs: readonly PlannedFeature[];
    };

export interface FeatureGraph {
  readonly featureset: FeaturesetDefinition;
  /** By slot: the featureset's own, and what they take from other featuresets. */
  readonly features: readonly PlannedFeature[];
  /** The featureset's own features, in the order declared. */
  readonly own: readonly PlannedFeature[];
  /** Each step after those whose values it takes. */
  readonly steps: readonly ComputedStep[];
}

/**
 * Sorts what a featureset's features depend on. Of another featureset only what is taken from it is
 * planned, with its extractors, for the same entity. NOT_FOUND for an unknown featureset.
 */
export function planFeatures(definitions: Definitions, name: string): FeatureGraph {
  const featuresets = new Map(definitions.featuresets.map((featureset) => [featureset.name, featureset]));
  const featureset = featuresets.get(name);
  if (featureset === undefined) throw notFound('featureset', name, featuresets.keys());
  const walk = new FeatureWalk(featuresets, featureset.entity.length);
  const own = featureset.features.map((feature) => walk.feature(featureset, feature.name));
  return { featureset, own, features: walk.features, steps: walk.steps };
}

/** A depth-first walk: a feature gets its slot once everything that it takes has one. */
class FeatureWalk {
  readonly features: PlannedFeature[] = [];
  readonly steps: ComputedStep[] = [];
  readonly #planned = new Map<string, PlannedFeature>();
  readonly #inProgress = new Set<string>();
  readonly #featuresets: ReadonlyMap<string, FeaturesetDefinition>;
  readonly #keyLength: number;

  constructor(featuresets: ReadonlyMap<string, FeaturesetDefinition>, keyLength: number) {
    this.#featuresets = featuresets;
    this.#keyLength = keyLength;
  }

  feature(featureset: FeaturesetDefinition, name: string): PlannedFeature {
    const place = `${featureset.name}.${name}`;
    const planned = this.#planned.get(place);
    if (planned !== undefined) return planned;
    const definition = featureset.features.find((feature) => feature.name === name);
    if (definition === undefined)
      throw notFound(
        'feature',
        place,
        featureset.features.map((feature) => `${featureset.name}.${feature.name}`),
      );
    if (this.#inProgress.has(place)) throw unservable(place, 'is computed from itself: break the cycle');
    this.#inProgress.add(place);
    const feature = this.#plan(featureset, definition, place);
    this.#inProgress.delete(place);
    return feature;
  }

  #plan(featureset: FeaturesetDefinition, definition: FeatureDefinition, place: string): PlannedFeature {
    const index = featureset.entity.indexOf(definition.name);
    if (index >= 0) return this.#add(place, definition, { kind: 'key', index });
    if (definition.input) return this.#add(place, definition, { kind: 'input' });
    if (definition.ref !== undefined) return this.#add(place, definition, { kind: 'ref', ...definition.ref });
    if (definition.from !== undefined) return this.#copy(definition.from, definition, place);
    const extractor = featureset.extractors.find((candidate) => candidate.outputs.includes(definition.name));
    if (extractor === undefined) throw unservable(place, 'has no extractor, ref or input: give it one');
    return this.#extract(featureset, extractor, place);
  }

  #add(place: string, definition: FeatureDefinition, origin: FeatureOrigin): PlannedFeature {
    const feature = { slot: this.features.length, place, definition, origin };
    this.features.push(feature);
    this.#planned.set(place, feature);
    return feature;
  }

  #copy(from: { readonly featureset: string; readonly feature: string }, definition: FeatureDefinition, place: string): PlannedFeature {
    const other = this.#featuresets.get(from.featureset);
    if (other === undefined) throw notFound('featureset', from.featureset, this.#featuresets.keys());
    if (other.entity.length !== this.#keyLength) throw unservable(place, `is taken from ${other.name}, whose entity has another key`);
    const source = this.feature(other, from.feature);
    const feature = this.#add(place, definition, { kind: 'from', slot: source.slot });
    this.steps.push({ kind: 'copy', feature, from: source.slot });
    return feature;
  }

  #extract(featureset: FeaturesetDefinition, extractor: ExtractorDefinition, place: string): PlannedFeature {
    const inputs = extractor.inputs.map((input) => this.feature(featureset, input));
    const outputs = extractor.outputs.map((output) => this.#output(featureset, output));
    this.steps.push({ kind: 'extract', place: `${featureset.name}.${extractor.name}`, extractor, inputs, outputs });
    const wanted = this.#planned.get(place);
    if (wanted === undefined) throw unservable(place, `is not among what ${extractor.name} gives`);
    return wanted;
  }

  #output(featureset: FeaturesetDefinition, name: string): PlannedFeature {
    const place = `${featureset.name}.${name}`;
    const definition = featureset.features.find((feature) => feature.name === name);
    if (definition === undefined || this.#planned.has(place))
      throw unservable(place, 'is an output of an extractor, but is no feature, or has another origin as well');
    return this.#add(place, definition, { kind: 'extractor' });
  }
}
