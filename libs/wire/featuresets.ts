import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  FeatureDefinition as FeatureMessage,
  FeatureDefinitionSchema,
  FeaturesetDefinition as FeaturesetMessage,
  FeaturesetDefinitionSchema,
} from '../../gen/thyme/v1/definitions_pb.js';
import type { FeatureDefinition, FeaturesetDefinition } from '../definition/definitions.js';
import { metadataFromProto, metadataToProto } from './metadata.js';
import { present } from './present.js';
import { typeFromProto, typeToProto } from './value-types.js';
import { valueFromProto, valueToProto } from './values.js';

export function featuresetToProto(featureset: FeaturesetDefinition): MessageInitShape<typeof FeaturesetDefinitionSchema> {
  return {
    name: featureset.name,
    entity: [...featureset.entity],
    features: featureset.features.map(featureToProto),
    extractors: featureset.extractors.map((extractor) => ({
      name: extractor.name,
      inputs: [...extractor.inputs],
      outputs: [...extractor.outputs],
      function: extractor.function,
    })),
    metadata: metadataToProto(featureset),
  };
}

export function featuresetFromProto(message: FeaturesetMessage): FeaturesetDefinition {
  return {
    name: message.name,
    entity: message.entity,
    features: message.features.map((feature) => featureFromProto(feature, message.name)),
    extractors: message.extractors.map((extractor) => ({
      name: extractor.name,
      inputs: extractor.inputs,
      outputs: extractor.outputs,
      function: extractor.function,
    })),
    ...metadataFromProto(message.metadata),
  };
}

function featureToProto(feature: FeatureDefinition): MessageInitShape<typeof FeatureDefinitionSchema> {
  const { name, id, type, input, ref, from } = feature;
  return {
    name,
    id,
    type: typeToProto(type),
    input,
    ref: ref === undefined ? undefined : { owner: ref.dataset, member: ref.field },
    from: from === undefined ? undefined : { owner: from.featureset, member: from.feature },
    default: feature.default === undefined ? undefined : valueToProto(feature.default, type),
    metadata: metadataToProto(feature),
  };
}

function featureFromProto(message: FeatureMessage, featureset: string): FeatureDefinition {
  const { name, id, input, ref, from } = message;
  const place = `${featureset}.${name}`;
  const type = typeFromProto(message.type, place);
  return {
    name,
    id,
    type,
    input,
    ...present({
      ref: ref === undefined ? undefined : { dataset: ref.owner, field: ref.member },
      from: from === undefined ? undefined : { featureset: from.owner, feature: from.member },
      default: message.default === undefined ? undefined : valueFromProto(message.default, type, `${place}.default`),
    }),
    ...metadataFromProto(message.metadata),
  };
}
