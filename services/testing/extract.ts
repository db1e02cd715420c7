import { collectDefinitions } from '../../libs/definition/collect.js';
import { Decimal } from '../../libs/definition/decimal.js';
import type { ExtractorContext } from '../../libs/definition/extractor-context.js';
import { classNameOf, featuresetNameOf } from '../../libs/definition/marks.js';
import type { Class } from '../../libs/definition/names.js';
import { definitionsInvalid } from '../../libs/definition/problem.js';
import type { Answered } from '../../libs/definition/query-types.js';
import { invalidArgument, nearestName } from '../../libs/errors/errors.js';
import { BoundExtractor, type RowInProgress } from '../../libs/feature/bound-extractor.js';
import { planFeatures, type ComputedStep, type FeatureGraph, type PlannedFeature } from '../../libs/feature/feature-graph.js';
import { compileValueFromAuthor, compileValueToAuthor } from '../../libs/schema/author-value.js';
import type { Value } from '../../libs/schema/value-type.js';
import { instantUs } from './test-clock.js';

/** What extractors that are run alone are given. */
export interface ExtractOptions {
  /** What extractors are given to look up with; without it a lookup is an error that says so. */
  readonly lookup?: (dataset: Class, key: unknown) => unknown;
  /** The instant of the query; 1970 where it is absent, so that a test that needs it notices. */
  readonly asOf?: Date | string;
}

/**
 * Runs a featureset's extractors alone, on these values of its features and inputs, as a query runs them: in their order, with
 * outputs checked against their types and given their defaults. An extractor whose inputs are not all there does not run; one
 * whose outputs are all given neither. Gives what was computed.
 */
export async function extract<C extends Class>(
  featureset: C,
  given: Partial<Answered<C>>,
  options: ExtractOptions = {},
): Promise<Partial<Answered<C>>> {
  const { definitions, functions, problems } = collectDefinitions([featureset]);
  if (problems.length > 0) throw definitionsInvalid(problems);
  const graph = planFeatures(definitions, featuresetNameOf(featureset));
  const row = rowOf(graph, given, options);
  const known = new Set(graph.own.filter(({ definition }) => Object.hasOwn(given, definition.name)));
  const computed: PlannedFeature[] = [];
  const places: string[] = [];
  for (const step of graph.steps) {
    if (step.kind !== 'extract' || !isToRun(step, known)) continue;
    const call = functions.get(step.extractor.function);
    if (call === undefined) throw new TypeError(`${step.place}: a collected extractor has its function`);
    await new BoundExtractor(step, call, Decimal).run(row);
    places.push(step.place);
    for (const output of step.outputs) if (!known.has(output)) computed.push(output);
    for (const output of step.outputs) known.add(output);
  }
  if (places.length === 0) throw nothingToRun(featureset, graph, known);
  const results = computed.map(({ slot, definition: { name, type } }) => [
    name,
    compileValueToAuthor(type, Decimal)(row.values[slot] ?? null),
  ]);
  return Object.fromEntries(results) as Partial<Answered<C>>; // by the features' own names and types
}

function isToRun({ inputs, outputs }: Extract<ComputedStep, { kind: 'extract' }>, known: ReadonlySet<PlannedFeature>): boolean {
  return inputs.every((input) => known.has(input)) && !outputs.every((output) => known.has(output));
}

function rowOf({ featureset, features, own }: FeatureGraph, given: object, { lookup, asOf }: ExtractOptions): RowInProgress {
  const values = new Array<Value>(features.length).fill(null);
  for (const [name, value] of Object.entries(given)) {
    const feature = own.find(({ definition }) => definition.name === name);
    if (feature === undefined) throw unknownFeature(name, featureset.name, own);
    values[feature.slot] = compileValueFromAuthor(feature.definition.type, feature.place)(value);
  }
  const asOfUs = asOf === undefined ? 0 : instantUs(asOf, 'asOf');
  const context: ExtractorContext = {
    get asOf() {
      return new Date(Math.floor(asOfUs / 1_000));
    },
    // The caller's function stands for all datasets, so its type cannot follow the class that is asked.
    lookup: (lookup ?? noLookup) as ExtractorContext['lookup'],
  };
  return { ...NO_STATE, values, extractorContext: context as RowInProgress['extractorContext'] };
}

/** Extractors read through their context alone; a promise holds the state, of which there is none. */
const NO_STATE = { state: { hold: () => undefined } } as unknown as Pick<RowInProgress, 'state' | 'instant' | 'readings'>;

function noLookup(dataset: Class): never {
  throw new TypeError(
    `it looks up ${classNameOf(dataset)}: give extract a lookup, such as { lookup: () => row }, or ask a testPlatform, which has the rows`,
  );
}

function unknownFeature(name: string, featureset: string, own: readonly PlannedFeature[]): Error {
  const nearest = nearestName(
    name,
    own.map(({ definition }) => definition.name),
  );
  return invalidArgument(name, `${featureset} has no such feature${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`);
}

function nothingToRun(featureset: Class, { steps }: FeatureGraph, known: ReadonlySet<PlannedFeature>): Error {
  const lacking = steps.flatMap((step) => (step.kind === 'extract' ? step.inputs.filter((input) => !known.has(input)) : []));
  const names = [...new Set(lacking.map(({ definition }) => definition.name))];
  return invalidArgument(
    classNameOf(featureset),
    names.length === 0 ? 'it has no extractor to run on these values' : `no extractor has all that it takes: give ${names.join(', ')}`,
  );
}
