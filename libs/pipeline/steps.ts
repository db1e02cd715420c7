import assert from 'node:assert';
import { compileKeyEncoder } from '../codec/entity-key.js';
import type { Step } from '../definition/definitions.js';
import type { Datasets } from '../definition/step-schema.js';
import { compileExpression, compilePredicate } from '../expression/compile.js';
import { compileFromAuthor, compileToAuthor, type DecimalClass } from '../schema/author-value.js';
import type { Field, Row, Value } from '../schema/value-type.js';

/** What a step may ask beside its row. */
export interface StepContext {
  readonly eventTimeUs: number;
  /** The newest row of an indexed dataset with t ≤ `eventTimeUs` (S24). */
  newest(dataset: string, key: Uint8Array, eventTimeUs: number): Row | undefined;
}

/** Gives the row after the step, or undefined where it is ruled out. What it throws is the record's fault (S23). */
export type CompiledStep = (row: Row, context: StepContext) => Row | undefined;

/** What steps need of the author's module. */
export interface AuthorFunctions {
  /** A function by its name in the bundle: it takes a row as an object and gives the columns that it adds. */
  transform(name: string): ((row: Record<string, unknown>) => unknown) | undefined;
  readonly decimal: DecimalClass;
}

export interface StepEnvironment {
  readonly datasets: Datasets;
  readonly functions: AuthorFunctions;
  /** Names the pipeline in errors. */
  readonly place: string;
}

/** `before` and `after` are the columns around the step, in order. */
export function compileStep(step: Step, before: readonly Field[], after: readonly Field[], environment: StepEnvironment): CompiledStep {
  switch (step.kind) {
    case 'filter': {
      const holds = compilePredicate(step.where, before, environment.place);
      return (row) => (holds(row) ? row : undefined);
    }
    case 'assign':
      return compileAssign(step, before, after, environment);
    case 'transform':
      return compileTransform(step, before, after, environment);
    case 'select':
    case 'rename':
      return compileProjection(step, before, after);
    case 'join':
      return compileJoin(step, before, after, environment);
  }
}

/** The columns that a join finds its right row by: the right dataset's keys, in their order. */
export function joinKeyNames(step: Extract<Step, { kind: 'join' }>, datasets: Datasets): readonly string[] {
  const keys = datasets.get(step.dataset)?.keys ?? [];
  assert(keys.length === step.on.length && keys.every((key) => step.on.includes(key)), `a join is on all keys of ${step.dataset}`); // checked at commit
  return keys;
}

/** The key of a row's columns; undefined where one of them is null, which no key holds. */
export function compileKeyOf(names: readonly string[], fields: readonly Field[], place: string): (row: Row) => Uint8Array | undefined {
  const keyFields = names.map((name) => requiredField(name, fields));
  const indices = names.map((name) => fields.findIndex((field) => field.name === name));
  const encode = compileKeyEncoder(keyFields, place);
  return (row) => {
    const values: Value[] = [];
    for (const index of indices) {
      const value = row[index] ?? null;
      if (value === null) return undefined;
      values.push(value);
    }
    return encode(values);
  };
}

function requiredField(name: string, fields: readonly Field[]): Field {
  const field = fields.find((candidate) => candidate.name === name);
  assert(field !== undefined, `'${name}' is no column`); // checked at commit
  return { name, type: { ...field.type, optional: false } };
}

/** All columns see the row as it was before the step. */
function compileAssign(
  step: Extract<Step, { kind: 'assign' }>,
  before: readonly Field[],
  after: readonly Field[],
  { place }: StepEnvironment,
): CompiledStep {
  const columns = after.map(({ name }): ((row: Row) => Value) => {
    const assigned = step.columns.find((column) => column.name === name);
    if (assigned !== undefined) return compileExpression(assigned.value, before, place).evaluate;
    const index = before.findIndex((field) => field.name === name);
    return (row) => row[index] ?? null;
  });
  return (row) => columns.map((column) => column(row));
}

function compileTransform(
  step: Extract<Step, { kind: 'transform' }>,
  before: readonly Field[],
  after: readonly Field[],
  environment: StepEnvironment,
): CompiledStep {
  const call = environment.functions.transform(step.function);
  assert(call !== undefined, `the bundle has no function '${step.function}'`);
  const toAuthor = compileToAuthor(before, environment.functions.decimal);
  const fromAuthor = compileFromAuthor(step.adds, `${environment.place}.${step.function}`);
  const sources = after.map(({ name }) => ({
    added: step.adds.findIndex((field) => field.name === name),
    kept: before.findIndex((field) => field.name === name),
  }));
  return (row) => {
    const added = fromAuthor(call(toAuthor(row)));
    return sources.map((source) => (source.added >= 0 ? added[source.added] : row[source.kept]) ?? null);
  };
}

function compileProjection(
  step: Extract<Step, { kind: 'select' | 'rename' }>,
  before: readonly Field[],
  after: readonly Field[],
): CompiledStep {
  const nameBefore = (name: string): string => (step.kind === 'rename' && name === step.to ? step.from : name);
  const indices = after.map(({ name }) => before.findIndex((field) => field.name === nameBefore(name)));
  return (row) => indices.map((index) => row[index] ?? null);
}

/** Columns that both sides have keep the left side's values. */
function compileJoin(
  step: Extract<Step, { kind: 'join' }>,
  before: readonly Field[],
  after: readonly Field[],
  { datasets, place }: StepEnvironment,
): CompiledStep {
  const keyOf = compileKeyOf(joinKeyNames(step, datasets), before, place);
  const rightFields = datasets.get(step.dataset)?.fields ?? [];
  const joined = after.slice(before.length).map(({ name }) => rightFields.findIndex((field) => field.name === name));
  return (row, context) => {
    const key = keyOf(row);
    const right = key === undefined ? undefined : context.newest(step.dataset, key, context.eventTimeUs);
    if (right === undefined && step.how === 'inner') return undefined;
    return [...row, ...joined.map((index) => right?.[index] ?? null)];
  };
}
