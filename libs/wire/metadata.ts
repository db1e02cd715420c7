import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Metadata as MetadataMessage, MetadataSchema } from '../../gen/thyme/v1/definitions_pb.js';
import type { Metadata } from '../definition/definitions.js';
import { present, textIfAny } from './present.js';

/** Undefined where nothing is said, so that the message stays unset. */
export function metadataToProto({ description, owner, tags, deprecated }: Metadata): MessageInitShape<typeof MetadataSchema> | undefined {
  if (description === undefined && owner === undefined && tags === undefined && deprecated === undefined) return undefined;
  return { description: description ?? '', owner: owner ?? '', tags: [...(tags ?? [])], deprecated: deprecated ?? false };
}

export function metadataFromProto(message: MetadataMessage | undefined): Metadata {
  if (message === undefined) return {};
  return present({
    description: textIfAny(message.description),
    owner: textIfAny(message.owner),
    tags: message.tags.length === 0 ? undefined : message.tags,
    deprecated: message.deprecated ? true : undefined,
  });
}
