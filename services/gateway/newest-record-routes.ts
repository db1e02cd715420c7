import { create } from '@bufbuild/protobuf';
import { ListNewestRecordsRequestSchema, type NewestRecord } from '../../gen/thyme/v1/ingest_pb.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import { answerSchema, JSON_TYPE, jsonResponse, type RestRequest, type RestResponse, type Route } from '../../libs/rest/route.js';
import { fieldsToJson } from '../../libs/rest/value-json.js';
import type { GatewayServices } from './gateway-services.js';
import { TIME_TEXT_SCHEMA, timeText } from './read-shapes.js';
import { limitOf, requiredText } from './request-fields.js';

const RECORDS_DEFAULT = 20;
const RECORDS_MAX = 100;
const CALLS_MAX = 16;

/** GET /api/v1/newest-records: what came in last, with its content: for admins alone, as it is of entities that nobody named. */
export function newestRecordRoute({ ingest }: GatewayServices): Route {
  async function handle({ query, context }: RestRequest): Promise<RestResponse> {
    const request = create(ListNewestRecordsRequestSchema, {
      dataset: requiredText(query, 'dataset'),
      limit: limitOf(query, { fallback: RECORDS_DEFAULT, max: RECORDS_MAX }),
    });
    const { records } = await ingest.listNewestRecords(request, context);
    return jsonResponse(encodeJson({ records: records.map(recordJson) }));
  }
  return {
    method: 'GET',
    path: '/api/v1/newest-records',
    scope: 'admin',
    summary: 'The newest records of a dataset that is pushed to, that a source fills, or that is published, by when the log took them in.',
    parameters: [
      { name: 'dataset', description: 'The dataset, or `Order@1` for an older version of it.', required: true },
      {
        name: 'limit',
        description: 'At most so many; more than the maximum counts as that.',
        schema: { type: 'integer', minimum: 1, maximum: RECORDS_MAX, default: RECORDS_DEFAULT },
      },
    ],
    answers: { [JSON_TYPE]: ANSWER_SCHEMA },
    callsMax: CALLS_MAX,
    handle,
  };
}

const ANSWER_SCHEMA = answerSchema({
  records: {
    type: 'array',
    items: answerSchema({
      event_time: TIME_TEXT_SCHEMA,
      known_at: { ...TIME_TEXT_SCHEMA, description: 'When the log took it in.' },
      lane: { type: 'string', description: '`push`, or the partition, shard or file of a source.' },
      deleted: { type: 'boolean', description: 'Whether it says that its row was deleted (S17).' },
      values: { type: 'object', description: 'Its fields.', additionalProperties: true },
    }),
  },
});

function recordJson({ eventTimeUs, appendedUs, lane, deleted, values }: NewestRecord): JsonTree {
  return { event_time: timeText(eventTimeUs), known_at: timeText(appendedUs), lane, deleted, values: fieldsToJson(values) };
}
