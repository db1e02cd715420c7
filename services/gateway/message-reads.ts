import { create } from '@bufbuild/protobuf';
import {
  LookupRequestSchema,
  QueryRequestSchema,
  type LookupResponse,
  type QueryResponse,
  type QueryService,
} from '../../gen/thyme/v1/query_pb.js';
import { jsonToFields, fieldsToJson, valueToJson } from '../../libs/rest/value-json.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import { entityKeyOf } from './entity-keys.js';
import type { Answered, FeaturesAsked, Reads, RowAsked } from './reads.js';

/** Reads by the messages of a QueryService, wherever it is. */
export function messageReads(query: Pick<ServiceHandlers<typeof QueryService>, 'query' | 'lookup'>): Reads {
  return {
    async query(asked, context) {
      const inputs = jsonToFields(Object.fromEntries(asked.inputs), 'inputs');
      const request = create(QueryRequestSchema, { featureset: asked.featureset, ...membersOf(asked), inputs });
      const answer = await query.query(request, context);
      return { ...answeredBy(answer), tree: new Map(answer.features.map(({ name, value }) => [name, valueToJson(value)])) };
    },
    async lookup(asked, context) {
      const answer = await query.lookup(create(LookupRequestSchema, { dataset: asked.dataset, ...membersOf(asked) }), context);
      return { ...answeredBy(answer), tree: answer.row === undefined ? null : fieldsToJson(answer.row.fields) };
    },
  };
}

function membersOf({ entity, timestampUs, knownAtUs, after }: FeaturesAsked | RowAsked) {
  return {
    entity: entityKeyOf(entity),
    ...(timestampUs === undefined ? {} : { timestampUs: BigInt(timestampUs) }),
    ...(knownAtUs === undefined ? {} : { knownAtUs: BigInt(knownAtUs) }),
    ...(after === undefined ? {} : { after }),
  };
}

/** Times and lags are from our own services, within the range of S1. */
function answeredBy({ queryRunId, asOfUs, pointInTime, freshness }: QueryResponse | LookupResponse): Answered {
  return {
    queryRunId,
    asOfUs: Number(asOfUs),
    pointInTime,
    freshness: { watermarkUs: numberIfAny(freshness?.watermarkUs), lagUs: numberIfAny(freshness?.lagUs) },
  };
}

function numberIfAny(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
