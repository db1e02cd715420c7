import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type ChangeCapture as ChangeCaptureMessage,
  ChangeCapture_Mode as Mode,
  type DatasetDefinition as DatasetMessage,
  type DatasetDefinitionSchema,
  type DatasetDefinition_Upgrade as UpgradeMessage,
  type DatasetDefinition_UpgradeSchema as UpgradeSchema,
  type Expectation as ExpectationMessage,
  type ExpectationSchema,
} from '../../gen/thyme/v1/definitions_pb.js';
import type { ChangeCapture, DatasetDefinition, Expectation, Upgrade } from '../definition/definitions.js';
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
    ...(dataset.cdc === undefined ? {} : { cdc: { mode: MODE_OF[dataset.cdc.mode], rowKey: [...dataset.cdc.rowKey] } }),
    upgrade: upgradeToProto(dataset.upgrade),
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
      cdc: message.cdc && cdcFromProto(message.cdc, name),
    }),
    maxFutureUs: safeNumber(message.maxFutureUs, `${name}.maxFuture`),
    expectations: message.expectations.map((expectation) => expectationFromProto(expectation, name)),
    ...metadataFromProto(message.metadata),
    ...present({ upgrade: upgradeFromProto(message.upgrade) }),
  };
}

const MODE_OF: Readonly<Record<ChangeCapture['mode'], Mode>> = { upsert: Mode.UPSERT, debezium: Mode.DEBEZIUM };

function cdcFromProto({ mode, rowKey }: ChangeCaptureMessage, dataset: string): ChangeCapture {
  switch (mode) {
    case Mode.UPSERT:
      return { mode: 'upsert', rowKey };
    case Mode.DEBEZIUM:
      return { mode: 'debezium', rowKey };
    default:
      throw invalidArgument(dataset, `has the CDC mode ${mode}, which this server does not know: upgrade it`);
  }
}

function upgradeToProto(upgrade: Upgrade | undefined): MessageInitShape<typeof UpgradeSchema> | undefined {
  return upgrade && { function: upgrade.kind === 'function' ? upgrade.function : '' };
}

function upgradeFromProto(upgrade: UpgradeMessage | undefined): Upgrade | undefined {
  if (upgrade === undefined) return undefined;
  return upgrade.function === '' ? { kind: 'empty' } : { kind: 'function', function: upgrade.function };
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
