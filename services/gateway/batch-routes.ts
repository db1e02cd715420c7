import { create } from '@bufbuild/protobuf';
import { QueryBatchRequestSchema, type QueryBatchResponse } from '../../gen/thyme/v1/query_pb.js';
import { ARROW_TYPE, ArrowStreamEncoder, type ArrowRow } from '../../libs/rest/arrow.js';
import { preferredType } from '../../libs/rest/accept.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import { answerSchema, JSON_TYPE, jsonResponse, type JsonSchema, type RestRequest, type RestResponse, type Route } from '../../libs/rest/route.js';
import { jsonToValue, valueToJson } from '../../libs/rest/value-json.js';
import type { CallContext } from '../../libs/rpc/handlers.js';
import type { Catalog } from './catalog.js';
import { entityFromJson, entityText, type AskedEntity } from './entity-keys.js';
import type { GatewayServices } from './gateway-services.js';
import { ENTITY_SCHEMA, FRESHNESS_SCHEMA, freshnessJson, RUN_HEADERS, runHeaders, TIME_SCHEMA, TIME_TEXT_SCHEMA, timeText } from './read-shapes.js';
import { bodyFields, jsonBody, readOptions, requiredList, requiredText } from './request-fields.js';

/** Entities of one request. The published client sends all it has at once (REST 10). */
const ENTITIES_MAX = 100_000;
/** Rows of an Arrow record batch: a few hundred KB of a wide featureset. */
const RECORD_BATCH_ROWS = 2_000;
const TIMEOUT_MS = 120_000;

/** POST /features/batch: many entities at one instant, a row for each, in their order. */
export function batchRoute({ query }: GatewayServices, catalog: Catalog): Route {
  return {
    method: 'POST',
    path: '/features/batch',
    scope: 'read',
    summary: 'Features of many entities at one instant.',
    body: jsonBody(BODY_SCHEMA, { mebibytesMax: 32, wayOut: 'send the entities in several requests' }),
    answers: { [JSON_TYPE]: ANSWER_SCHEMA, [ARROW_TYPE]: {} },
    answerHeaders: RUN_HEADERS,
    timeoutMs: TIMEOUT_MS,
    async handle(request) {
      const fields = bodyFields(request);
      const featureset = requiredText(fields, 'featureset');
      const ids = requiredList(fields, 'entity_ids', ENTITIES_MAX);
      const entities = await readEntities(ids, featureset, catalog, request.context);
      const answer = await query.queryBatch(create(QueryBatchRequestSchema, { featureset, entities: entities.map(({ key }) => key), ...readOptions(fields) }), request.context);
      if (answer.rows.length !== entities.length) throw new Error(`${answer.rows.length} rows answer ${entities.length} entities`);
      return shaped(request, answer, featureset, entities, catalog);
    },
  };
}

async function readEntities(ids: readonly unknown[], featureset: string, catalog: Catalog, context: CallContext): Promise<readonly AskedEntity[]> {
  let fields: Promise<readonly string[]> | undefined;
  const keyFields = () => (fields ??= catalog.entityFields(featureset, context));
  const entities: AskedEntity[] = [];
  for (const [i, id] of ids.entries()) entities.push(await entityFromJson(id, `entity_ids[${i}]`, keyFields));
  return entities;
}

async function shaped(request: RestRequest, answer: QueryBatchResponse, featureset: string, entities: readonly AskedEntity[], catalog: Catalog): Promise<RestResponse> {
  const headers = runHeaders(answer.queryRunId);
  if (preferredType(request.accept, [JSON_TYPE, ARROW_TYPE]) === JSON_TYPE) return jsonResponse(jsonText(answer, entities), headers);
  const columns = await catalog.featureColumns(featureset, answer.features, request.context);
  const encoder = new ArrowStreamEncoder([{ name: 'entity_id', type: { kind: 'string', optional: false } }, ...columns]);
  return { status: 200, headers: { 'content-type': ARROW_TYPE, ...headers }, body: arrowBody(encoder, answer, entities) };
}

function jsonText(answer: QueryBatchResponse, entities: readonly AskedEntity[]): string {
  const values: JsonTree = answer.rows.map((row, i) => [entities[i]?.echo ?? null, ...row.values.map(valueToJson)]);
  return encodeJson({
    features: ['entity_id', ...answer.features],
    values,
    as_of: timeText(answer.asOfUs),
    freshness: freshnessJson(answer.freshness),
  });
}

async function* arrowBody(encoder: ArrowStreamEncoder, { rows }: QueryBatchResponse, entities: readonly AskedEntity[]): AsyncIterable<Uint8Array> {
  yield encoder.start();
  for (let start = 0; start < rows.length; start += RECORD_BATCH_ROWS) {
    const chunk = rows.slice(start, start + RECORD_BATCH_ROWS);
    yield encoder.batch(chunk.map((row, i): ArrowRow => [textValue(entities[start + i]), ...row.values]));
  }
  yield encoder.end();
}

function textValue(entity: AskedEntity | undefined): ArrowRow[number] {
  return entity === undefined ? undefined : jsonToValue(entityText(entity), 'entity_id');
}

const BODY_SCHEMA: JsonSchema = {
  type: 'object',
  required: ['featureset', 'entity_ids'],
  properties: { featureset: { type: 'string' }, entity_ids: { type: 'array', maxItems: ENTITIES_MAX, items: ENTITY_SCHEMA }, timestamp: TIME_SCHEMA, known_at: TIME_SCHEMA, after: { type: 'string' } },
};

const ANSWER_SCHEMA: JsonSchema = answerSchema({
  features: { type: 'array', items: { type: 'string' }, description: '`entity_id`, then the names of the features.' },
  values: { type: 'array', items: { type: 'array', items: {} }, description: 'A row for each entity, in order.' },
  as_of: TIME_TEXT_SCHEMA,
  freshness: FRESHNESS_SCHEMA,
});
