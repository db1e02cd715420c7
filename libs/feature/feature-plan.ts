import type { DecimalClass } from '../schema/author-value.js';
import { compileValueReader } from '../schema/read-value.js';
import type { Field, Row, Value } from '../schema/value-type.js';
import { describeType } from '../schema/value-type.js';
import { invalidArgument, nearestName } from '../errors/errors.js';
import { BoundExtractor, type ExtractorFunction, type RowInProgress } from './bound-extractor.js';
import type { DatasetPlan, EntityGroups, FieldRead } from './dataset-plan.js';
import { EntityKeys } from './entity-keys.js';
import { unservable } from './feature-errors.js';
import type { ComputedStep, FeatureGraph, PlannedFeature } from './feature-graph.js';
import { LookupContext } from './lookup-context.js';
import type { EntityKey, ReadContext } from './state-access.js';

/** What a plan needs from its revision. */
export interface PlanParts {
  dataset(name: string): DatasetPlan;
  /** The author's function of that name in the bundle. */
  function(name: string): ExtractorFunction;
  /** The dataset's name of a class of the bundle. */
  datasetNameOf(datasetClass: unknown): string;
  readonly decimal: DecimalClass;
}

/** A timeline that refs read, and how its groups are named. */
export interface EntityTimeline {
  readonly timelineId: number;
  readonly groups: EntityGroups;
}

/** What `readInputs` has read: a value for each of the plan's inputs. */
export type InputValues = readonly Value[];

/**
 * A featureset compiled once for a revision (DESIGN 7): which timelines to read with which
 * questions, then which values to copy and which extractors to run, in which order. Online and
 * point-in-time queries, batches and training sets all run this one function (S4).
 */
export class FeaturePlan {
  readonly name: string;
  readonly keys: EntityKeys;
  /** The answer's columns: every feature in the order declared. */
  readonly columns: readonly Field[];
  /** All timelines that its refs read; lookups of extractors are found when they happen. */
  readonly timelineIds: readonly number[];
  readonly #slotCount: number;
  readonly #keySlots: readonly { readonly slot: number; readonly part: number }[];
  readonly #reads: readonly PlannedRead[];
  readonly #steps: readonly PlannedStep[];
  readonly #outputs: readonly number[];
  readonly #inputs: readonly PlannedInput[];
  readonly #inputNames: ReadonlySet<string>;
  readonly #parts: PlanParts;

  constructor(graph: FeatureGraph, parts: PlanParts) {
    const { featureset, features, own } = graph;
    this.name = featureset.name;
    this.columns = own.map(({ definition }) => ({ name: definition.name, type: definition.type }));
    this.keys = new EntityKeys(
      featureset.entity.flatMap((name) => this.columns.filter((column) => column.name === name)),
      featureset.name,
    );
    this.#parts = parts;
    this.#slotCount = features.length;
    this.#outputs = own.map(({ slot }) => slot);
    this.#keySlots = features.flatMap(({ slot, origin }) => (origin.kind === 'key' ? [{ slot, part: origin.index }] : []));
    this.#inputs = planInputs(features);
    this.#inputNames = new Set(this.#inputs.map(({ name }) => name));
    this.#reads = planReads(features, this.keys, parts);
    this.#steps = graph.steps.map((step) => bindStep(step, parts));
    this.timelineIds = this.#reads.map(({ read }) => read.timelineId);
  }

  /** The timelines of its refs, each once: whose groups are the entities of which anything is kept. */
  get entityTimelines(): readonly EntityTimeline[] {
    return [...new Map(this.#reads.map(({ read: { timelineId, groups } }) => [timelineId, { timelineId, groups }])).values()];
  }

  /** The values of request-time inputs; INVALID_ARGUMENT names the one that is missing, unknown or misfits. */
  readInputs(given: ReadonlyMap<string, unknown>): InputValues {
    for (const name of given.keys()) if (!this.#inputNames.has(name)) throw this.#unknownInput(name);
    return this.#inputs.map(({ name, read }) => read(given.get(name)));
  }

  /** The entity's features; a promise only if an extractor gave one. */
  evaluate(key: EntityKey, inputs: InputValues, context: ReadContext): Row | Promise<Row> {
    const values = new Array<Value>(this.#slotCount).fill(null);
    for (const { slot, part } of this.#keySlots) values[slot] = key.values[part] ?? null;
    for (let i = 0; i < this.#inputs.length; i++) values[this.#inputs[i]?.slot ?? 0] = inputs[i] ?? null;
    for (const { read, targets } of this.#reads) {
      const answers = read.read(key, context);
      for (let i = 0; i < targets.length; i++) {
        const target = targets[i];
        if (target !== undefined) values[target.slot] = answers[i] ?? target.fallback;
      }
    }
    const { state, instant, readings } = context;
    return this.#compute({ values, extractorContext: new LookupContext(key, context, this.#parts), state, instant, readings }, 0);
  }

  #compute(row: RowInProgress, from: number): Row | Promise<Row> {
    for (let i = from; i < this.#steps.length; i++) {
      const pending = this.#steps[i]?.(row);
      if (pending !== undefined) return pending.then(() => this.#compute(row, i + 1));
    }
    return this.#outputs.map((slot) => row.values[slot] ?? null);
  }

  #unknownInput(name: string): Error {
    const nearest = nearestName(name, this.#inputNames);
    return invalidArgument(
      `inputs.${name.slice(0, 128)}`,
      `${this.name} has no such input${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`,
    );
  }
}

interface Target {
  readonly slot: number;
  /** S5: replaces any null. */
  readonly fallback: Value;
}

interface PlannedRead {
  readonly read: FieldRead;
  readonly targets: readonly Target[];
}

interface PlannedInput {
  readonly name: string;
  readonly slot: number;
  readonly read: (given: unknown) => Value;
}

type PlannedStep = (row: RowInProgress) => Promise<void> | undefined;

/** Refs of one dataset become one read for each of its timelines. */
function planReads(features: readonly PlannedFeature[], keys: EntityKeys, parts: PlanParts): readonly PlannedRead[] {
  const byDataset = new Map<string, { readonly feature: PlannedFeature; readonly field: string }[]>();
  for (const feature of features) {
    if (feature.origin.kind !== 'ref') continue;
    const { dataset, field } = feature.origin;
    byDataset.set(dataset, [...(byDataset.get(dataset) ?? []), { feature, field }]);
  }
  return [...byDataset].flatMap(([name, refs]) => {
    const dataset = parts.dataset(name);
    checkSameKey(keys, dataset, refs[0]?.feature.place ?? name);
    const reads = dataset.reads(refs.map(({ feature, field }) => ({ field, place: feature.place })));
    return reads.map(({ read, columns }) => ({ read, targets: columns.flatMap((column) => targetOf(refs[column]?.feature)) }));
  });
}

function targetOf(feature: PlannedFeature | undefined): readonly Target[] {
  return feature === undefined ? [] : [{ slot: feature.slot, fallback: feature.definition.default ?? null }];
}

/** The entity's key bytes are those of the dataset's only if their fields are of the same kinds. */
function checkSameKey(keys: EntityKeys, dataset: DatasetPlan, place: string): void {
  const kinds = (fields: readonly Field[]): string => fields.map(({ type }) => (type.kind === 'enum' ? 'string' : type.kind)).join(', ');
  if (kinds(keys.fields) === kinds(dataset.keys.fields)) return;
  throw unservable(
    place,
    `refers to ${dataset.dataset.name}, whose key is (${kinds(dataset.keys.fields)}) and not the entity's (${kinds(keys.fields)})`,
  );
}

function planInputs(features: readonly PlannedFeature[]): readonly PlannedInput[] {
  return features.flatMap(({ slot, origin, definition: { name, type, default: fallback = null } }): readonly PlannedInput[] => {
    if (origin.kind !== 'input') return [];
    const place = `inputs.${name}`;
    const readPresent = compileValueReader({ ...type, optional: true }, place);
    const read = (given: unknown): Value => {
      const value = readPresent(given) ?? fallback;
      if (value === null && !type.optional) throw invalidArgument(place, `required, but missing: send a ${describeType(type)}`);
      return value;
    };
    return [{ name, slot, read }];
  });
}

function bindStep(step: ComputedStep, parts: PlanParts): PlannedStep {
  if (step.kind === 'extract') {
    const extractor = new BoundExtractor(step, parts.function(step.extractor.function), parts.decimal);
    return (row) => extractor.run(row);
  }
  const { slot, definition } = step.feature;
  const fallback = definition.default ?? null;
  return (row) => {
    row.values[slot] = row.values[step.from] ?? fallback;
    return undefined;
  };
}
