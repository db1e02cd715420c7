import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  RevisionSchema,
  type Revision as RevisionMessage,
  type Revision_CarryOver as CarryOverMessage,
  type Revision_Timeline as TimelineMessage,
  type Revision_Measure as MeasureMessage,
  type Revision_MeasureSchema as MeasureSchema,
} from '../../gen/thyme/v1/registry_pb.js';
import type { CarryOver, Measure, Revision, TimelineIdentity } from '../definition/revision.js';
import { invalidArgument } from '../errors/errors.js';
import { datasetFromProto, datasetToProto } from './datasets.js';
import { definitionsFromProto, definitionsInit } from './definitions.js';
import { expressionFromProto, expressionToProto } from './expressions.js';
import { safeNumber } from './integers.js';
import { present, textIfAny } from './present.js';
import { typeFromProto, typeToProto } from './value-types.js';

export function revisionToProto(revision: Revision): RevisionMessage {
  const { number, createdUs, definitions, bundle, timelines, carryOvers = [] } = revision;
  return create(RevisionSchema, {
    number: BigInt(number),
    createdUs: BigInt(createdUs),
    definitions: definitionsInit(definitions),
    bundle: { sha256: bundle.sha256, code: bundle.code },
    timelines: timelines.map(({ inputs, output, measures, ...timeline }) => ({
      ...timeline,
      measures: measures.map(measureToProto),
      inputs: [...(inputs ?? [])],
      output: output ?? '',
    })),
    carryOvers: carryOvers.map(({ id, from, toVersion, revision: of }) => ({
      id,
      from: datasetToProto(from),
      toVersion,
      revision: BigInt(of),
    })),
  });
}

export function revisionFromProto(message: RevisionMessage): Revision {
  return {
    number: safeNumber(message.number, 'revision.number'),
    createdUs: safeNumber(message.createdUs, 'revision.created_us'),
    definitions: message.definitions === undefined ? NO_DEFINITIONS : definitionsFromProto(message.definitions),
    bundle: { sha256: message.bundle?.sha256 ?? '', code: message.bundle?.code ?? '' },
    timelines: message.timelines.map(timelineFromProto),
    ...(message.carryOvers.length === 0 ? {} : { carryOvers: message.carryOvers.map(carryOverFromProto) }),
  };
}

function timelineFromProto({ name, version, id, measures, inputs, output }: TimelineMessage): TimelineIdentity {
  return {
    name,
    version,
    id,
    measures: measures.map((measure) => measureFromProto(measure, name)),
    ...present({ inputs: inputs.length === 0 ? undefined : inputs, output: textIfAny(output) }),
  };
}

function carryOverFromProto({ id, from, toVersion, revision }: CarryOverMessage): CarryOver {
  if (from === undefined) throw invalidArgument('revision.carry_overs', 'one has no dataset that it carries from');
  return { id, from: datasetFromProto(from), toVersion, revision: safeNumber(revision, 'revision.carry_overs.revision') };
}

export function encodeRevision(revision: Revision): Uint8Array {
  return toBinary(RevisionSchema, revisionToProto(revision));
}

export function decodeRevision(bytes: Uint8Array): Revision {
  return revisionFromProto(fromBinary(RevisionSchema, bytes));
}

const NO_DEFINITIONS = { datasets: [], sources: [], pipelines: [], featuresets: [] };

function measureToProto({ of, where, digest, type }: Measure): MessageInitShape<typeof MeasureSchema> {
  return { of: of ?? '', where: where === undefined ? undefined : expressionToProto(where), digest, type: typeToProto(type) };
}

function measureFromProto(message: MeasureMessage, timeline: string): Measure {
  return {
    ...present({
      of: textIfAny(message.of),
      where: message.where === undefined ? undefined : expressionFromProto(message.where, timeline),
    }),
    digest: message.digest,
    type: typeFromProto(message.type, timeline),
  };
}
