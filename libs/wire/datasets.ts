import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DatasetDefinition as DatasetMessage, DatasetDefinitionSchema, Expectation as ExpectationMessage, ExpectationSchema } from '../../gen/thyme/v1/definitions_pb.js';
import type { DatasetDefinition, Expectation } from '../definition/definitions.js';
import { invalidArgument } from '../errors/errors.js';
import { int64IfAny, safeNumber, safeNumberIfAny } from './integers.js';
import { metadataFromProto, metadataToProto } from './metadata.js';
import { present } from './present.js';
import { fieldFromProto, fieldToProto } from './value-types.js';

export function datasetToProto(dataset: DatasetDefinition): MessageInitShape<typeof DatasetDefinitionSchema> {
  return {
    name: dataset.name,
    version: dataset.version,
    fields: dataset.fields.map(fieldToProto),
    keys: [...dataset.keys],
    timestamp: dataset.timestamp,
    index: dataset.index,
    publish: dataset.publish,
    historyUs: int64IfAny(dataset.historyUs),
    maxLatenessUs: int64IfAny(dataset.maxLatenessUs),
    maxFutureUs: BigInt(dataset.maxFutureUs),
    expectations: dataset.expectations.map(expectationToProto),
    metadata: metadataToProto(dataset),
  };
}

export function datasetFromProto(message: DatasetMessage): DatasetDefinition {
  const { name } = message;
  return {
    name,
    version: message.version,
    fields: message.fields.map((field) => fieldFromProto(field, name)),
    keys: message.keys,
    timestamp: message.timestamp,
    index: message.index,
    publish: message.publish,
    ...present({
      historyUs: safeNumberIfAny(message.historyUs, `${name}.history`),
      maxLatenessUs: safeNumberIfAny(message.maxLatenessUs, `${name}.maxLateness`),
    }),
    maxFutureUs: safeNumber(message.maxFutureUs, `${name}.maxFuture`),
    expectations: message.expectations.map((expectation) => expectationFromProto(expectation, name)),
    ...metadataFromProto(message.metadata),
  };
}

function expectationToProto(expectation: Expectation): MessageInitShape<typeof ExpectationSchema> {
  const { field, mostly } = expectation;
  switch (expectation.kind) {
    case 'between':
      return { field, mostly, kind: { case: 'between', value: { min: expectation.min, max: expectation.max } } };
    case 'notNull':
      return { field, mostly, kind: { case: 'notNull', value: {} } };
  }
}

function expectationFromProto({ field, mostly, kind }: ExpectationMessage, dataset: string): Expectation {
  switch (kind.case) {
    case 'between':
      return { kind: 'between', field, mostly, ...present({ min: kind.value.min, max: kind.value.max }) };
    case 'notNull':
      return { kind: 'notNull', field, mostly };
    default:
      throw invalidArgument(`${dataset}.${field}`, 'has an expectation that this server does not know: upgrade it');
  }
}
