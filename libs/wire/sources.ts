import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  SourceDefinition_Cdc as Cdc,
  type ConfigValue as ConfigMessage,
  type ConfigValueSchema,
  type SourceDefinition as SourceMessage,
  type SourceDefinitionSchema,
} from '../../gen/thyme/v1/definitions_pb.js';
import type { ConfigValue, SourceDefinition } from '../definition/definitions.js';
import { invalidArgument } from '../errors/errors.js';
import { int64IfAny, safeNumberIfAny } from './integers.js';
import { present, textIfAny } from './present.js';

const CDC_OF: Readonly<Record<SourceDefinition['cdc'], Cdc>> = { append: Cdc.APPEND, upsert: Cdc.UPSERT, debezium: Cdc.DEBEZIUM };

export function sourceToProto(source: SourceDefinition): MessageInitShape<typeof SourceDefinitionSchema> {
  return {
    dataset: source.dataset,
    connector: source.connector,
    config: Object.fromEntries(Object.entries(source.config).map(([name, value]) => [name, configToProto(value)])),
    cursor: source.cursor ?? '',
    everyUs: int64IfAny(source.everyUs),
    maxLatenessUs: int64IfAny(source.maxLatenessUs),
    maxFutureUs: int64IfAny(source.maxFutureUs),
    cdc: CDC_OF[source.cdc],
  };
}

export function sourceFromProto(message: SourceMessage): SourceDefinition {
  const place = `${message.connector} of ${message.dataset}`;
  return {
    dataset: message.dataset,
    connector: message.connector,
    config: Object.fromEntries(Object.entries(message.config).map(([name, value]) => [name, configFromProto(value, `${place}.${name}`)])),
    ...present({
      cursor: textIfAny(message.cursor),
      everyUs: safeNumberIfAny(message.everyUs, `${place}.every`),
      maxLatenessUs: safeNumberIfAny(message.maxLatenessUs, `${place}.maxLateness`),
      maxFutureUs: safeNumberIfAny(message.maxFutureUs, `${place}.maxFuture`),
    }),
    cdc: cdcFromProto(message.cdc, place),
  };
}

function configToProto(value: ConfigValue): MessageInitShape<typeof ConfigValueSchema> {
  switch (typeof value) {
    case 'string':
      return { kind: { case: 'text', value } };
    case 'number':
      return { kind: { case: 'number', value } };
    case 'boolean':
      return { kind: { case: 'flag', value } };
    case 'object':
      return { kind: { case: 'secret', value: value.secret } };
  }
}

function configFromProto({ kind }: ConfigMessage, place: string): ConfigValue {
  switch (kind.case) {
    case 'text':
    case 'number':
    case 'flag':
      return kind.value;
    case 'secret':
      return { secret: kind.value };
    default:
      throw invalidArgument(place, 'has no value');
  }
}

function cdcFromProto(cdc: Cdc, place: string): SourceDefinition['cdc'] {
  switch (cdc) {
    case Cdc.APPEND:
      return 'append';
    case Cdc.UPSERT:
      return 'upsert';
    case Cdc.DEBEZIUM:
      return 'debezium';
    default:
      throw invalidArgument(place, `has the CDC mode ${cdc}, which this server does not know: upgrade it`);
  }
}
