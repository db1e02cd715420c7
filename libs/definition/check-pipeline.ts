import { nearestName } from '../errors/errors.js';
import { describeType } from '../schema/value-type.js';
import { checkAggregate } from './check-aggregate.js';
import { checkFields, checkMetadata, checkName, checkVersion, fits } from './check-common.js';
import { checkExpression, checkPredicate } from './check-predicate.js';
import type { DefinitionIndex } from './definition-index.js';
import type { DatasetDefinition, PipelineDefinition, Step } from './definitions.js';
import { columnType, type Schema } from './expression-type.js';
import { INPUTS_MAX, STEPS_MAX } from './limits.js';
import type { Problems, Report } from './problem.js';
import { datasetSchema, schemaAfter } from './step-schema.js';

export function checkPipeline(pipeline: PipelineDefinition, index: DefinitionIndex, problems: Problems): void {
  const place = pipeline.name;
  const report = problems.at(place);
  checkName(place.slice(place.indexOf('.') + 1), report);
  checkVersion(pipeline.version, report);
  checkMetadata(pipeline, report);
  checkInputs(pipeline, index, report);
  if (pipeline.steps.length > STEPS_MAX)
    report(`it has ${pipeline.steps.length} steps`, `at most ${STEPS_MAX} are allowed: chain two pipelines`);
  const origin = index.datasets.get(pipeline.inputs[0] ?? '');
  const output = index.datasets.get(pipeline.output);
  if (output === undefined) report(`it fills '${pipeline.output}', which is no dataset`, 'declare the dataset');
  if (origin?.cdc !== undefined && pipeline.steps.some(({ kind }) => kind === 'join'))
    report(
      `it joins records of '${origin.name}', which are changes (cdc), and a joined record stays as it was joined (S24)`,
      'join in a pipeline of a dataset without cdc, or leave the join out',
    );
  if (output?.cdc !== undefined)
    report(`it fills '${output.name}', which declares cdc`, 'take cdc away: what a pipeline publishes is not taken back (S25)');
  if (origin === undefined) return; // reported as an unknown input: nothing is known of the columns
  let schema = datasetSchema(origin);
  for (const [i, step] of pipeline.steps.entries()) {
    checkStep(step, schema, index, problems, `${place}, step ${i + 1} (${step.kind})`);
    schema = schemaAfter(step, schema, index.datasets);
  }
  if (output === undefined) return;
  if (pipeline.aggregate === undefined) checkRows(place, schema, output, problems);
  else checkAggregate(pipeline, pipeline.aggregate, schema, output, problems);
}

function checkInputs({ name, inputs, steps, output }: PipelineDefinition, index: DefinitionIndex, report: Report): void {
  if (inputs.length === 0 || inputs.length > INPUTS_MAX) report(`it has ${inputs.length} inputs`, `give it 1 to ${INPUTS_MAX}`);
  if (new Set(inputs).size < inputs.length) report('it names an input twice', 'name each dataset once');
  for (const input of inputs) {
    if (!index.datasets.has(input)) {
      const nearest = nearestName(input, index.datasets.keys());
      report(`its input '${input}' is no dataset`, nearest === undefined ? 'declare and export the dataset' : `did you mean '${nearest}'?`);
    } else if (input !== output && index.isDerived(input) && index.datasets.get(input)?.publish !== true) {
      report(
        `it reads '${input}', which a pipeline fills and which is not published`,
        `write @dataset({ ..., publish: true }) on ${input} (S25)`,
      );
    }
  }
  for (const step of steps) {
    if (step.kind === 'join' && !inputs.includes(step.dataset))
      report(`it joins '${step.dataset}', which is not in its inputs`, `add it to the inputs of ${name}`);
  }
}

function checkStep(step: Step, schema: Schema, index: DefinitionIndex, problems: Problems, place: string): void {
  const report = problems.at(place);
  switch (step.kind) {
    case 'filter':
      checkPredicate(step.where, 'filter', schema, report);
      return;
    case 'assign':
      if (step.columns.length === 0) report('it assigns nothing', 'name a column');
      for (const { name, value } of step.columns) {
        checkName(name, report);
        checkExpression(value, schema, report);
      }
      return;
    case 'transform':
      checkFields(place, step.adds, problems);
      return;
    case 'select':
      if (step.names.length === 0) report('it selects nothing', 'name the columns to keep');
      for (const name of step.names) columnType(name, schema, report);
      return;
    case 'rename':
      columnType(step.from, schema, report);
      checkName(step.to, report);
      if (step.from !== step.to && schema.has(step.to))
        report(`there is a column '${step.to}' already`, 'choose another name, or leave that column out first');
      return;
    case 'join':
      checkJoin(step, schema, index.datasets.get(step.dataset), report);
  }
}

function checkJoin(step: Extract<Step, { kind: 'join' }>, schema: Schema, right: DatasetDefinition | undefined, report: Report): void {
  if (right === undefined) {
    report(`it joins '${step.dataset}', which is no dataset`, 'declare and export the dataset');
    return;
  }
  if (!right.index) report(`it joins '${right.name}', which is not indexed`, `write @dataset({ ..., index: true }) on ${right.name}`);
  if (right.cdc !== undefined && right.cdc.rowKey.join() !== right.keys.join())
    report(
      `it joins '${right.name}', whose rowKey is (${right.cdc.rowKey.join(', ')}) and whose key is (${right.keys.join(', ')})`,
      'only a dataset whose rowKey is its key can be joined: its changes lie where its entities do',
    );
  const isKey = step.on.length === right.keys.length && right.keys.every((key) => step.on.includes(key));
  if (!isKey)
    report(
      `it joins '${right.name}' on ${step.on.join(', ') || 'nothing'}`,
      `join on exactly its key: ${right.keys.join(', ')} (S24); rename columns before where needed`,
    );
  for (const name of step.on) {
    const left = columnType(name, schema, report);
    const key = right.fields.find((field) => field.name === name)?.type;
    if (left === undefined || key === undefined) continue;
    if (!fits({ ...key, optional: true }, left))
      report(`'${name}' is ${describeType(left)} here and ${describeType(key)} in ${right.name}`, 'join columns of one type');
  }
}

/** A pipeline without an aggregate: its rows are the output's records, at the time of the event that they come from. */
function checkRows(place: string, schema: Schema, output: DatasetDefinition, problems: Problems): void {
  for (const { name, type } of output.fields) {
    const given = schema.get(name);
    if (!schema.has(name)) {
      if (name !== output.timestamp)
        problems.add(`${output.name}.${name}`, `the pipeline '${place}' does not fill it`, 'assign the column, or take the field away');
    } else if (given !== undefined && !fits(type, given)) {
      problems.add(
        `${output.name}.${name}`,
        `it is declared ${describeType(type)}, but the pipeline '${place}' gives ${describeType(given)}`,
        'declare what the pipeline gives, or change the pipeline',
      );
    }
  }
  for (const name of schema.keys()) {
    if (!output.fields.some((field) => field.name === name))
      problems.add(
        place,
        `its rows have a column '${name}', which is not a field of ${output.name}`,
        'end with .select(...), or declare the field',
      );
  }
}
