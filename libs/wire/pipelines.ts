import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  PipelineDefinition as PipelineMessage,
  PipelineDefinitionSchema,
  Step as StepMessage,
  StepSchema,
} from '../../gen/thyme/v1/definitions_pb.js';
import type { PipelineDefinition, Step } from '../definition/definitions.js';
import { invalidArgument } from '../errors/errors.js';
import { aggregateFromProto, aggregateToProto } from './aggregates.js';
import { expressionFromProto, expressionToProto } from './expressions.js';
import { metadataFromProto, metadataToProto } from './metadata.js';
import { fieldFromProto, fieldToProto } from './value-types.js';

export function pipelineToProto(pipeline: PipelineDefinition): MessageInitShape<typeof PipelineDefinitionSchema> {
  return {
    name: pipeline.name,
    version: pipeline.version,
    output: pipeline.output,
    inputs: [...pipeline.inputs],
    steps: pipeline.steps.map(stepToProto),
    aggregate: pipeline.aggregate === undefined ? undefined : aggregateToProto(pipeline.aggregate),
    metadata: metadataToProto(pipeline),
  };
}

export function pipelineFromProto(message: PipelineMessage): PipelineDefinition {
  const { name } = message;
  return {
    name,
    version: message.version,
    output: message.output,
    inputs: message.inputs,
    steps: message.steps.map((step, i) => stepFromProto(step, `${name}.steps[${i}]`)),
    ...(message.aggregate === undefined ? {} : { aggregate: aggregateFromProto(message.aggregate, name) }),
    ...metadataFromProto(message.metadata),
  };
}

function stepToProto(step: Step): MessageInitShape<typeof StepSchema> {
  switch (step.kind) {
    case 'filter':
      return { kind: { case: 'filter', value: { where: expressionToProto(step.where) } } };
    case 'assign':
      return {
        kind: { case: 'assign', value: { columns: step.columns.map(({ name, value }) => ({ name, value: expressionToProto(value) })) } },
      };
    case 'transform':
      return { kind: { case: 'transform', value: { adds: step.adds.map(fieldToProto), function: step.function } } };
    case 'select':
      return { kind: { case: 'select', value: { names: [...step.names] } } };
    case 'rename':
      return { kind: { case: 'rename', value: { from: step.from, to: step.to } } };
    case 'join':
      return { kind: { case: 'join', value: { dataset: step.dataset, on: [...step.on], inner: step.how === 'inner' } } };
  }
}

function stepFromProto({ kind }: StepMessage, place: string): Step {
  switch (kind.case) {
    case 'filter':
      return { kind: 'filter', where: expressionFromProto(kind.value.where, place) };
    case 'assign':
      return {
        kind: 'assign',
        columns: kind.value.columns.map(({ name, value }) => ({ name, value: expressionFromProto(value, `${place}.${name}`) })),
      };
    case 'transform':
      return { kind: 'transform', adds: kind.value.adds.map((field) => fieldFromProto(field, place)), function: kind.value.function };
    case 'select':
      return { kind: 'select', names: kind.value.names };
    case 'rename':
      return { kind: 'rename', from: kind.value.from, to: kind.value.to };
    case 'join':
      return { kind: 'join', dataset: kind.value.dataset, on: kind.value.on, how: kind.value.inner ? 'inner' : 'left' };
    default:
      throw invalidArgument(place, 'is a step that this server does not know: upgrade it');
  }
}
