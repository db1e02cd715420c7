// A pipeline's definition made into stages: what the aggregator runs for each record.
//
//   steps.ts           one function for each step
//   measures.ts        which columns the timelines hold
//   measure-values.ts  a record's values in them
//   answers.ts         back from windows to values
//
// A stage runs where its records lie. Between two stages records go to the partition of another
// key: that of a join's right side, that of the group, or that of the output record (DESIGN 4).

import assert from 'node:assert';
import type { Field, Row } from '../schema/value-type.js';
import type { DatasetDefinition, PipelineDefinition } from '../definition/definitions.js';
import type { Measure } from '../definition/revision.js';
import { outputFields } from '../definition/step-schema.js';
import { groupsByEntity } from './groups-by-entity.js';
import { KeyLineage } from './key-lineage.js';
import { partitionFields } from './partition-fields.js';
import { compileMeasures, type MeasureValues } from './measure-values.js';
import { compileKeyOf, compileStep, joinKeyNames, type CompiledStep, type StepEnvironment } from './steps.js';

export interface CompiledPipeline {
  readonly name: string;
  /** The dataset whose records drive it. */
  readonly input: DatasetDefinition;
  readonly stages: readonly Stage[];
  /** The columns of a record that has passed all stages. */
  readonly fields: readonly Field[];
  /** The group of such a record, or the key of the output record; its partition is where the last stage runs. */
  readonly keyOf: (row: Row) => Uint8Array | undefined;
  /** Whether a record's group is its entity, whatever the steps make of the rest: then all of a group goes with the entity (S26). */
  readonly groupsByEntity: boolean;
  /** The datasets that it joins with. */
  readonly joins: readonly string[];
  /** A record's columns in its group's timeline; none for a pipeline that only publishes. */
  readonly measureValues: MeasureValues | undefined;
}

export interface Stage {
  /** The columns of a record that enters: what its re-keyed form holds. */
  readonly fields: readonly Field[];
  readonly steps: readonly CompiledStep[];
  /** Where a record goes that has passed the steps; undefined in the last stage, and for a record without key. */
  readonly nextKey: ((row: Row) => Uint8Array | undefined) | undefined;
  /** The datasets that its steps look into. */
  readonly joins: readonly string[];
  /** Whether its steps call the author's functions, which may not return (S23). */
  readonly callsAuthor: boolean;
}

export function compilePipeline(
  pipeline: PipelineDefinition,
  measures: readonly Measure[],
  environment: StepEnvironment,
): CompiledPipeline {
  const input = environment.datasets.get(pipeline.inputs[0] ?? '');
  assert(input !== undefined, `${pipeline.name} reads a dataset that is not defined`); // checked at commit
  const schemas = outputFields(pipeline, environment.datasets);
  const fields = schemas.at(-1) ?? [];
  const finalKey = finalKeyNames(pipeline, environment);
  const stages = cutStages(pipeline, input, schemas, { finalKey, environment });
  return {
    name: pipeline.name,
    input,
    stages,
    fields,
    keyOf: compileKeyOf(finalKey, fields, pipeline.name),
    groupsByEntity: groupsByEntity(pipeline, input, environment.datasets),
    joins: stages.flatMap((stage) => stage.joins),
    measureValues: pipeline.aggregate === undefined ? undefined : compileMeasures(measures, fields, pipeline.name),
  };
}

interface Cutting {
  readonly finalKey: readonly string[];
  readonly environment: StepEnvironment;
}

function cutStages(
  pipeline: PipelineDefinition,
  input: DatasetDefinition,
  schemas: readonly (readonly Field[])[],
  { finalKey, environment }: Cutting,
): readonly Stage[] {
  const lineage = new KeyLineage(input.fields, partitionFields(input));
  const stages: Stage[] = [];
  let open: { fields: readonly Field[]; steps: CompiledStep[]; joins: string[]; callsAuthor: boolean } = {
    fields: schemas[0] ?? [],
    steps: [],
    joins: [],
    callsAuthor: false,
  };
  const cutAt = (names: readonly string[], fields: readonly Field[]): void => {
    if (!lineage.moveTo(names)) return;
    stages.push({ ...open, nextKey: compileKeyOf(names, fields, pipeline.name) });
    open = { fields, steps: [], joins: [], callsAuthor: false };
  };
  pipeline.steps.forEach((step, index) => {
    const [before = [], after = []] = [schemas[index], schemas[index + 1]];
    if (step.kind === 'join') {
      cutAt(joinKeyNames(step, environment.datasets), before);
      open.joins.push(step.dataset);
    }
    open.callsAuthor ||= step.kind === 'transform';
    open.steps.push(compileStep(step, before, after, environment));
    lineage.follow(step, after);
  });
  cutAt(finalKey, schemas.at(-1) ?? []);
  return [...stages, { ...open, nextKey: undefined }];
}

function finalKeyNames(pipeline: PipelineDefinition, { datasets }: StepEnvironment): readonly string[] {
  if (pipeline.aggregate !== undefined) return pipeline.aggregate.groupBy;
  const output = datasets.get(pipeline.output);
  assert(output !== undefined, `${pipeline.name} fills a dataset that is not defined`); // checked at commit
  return output.keys;
}
