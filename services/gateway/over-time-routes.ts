import { create } from '@bufbuild/protobuf';
import { LookupOverTimeRequestSchema } from '../../gen/thyme/v1/query_pb.js';
import { encodeJson } from '../../libs/rest/json-text.js';
import {
  answerSchema,
  JSON_TYPE,
  jsonResponse,
  requestSchema,
  type RestRequest,
  type RestResponse,
  type Route,
} from '../../libs/rest/route.js';
import { fieldsToJson } from '../../libs/rest/value-json.js';
import type { Catalog } from './catalog.js';
import { entityFromJson } from './entity-keys.js';
import type { GatewayServices } from './gateway-services.js';
import { ENTITY_SCHEMA, FRESHNESS_SCHEMA, freshnessJson, RUN_HEADERS, runHeaders, TIME_SCHEMA } from './read-shapes.js';
import { bodyFields, jsonBody, optionalTimestampUs, requiredList, requiredText, timestampUs } from './request-fields.js';

/** As many as the query service reads in one turn. */
const INSTANTS_MAX = 256;
const CALLS_MAX = 128;

/** POST /features/over-time: an entity's rows of a dataset at many instants, to be drawn or compared with another version's. */
export function overTimeRoute({ query }: GatewayServices, catalog: Catalog): Route {
  async function handle(request: RestRequest): Promise<RestResponse> {
    const fields = bodyFields(request, BODY_SCHEMA);
    const dataset = requiredText(fields, 'entity_type');
    const entity = await entityFromJson(fields.get('entity_id'), 'entity_id', () => catalog.datasetKeys(dataset, request.context));
    const timestamps = requiredList(fields, 'timestamps', INSTANTS_MAX);
    const timestampsUs = timestamps.map((timestamp, i) => timestampUs(timestamp, `timestamps[${i}]`));
    const knownAtUs = optionalTimestampUs(fields, 'known_at');
    const asked = { dataset, entity: entity.key, timestampsUs, ...(knownAtUs === undefined ? {} : { knownAtUs }) };
    const { queryRunId, rows, freshness } = await query.lookupOverTime(create(LookupOverTimeRequestSchema, asked), request.context);
    const results = timestamps.map((timestamp, i) => ({
      timestamp: typeof timestamp === 'number' ? timestamp : String(timestamp),
      features: rows[i]?.row === undefined ? null : fieldsToJson(rows[i].row.fields),
    }));
    const body = { entity_type: dataset, entity_id: entity.echo, results, freshness: freshnessJson(freshness) };
    return jsonResponse(encodeJson(body), runHeaders(queryRunId));
  }
  return {
    method: 'POST',
    path: '/features/over-time',
    scope: 'read',
    summary: 'Rows of one entity in a dataset as of many instants, of one state; also of a version beside which a newer one has come.',
    body: jsonBody(BODY_SCHEMA, { mebibytesMax: 1, wayOut: 'send the instants in several requests' }),
    answers: { [JSON_TYPE]: ANSWER_SCHEMA },
    answerHeaders: RUN_HEADERS,
    callsMax: CALLS_MAX,
    handle,
  };
}

const BODY_SCHEMA = requestSchema(
  {
    entity_type: { type: 'string', description: 'The dataset, or `Order@1` while that version can be asked beside a newer one (S19a).' },
    entity_id: ENTITY_SCHEMA,
    timestamps: { type: 'array', maxItems: INSTANTS_MAX, items: TIME_SCHEMA },
    known_at: { ...TIME_SCHEMA, description: 'What was known by then (S22). Absent: everything known.' },
  },
  ['entity_type', 'entity_id', 'timestamps'],
);

const ANSWER_SCHEMA = answerSchema({
  entity_type: { type: 'string' },
  entity_id: ENTITY_SCHEMA,
  results: {
    type: 'array',
    description: 'In the order of the instants.',
    items: answerSchema({
      timestamp: TIME_SCHEMA,
      features: { type: ['object', 'null'], description: 'By name; null where there was no row.', additionalProperties: true },
    }),
  },
  freshness: FRESHNESS_SCHEMA,
});
