import { create } from '@bufbuild/protobuf';
import { LookupRequestSchema, QueryRequestSchema, type LookupResponse, type QueryResponse } from '../../gen/thyme/v1/query_pb.js';
import type { Value } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import { JSON_TYPE, jsonResponse, requestSchema, type RestRequest, type RestResponse, type Route } from '../../libs/rest/route.js';
import { fieldsToJson, valueToJson } from '../../libs/rest/value-json.js';
import type { CallContext } from '../../libs/rpc/handlers.js';
import type { Catalog } from './catalog.js';
import { entityFromJson, entityFromQuery, type AskedEntity } from './entity-keys.js';
import type { GatewayServices } from './gateway-services.js';
import {
  ENTITY_SCHEMA,
  freshnessJson,
  INPUTS_SCHEMA,
  READ_PARAMETERS,
  READ_SCHEMA,
  RUN_HEADERS,
  runHeaders,
  TIME_SCHEMA,
  timeText,
} from './read-shapes.js';
import { bodyFields, inputsAt, jsonBody, optionalText, readOptions, requiredText, type Fields } from './request-fields.js';

/** GET and POST /features: one entity's features, or its row in a dataset. */
export function featureRoutes({ query }: GatewayServices, catalog: Catalog): readonly Route[] {
  async function features(
    featureset: string,
    entity: AskedEntity,
    fields: Fields,
    inputs: Record<string, Value>,
    context: CallContext,
  ): Promise<RestResponse> {
    const answer = await query.query(
      create(QueryRequestSchema, { featureset, entity: entity.key, ...readOptions(fields), inputs }),
      context,
    );
    return shaped(answer, featureset, entity, new Map(answer.features.map(({ name, value }) => [name, valueToJson(value)])));
  }

  async function row(dataset: string, entity: AskedEntity, fields: Fields, context: CallContext): Promise<RestResponse> {
    const answer = await query.lookup(create(LookupRequestSchema, { dataset, entity: entity.key, ...readOptions(fields) }), context);
    return shaped(answer, dataset, entity, answer.row === undefined ? null : fieldsToJson(answer.row.fields));
  }

  async function get({ query: parameters, context }: RestRequest): Promise<RestResponse> {
    const featureset = optionalText(parameters, 'featureset');
    const dataset = optionalText(parameters, 'entity_type');
    // The published UI sends both: the featureset is meant (REST 14).
    if (featureset !== undefined)
      return features(
        featureset,
        await entityFromQuery(parameters, () => catalog.entityFields(featureset, context)),
        parameters,
        {},
        context,
      );
    if (dataset === undefined)
      throw invalidArgument('featureset', 'is missing: send featureset=NAME, or entity_type=DATASET for a raw lookup');
    return row(dataset, await entityFromQuery(parameters, () => catalog.datasetKeys(dataset, context)), parameters, context);
  }

  async function post(request: RestRequest): Promise<RestResponse> {
    const fields = bodyFields(request, POST_SCHEMA);
    const featureset = requiredText(fields, 'featureset');
    const entity = await entityFromJson(fields.get('entity_id'), 'entity_id', () => catalog.entityFields(featureset, request.context));
    return features(featureset, entity, fields, inputsAt(fields.get('inputs'), 'inputs'), request.context);
  }

  return [
    {
      method: 'GET',
      path: '/features',
      scope: 'read',
      summary: 'Features of one entity; with entity_type instead of featureset, its row in a dataset.',
      parameters: [
        { name: 'featureset', description: 'The featureset.' },
        { name: 'entity_type', description: 'A dataset, for a raw lookup.' },
        ...READ_PARAMETERS,
      ],
      answers: { [JSON_TYPE]: READ_SCHEMA },
      answerHeaders: RUN_HEADERS,
      handle: get,
    },
    {
      method: 'POST',
      path: '/features',
      scope: 'read',
      summary: 'Features of one entity, with request-time inputs.',
      body: jsonBody(POST_SCHEMA, { mebibytesMax: 1, wayOut: 'inputs are a handful of values; send fewer' }),
      answers: { [JSON_TYPE]: READ_SCHEMA },
      answerHeaders: RUN_HEADERS,
      handle: post,
    },
  ];
}

const POST_SCHEMA = requestSchema(
  {
    featureset: { type: 'string' },
    entity_id: ENTITY_SCHEMA,
    timestamp: TIME_SCHEMA,
    known_at: TIME_SCHEMA,
    after: { type: 'string' },
    inputs: INPUTS_SCHEMA,
  },
  ['featureset', 'entity_id'],
);

function shaped(answer: QueryResponse | LookupResponse, entityType: string, entity: AskedEntity, features: JsonTree): RestResponse {
  const body = {
    entity_type: entityType,
    entity_id: entity.echo,
    features,
    mode: answer.pointInTime ? 'point_in_time' : 'online',
    as_of: timeText(answer.asOfUs),
    freshness: freshnessJson(answer.freshness),
  };
  return jsonResponse(encodeJson(body), runHeaders(answer.queryRunId));
}
