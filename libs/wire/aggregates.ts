import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  Aggregation_Operator as Kind,
  type Aggregate as AggregateMessage,
  type AggregateSchema,
  type Aggregation as AggregationMessage,
  type AggregationSchema,
} from '../../gen/thyme/v1/definitions_pb.js';
import type { Aggregate, Aggregation, Operator } from '../definition/definitions.js';
import { invalidArgument } from '../errors/errors.js';
import { expressionFromProto, expressionToProto } from './expressions.js';
import { int64IfAny, safeNumberIfAny } from './integers.js';
import { present, textIfAny } from './present.js';

const KIND_OF: Readonly<Record<Operator, Kind>> = {
  sum: Kind.SUM,
  count: Kind.COUNT,
  avg: Kind.AVG,
  min: Kind.MIN,
  max: Kind.MAX,
  percentile: Kind.PERCENTILE,
  percentRank: Kind.PERCENT_RANK,
  last: Kind.LAST,
  lastK: Kind.LAST_K,
};
// The cast: a record's own keys are its key type, which Object.entries does not say.
const OPERATOR_OF = new Map((Object.entries(KIND_OF) as [Operator, Kind][]).map(([operator, kind]) => [kind, operator]));

export function aggregateToProto(aggregate: Aggregate): MessageInitShape<typeof AggregateSchema> {
  return { groupBy: [...aggregate.groupBy], aggregations: aggregate.aggregations.map(aggregationToProto) };
}

export function aggregateFromProto(message: AggregateMessage, pipeline: string): Aggregate {
  return { groupBy: message.groupBy, aggregations: message.aggregations.map((aggregation) => aggregationFromProto(aggregation, pipeline)) };
}

function aggregationToProto(aggregation: Aggregation): MessageInitShape<typeof AggregationSchema> {
  return {
    field: aggregation.field,
    operator: KIND_OF[aggregation.operator],
    of: aggregation.of ?? '',
    windowUs: int64IfAny(aggregation.windowUs ?? undefined),
    where: aggregation.where === undefined ? undefined : expressionToProto(aggregation.where),
    pct: aggregation.pct ?? 0,
    k: aggregation.k ?? 0,
    dedup: aggregation.dedup ?? false,
    dropNull: aggregation.dropNull ?? false,
  };
}

function aggregationFromProto(message: AggregationMessage, pipeline: string): Aggregation {
  const { field } = message;
  const place = `${pipeline}.${field}`;
  const operator = OPERATOR_OF.get(message.operator);
  if (operator === undefined)
    throw invalidArgument(place, `has the operator ${message.operator}, which this server does not know: upgrade it`);
  return {
    field,
    operator,
    windowUs: safeNumberIfAny(message.windowUs, `${place}.window`) ?? null,
    ...present({
      of: textIfAny(message.of),
      where: message.where === undefined ? undefined : expressionFromProto(message.where, `${place}.where`),
      // Zero is a percentile, and is no number of values to keep.
      pct: operator === 'percentile' ? message.pct : undefined,
      k: message.k === 0 ? undefined : message.k,
      dedup: message.dedup ? true : undefined,
      dropNull: message.dropNull ? true : undefined,
    }),
  };
}
