import { runInNewContext } from 'node:vm';
import type { DatasetDefinition, Definitions, FeaturesetDefinition } from '../definition/definitions.js';
import { classNameOf, datasetNameOf, type Method } from '../definition/marks.js';
import { Problems, type Problem } from '../definition/problem.js';
import { nearestName } from '../errors/errors.js';
import type { Clock } from '../time/clock.js';
import { sampleRow, sampleValue, type SampleKind } from './sample-row.js';

// What an extractor looks up stands in its code alone, so it is run to be seen: once as if nothing were there (S5), and once on values
// of no meaning, so that what it does with a row is seen too. What it gives, and what else it throws, is of no interest: the values
// mean nothing to it. A branch that neither run takes stays unseen.

/** One dataset that an extractor was seen to look up. */
export interface ExtractorLookup {
  /** `Featureset.extractor`. */
  readonly extractor: string;
  readonly dataset: string;
  /** That it read of the row. */
  readonly fields: readonly string[];
}

export interface Rehearsal {
  readonly lookups: readonly ExtractorLookup[];
  readonly problems: readonly Problem[];
}

interface RehearsalOptions {
  readonly clock: Pick<Clock, 'sleep' | 'nowUs'>;
  /** The author's file and line that an error was made at. */
  readonly placeIn: (error: Error) => string;
}

/** For all extractors together: one that asks another service is not waited for. */
const SETTLE_MS_MAX = 1_000;
/** For one run until it gives something, or a promise of it: values of no meaning may never let a loop end. */
const CALL_MS_MAX = 500;
/** What the language itself asks any object for. */
const ASKED_OF_ANY: ReadonlySet<string> = new Set(['then', 'toJSON']);

export async function rehearseExtractors(
  definitions: Definitions,
  functions: ReadonlyMap<string, Method>,
  { clock, placeIn }: RehearsalOptions,
): Promise<Rehearsal> {
  const seen = new SeenLookups(definitions, placeIn);
  const running = definitions.featuresets.flatMap((featureset) =>
    featureset.extractors.flatMap((extractor) => {
      const run = functions.get(extractor.function);
      if (run === undefined) return [];
      const place = `${featureset.name}.${extractor.name}`;
      return (['empty', 'filled'] as const).map((kind) => {
        const context = { asOf: new Date(clock.nowUs() / 1_000), lookup: (of: unknown) => seen.lookup(place, of, kind) };
        return settled(run, [context, inputsOf(featureset, extractor.inputs, kind)]);
      });
    }),
  );
  const over = new AbortController();
  await Promise.race([Promise.all(running), clock.sleep(SETTLE_MS_MAX, over.signal)]);
  over.abort();
  return { lookups: seen.lookups, problems: seen.problems };
}

/** Resolves when the function has ended, however. */
async function settled(run: Method, given: readonly unknown[]): Promise<void> {
  try {
    await runInNewContext('call()', { call: () => run(...given) }, { timeout: CALL_MS_MAX });
  } catch {
    // values of no meaning may well be refused
  }
}

function inputsOf({ features }: FeaturesetDefinition, names: readonly string[], kind: SampleKind): Record<string, unknown> {
  return Object.fromEntries(features.filter(({ name }) => names.includes(name)).map(({ name, type }) => [name, sampleValue(type, kind)]));
}

/** What was looked up, and what is wrong with it, each once for an extractor. */
class SeenLookups {
  readonly #definitions: Definitions;
  readonly #placeIn: (error: Error) => string;
  readonly #problems = new Problems();
  readonly #told = new Set<string>();
  readonly #fields = new Map<string, { readonly extractor: string; readonly dataset: string; readonly fields: Set<string> }>();

  constructor(definitions: Definitions, placeIn: (error: Error) => string) {
    this.#definitions = definitions;
    this.#placeIn = placeIn;
  }

  get problems(): readonly Problem[] {
    return this.#problems.found;
  }

  get lookups(): readonly ExtractorLookup[] {
    return [...this.#fields.values()].map((of) => ({ ...of, fields: [...of.fields] }));
  }

  /** A row as the platform would give it; null where there may be none, and where the lookup itself is wrong. */
  lookup(extractor: string, of: unknown, kind: SampleKind): unknown {
    const dataset = this.#datasetOf(extractor, of);
    if (dataset === undefined) return null;
    const key = `${extractor} ${dataset.name}`;
    const { fields } = this.#fields.get(key) ?? { fields: new Set<string>() };
    this.#fields.set(key, { extractor, dataset: dataset.name, fields });
    const isAggregated = this.#isAggregated(dataset);
    if (!isAggregated && !dataset.index)
      this.#tell(extractor, `it looks up ${dataset.name}, which is not kept by its key`, `add index: true to @dataset of ${dataset.name}`);
    if (kind === 'empty' && !isAggregated) return null;
    return this.#watched(extractor, { dataset, row: sampleRow(dataset.fields, kind), fields });
  }

  #datasetOf(extractor: string, of: unknown): DatasetDefinition | undefined {
    let name: string;
    try {
      name = datasetNameOf(of);
    } catch {
      this.#tell(extractor, `it looks up ${classNameOf(of)}, which is no dataset`, 'look up a class with @dataset({ version: 1 })');
      return undefined;
    }
    const dataset = this.#definitions.datasets.find((candidate) => candidate.name === name);
    if (dataset === undefined)
      this.#tell(
        extractor,
        `it looks up ${name}, which is not part of what is committed`,
        `write 'export' in front of class ${name}, or export it from the module`,
      );
    return dataset;
  }

  #isAggregated({ name }: DatasetDefinition): boolean {
    return this.#definitions.pipelines.some(({ output, aggregate }) => output === name && aggregate !== undefined);
  }

  #watched(
    extractor: string,
    { dataset, row, fields }: { readonly dataset: DatasetDefinition; readonly row: Record<string, unknown>; readonly fields: Set<string> },
  ): object {
    return new Proxy(row, {
      get: (target, name, receiver): unknown => {
        if (typeof name !== 'string' || ASKED_OF_ANY.has(name)) return Reflect.get(target, name, receiver);
        if (Object.hasOwn(target, name)) fields.add(name);
        else if (!(name in target)) this.#unknownField(extractor, dataset, name);
        return Reflect.get(target, name, receiver);
      },
    });
  }

  #unknownField(extractor: string, { name, fields }: DatasetDefinition, field: string): void {
    const nearest = nearestName(
      field,
      fields.map((of) => of.name),
    );
    const fix = nearest === undefined ? `it has ${fields.map((of) => of.name).join(', ')}` : `did you mean '${nearest}'?`;
    this.#tell(extractor, `it reads '${field}' of ${name}, which has no such field`, fix);
  }

  /** With the author's file and line, from where this was called. */
  #tell(extractor: string, message: string, fix: string): void {
    if (this.#told.has(`${extractor} ${message}`)) return;
    this.#told.add(`${extractor} ${message}`);
    this.#problems.add(extractor, `${this.#placeIn(new Error(message))}: ${message}`, fix);
  }
}
