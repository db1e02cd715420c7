import { ThymeError } from '../errors/errors.js';
import { compileValueFromAuthor, compileValueToAuthor, type DecimalClass } from '../schema/author-value.js';
import type { Value } from '../schema/value-type.js';
import { setOwn } from '../schema/write-value.js';
import { describeType } from '../schema/value-type.js';
import { extractorFailed, messageOf, within } from './feature-errors.js';
import type { ComputedStep, PlannedFeature } from './feature-graph.js';
import type { ReadContext } from './state-access.js';

/** The author's function: `(context, inputs) => outputs`, or a promise of them. */
export type ExtractorFunction = (context: ExtractorContext, inputs: Record<string, unknown>) => unknown;

/** What an extractor is given. `lookup` reads at the query's instant, from the query's tick, and never waits. */
export interface ExtractorContext {
  readonly asOf: Date;
  readonly lookup: (dataset: unknown, key: unknown) => unknown;
}

/** A row under evaluation: a value for each slot of the plan, and what extractors are given. */
export interface RowInProgress extends ReadContext {
  readonly values: Value[];
  readonly extractorContext: ExtractorContext;
}

type ExtractStep = Extract<ComputedStep, { readonly kind: 'extract' }>;

interface Input {
  readonly name: string;
  readonly slot: number;
  readonly toAuthor: (value: Value) => unknown;
}

interface Output {
  readonly name: string;
  readonly slot: number;
  readonly read: (given: unknown) => Value;
}

/** An extractor with the slots it reads and fills, and its author's function. */
export class BoundExtractor {
  readonly #place: string;
  readonly #call: ExtractorFunction;
  readonly #inputs: readonly Input[];
  readonly #outputs: readonly Output[];

  constructor(step: ExtractStep, call: ExtractorFunction, decimal: DecimalClass) {
    this.#place = step.place;
    this.#call = call;
    this.#inputs = step.inputs.map(({ slot, definition }) => ({
      name: definition.name,
      slot,
      toAuthor: compileValueToAuthor(definition.type, decimal),
    }));
    this.#outputs = step.outputs.map((feature) => compileOutput(feature));
  }

  /** Fills its outputs' slots; a promise only if the author's function gave one. */
  run(row: RowInProgress): Promise<void> | undefined {
    let given: unknown;
    try {
      given = this.#call(row.extractorContext, this.#inputsOf(row));
    } catch (thrown) {
      throw this.#failure(thrown);
    }
    if (!isThenable(given)) {
      this.#store(given, row);
      return undefined;
    }
    row.state.hold();
    return Promise.resolve(given).then(
      (settled) => this.#store(settled, row),
      (thrown: unknown) => {
        throw this.#failure(thrown);
      },
    );
  }

  #inputsOf(row: RowInProgress): Record<string, unknown> {
    const inputs: Record<string, unknown> = {};
    for (const { name, slot, toAuthor } of this.#inputs) setOwn(inputs, name, toAuthor(row.values[slot] ?? null));
    return inputs;
  }

  #store(given: unknown, row: RowInProgress): void {
    if (typeof given !== 'object' || given === null)
      throw extractorFailed(this.#place, `returned no object: return { ${this.#outputs.map((output) => output.name).join(', ')} }`, given);
    try {
      for (const { name, slot, read } of this.#outputs)
        row.values[slot] = read(Object.hasOwn(given, name) ? Reflect.get(given, name) : undefined);
    } catch (error) {
      throw extractorFailed(this.#place, `returned ${messageOf(error)}`, error);
    }
  }

  /** A failed lookup keeps its status: it says more than that the extractor threw. */
  #failure(thrown: unknown): ThymeError {
    if (thrown instanceof ThymeError) return within(`extractor ${this.#place}`, thrown);
    return extractorFailed(this.#place, `threw: ${messageOf(thrown)}`, thrown);
  }
}

/** S5: the default replaces any null, before the declared type is asked. */
function compileOutput({ place, slot, definition }: PlannedFeature): Output {
  const { name, type } = definition;
  const fallback = definition.default ?? null;
  const read = compileValueFromAuthor({ ...type, optional: true }, place);
  return {
    name,
    slot,
    read: (given) => {
      const value = read(given) ?? fallback;
      if (value !== null || type.optional) return value;
      throw new TypeError(`${place}: null, but it is ${describeType(type)}: return a value, or declare it optional or with a default`);
    },
  };
}

function isThenable(given: unknown): given is PromiseLike<unknown> {
  return typeof given === 'object' && given !== null && 'then' in given && typeof given.then === 'function';
}
