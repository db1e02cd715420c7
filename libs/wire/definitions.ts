import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { DefinitionsSchema, type Definitions as DefinitionsMessage } from '../../gen/thyme/v1/definitions_pb.js';
import type { Definitions } from '../definition/definitions.js';
import { datasetFromProto, datasetToProto } from './datasets.js';
import { featuresetFromProto, featuresetToProto } from './featuresets.js';
import { pipelineFromProto, pipelineToProto } from './pipelines.js';
import { sourceFromProto, sourceToProto } from './sources.js';

// Definitions as the plain data of libs/definition and as the messages of proto/thyme/v1, one to
// one. What proto3 cannot tell from absent (an empty text, an empty list of tags, `false`) is
// absent in plain data. A message that this version cannot read whole is INVALID_ARGUMENT: a part
// that is left out in silence would be a part that is never computed.

export function definitionsToProto(definitions: Definitions): DefinitionsMessage {
  return create(DefinitionsSchema, definitionsInit(definitions));
}

export function definitionsFromProto(message: DefinitionsMessage): Definitions {
  return {
    datasets: message.datasets.map(datasetFromProto),
    sources: message.sources.map(sourceFromProto),
    pipelines: message.pipelines.map(pipelineFromProto),
    featuresets: message.featuresets.map(featuresetFromProto),
  };
}

export function encodeDefinitions(definitions: Definitions): Uint8Array {
  return toBinary(DefinitionsSchema, definitionsToProto(definitions));
}

export function decodeDefinitions(bytes: Uint8Array): Definitions {
  return definitionsFromProto(fromBinary(DefinitionsSchema, bytes));
}

/** The same for a message that holds definitions. */
export function definitionsInit(definitions: Definitions): MessageInitShape<typeof DefinitionsSchema> {
  return {
    datasets: definitions.datasets.map(datasetToProto),
    sources: definitions.sources.map(sourceToProto),
    pipelines: definitions.pipelines.map(pipelineToProto),
    featuresets: definitions.featuresets.map(featuresetToProto),
  };
}
