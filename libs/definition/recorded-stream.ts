import type { Expression } from '../expression/expression.js';
import { takeAggregation } from './aggregation-words.js';
import type { Aggregation, Step } from './definitions.js';
import { datasetNameOf, type Method } from './marks.js';
import { columns, type RecordedExpression, takeExpression } from './recorded-expression.js';
import { fieldsOf, type Fields } from './type-words.js';

// What a pipeline's method is given at run time: it writes down the steps instead of taking them.

type Columns = Readonly<Record<string, RecordedExpression>>;

/** What a recording needs to know of the pipeline it belongs to. */
export interface Recording {
  /** `<Dataset>.<method>`: leads the ids of its functions. */
  readonly pipeline: string;
  /** Filled as the method runs, by function id. */
  readonly functions: Map<string, Method>;
  /** The datasets that were joined, in order. */
  readonly joined: Set<object>;
}

export class RecordedStream {
  constructor(
    readonly recording: Recording,
    /** The dataset it began as. */
    readonly origin: string,
    readonly steps: readonly Step[],
  ) {}

  filter(where: unknown): RecordedStream {
    return this.#after({ kind: 'filter', where: takeExpression(resolved(where), 'filter') });
  }

  assign(assigned: unknown): RecordedStream {
    const values = resolved(assigned);
    if (typeof values !== 'object' || values === null)
      throw new TypeError('assign takes an object of expressions, or a function that returns one');
    const taken = Object.entries(values).map(([name, value]): { name: string; value: Expression } => ({
      name,
      value: takeExpression(value, `assign: '${name}'`),
    }));
    return this.#after({ kind: 'assign', columns: taken });
  }

  transform(adds: Fields, compute: Method): RecordedStream {
    if (typeof compute !== 'function') throw new TypeError('transform takes the columns that it adds, and a function that computes them');
    // Counted from 1 within the pipeline, as an author would count them.
    const id = `${this.recording.pipeline}#${this.recording.functions.size + 1}`;
    this.recording.functions.set(id, compute);
    return this.#after({ kind: 'transform', adds: fieldsOf(adds), function: id });
  }

  select(...names: string[]): RecordedStream {
    return this.#after({ kind: 'select', names });
  }

  rename(from: string, to: string): RecordedStream {
    return this.#after({ kind: 'rename', from, to });
  }

  join(other: object, options: { readonly on: readonly string[]; readonly how?: 'left' | 'inner' }): RecordedStream {
    const dataset = datasetNameOf(other);
    this.recording.joined.add(other);
    return this.#after({ kind: 'join', dataset, on: [...options.on], how: options.how ?? 'left' });
  }

  groupBy(...names: string[]): RecordedGroups {
    return new RecordedGroups(this, names);
  }

  #after(step: Step): RecordedStream {
    return new RecordedStream(this.recording, this.origin, [...this.steps, step]);
  }
}

export class RecordedGroups {
  constructor(
    readonly stream: RecordedStream,
    readonly names: readonly string[],
  ) {}

  aggregate(by: Readonly<Record<string, unknown>>): RecordedAggregate {
    const aggregations = Object.entries(by).map(([field, value]): Aggregation => {
      try {
        return { field, ...takeAggregation(value) };
      } catch (error) {
        throw new TypeError(`aggregate: '${field}': ${(error as Error).message}`, { cause: error });
      }
    });
    return new RecordedAggregate(this.stream, this.names, aggregations);
  }
}

/** The end of a pipeline that aggregates. */
export class RecordedAggregate {
  constructor(
    readonly stream: RecordedStream,
    readonly groupBy: readonly string[],
    readonly aggregations: readonly Aggregation[],
  ) {}
}

function resolved(value: unknown): unknown {
  return typeof value === 'function' ? (value as (row: Columns) => unknown)(columns()) : value;
}
