import { invalidArgument } from '../../libs/errors/errors.js';
import { encodeJson, encodeText } from '../../libs/rest/json-text.js';
import { QUERY_RUN_HEADER } from '../../libs/rest/problem.js';
import { JSON_TYPE, requestSchema, type RestRequest, type RestResponse, type Route } from '../../libs/rest/route.js';
import type { CallContext } from '../../libs/rpc/handlers.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import type { Catalog } from './catalog.js';
import { entityFromJson, entityFromQuery, type AskedEntity } from './entity-keys.js';
import type { GatewayServices } from './gateway-services.js';
import { messageReads } from './message-reads.js';
import { ENTITY_SCHEMA, INPUTS_SCHEMA, READ_PARAMETERS, READ_SCHEMA, RUN_HEADERS, TIME_SCHEMA } from './read-shapes.js';
import { valuesJson, type ReadAnswer } from './reads.js';
import { bodyFields, jsonBody, optionalText, plainInputsAt, readTimes, requiredText, type Fields } from './request-fields.js';

/** GET and POST /features: one entity's features, or its row in a dataset. */
export function featureRoutes({ query, reads = messageReads(query) }: GatewayServices, catalog: Catalog): readonly Route[] {
  async function features(
    featureset: string,
    entity: AskedEntity,
    fields: Fields,
    inputs: ReadonlyMap<string, unknown>,
    context: CallContext,
  ): Promise<RestResponse> {
    return shaped(await reads.query({ featureset, entity: entity.values, inputs, ...readTimes(fields) }, context), featureset, entity);
  }

  async function row(dataset: string, entity: AskedEntity, fields: Fields, context: CallContext): Promise<RestResponse> {
    return shaped(await reads.lookup({ dataset, entity: entity.values, ...readTimes(fields) }, context), dataset, entity);
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
        NO_INPUTS,
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
    return features(featureset, entity, fields, plainInputsAt(fields.get('inputs'), 'inputs'), request.context);
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

const NO_INPUTS: ReadonlyMap<string, unknown> = new Map();

/** Written as it is read, in one text: READ_SCHEMA. */
function shaped(answer: ReadAnswer, entityType: string, { echo }: AskedEntity): RestResponse {
  const { queryRunId, asOfUs, pointInTime, freshness } = answer;
  return {
    status: 200,
    headers: { 'content-type': JSON_TYPE, [QUERY_RUN_HEADER]: queryRunId }, // W1
    body: `{"entity_type":${encodeText(entityType)},"entity_id":${encodeJson(echo)},"features":${valuesJson(answer)},"mode":"${
      pointInTime ? 'point_in_time' : 'online'
    }","as_of":"${formatTimestamp(asOfUs)}","freshness":${freshnessText(freshness)}}`,
  };
}

function freshnessText({ watermarkUs, lagUs }: ReadAnswer['freshness']): string {
  return `{"watermark":${watermarkUs === undefined ? 'null' : `"${formatTimestamp(watermarkUs)}"`},"lag_us":${lagUs ?? null}}`;
}
