import type { Field, ValueType } from '../schema/value-type.js';
import type { DatasetDefinition, PipelineDefinition, Step } from './definitions.js';
import { expressionType, knownFields, type Schema } from './expression-type.js';

/** Datasets by name. */
export type Datasets = ReadonlyMap<string, DatasetDefinition>;

export function datasetSchema(dataset: DatasetDefinition | undefined): Schema {
  return new Map(dataset?.fields.map((field) => [field.name, field.type]));
}

/**
 * The columns after a step. Total: what a step names and is not there is left out, so that a
 * checker can go on behind a problem.
 */
export function schemaAfter(step: Step, before: Schema, datasets: Datasets): Schema {
  switch (step.kind) {
    case 'filter':
      return before;
    case 'assign':
      // All of them see the row as it was before the step.
      return new Map([...before, ...step.columns.map(({ name, value }) => [name, expressionType(value, before)] as const)]);
    case 'transform':
      return new Map([...before, ...step.adds.map(({ name, type }) => [name, type] as const)]);
    case 'select':
      return new Map(step.names.filter((name) => before.has(name)).map((name) => [name, before.get(name)]));
    case 'rename':
      return new Map([...before].map(([name, type]) => [name === step.from ? step.to : name, type]));
    case 'join':
      return new Map([...before, ...joinedColumns(step, datasets).filter(([name]) => !before.has(name))]);
  }
}

/** The columns before the first step, and after each of them: what rows hold, in order. For checked definitions. */
export function outputFields(pipeline: PipelineDefinition, datasets: Datasets): readonly (readonly Field[])[] {
  let schema = datasetSchema(datasets.get(pipeline.inputs[0] ?? ''));
  const fields = [knownFields(schema)];
  for (const step of pipeline.steps) {
    schema = schemaAfter(step, schema, datasets);
    fields.push(knownFields(schema));
  }
  return fields;
}

/**
 * The right side's columns, of which a left one of the same name takes precedence; nullable in a left join, which has
 * no right row at times.
 */
function joinedColumns(step: Extract<Step, { kind: 'join' }>, datasets: Datasets): readonly (readonly [string, ValueType])[] {
  const fields = datasets.get(step.dataset)?.fields ?? [];
  return fields.map(({ name, type }) => [name, step.how === 'left' ? { ...type, optional: true } : type]);
}
