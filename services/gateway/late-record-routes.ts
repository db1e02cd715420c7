import { create } from '@bufbuild/protobuf';
import { ListLateRecordsRequestSchema, type LateRecord } from '../../gen/thyme/v1/ingest_pb.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import { answerSchema, JSON_TYPE, jsonResponse, type RestRequest, type RestResponse, type Route } from '../../libs/rest/route.js';
import { fieldsToJson } from '../../libs/rest/value-json.js';
import type { Catalog } from './catalog.js';
import { entityFromQuery } from './entity-keys.js';
import type { GatewayServices } from './gateway-services.js';
import { READ_PARAMETERS, TIME_TEXT_SCHEMA, timeText } from './read-shapes.js';
import { limitOf, optionalTimestampUs, requiredText } from './request-fields.js';

const LATE_DEFAULT = 20;
const LATE_MAX = 100;
/** Each reads a stretch of the log. */
const CALLS_MAX = 4;

/** GET /api/v1/late-records: what was left out for its lateness, with its content: for admins alone. */
export function lateRecordRoute({ ingest }: GatewayServices, catalog: Catalog): Route {
  async function handle({ query, context }: RestRequest): Promise<RestResponse> {
    const dataset = requiredText(query, 'dataset');
    const isOfOne = [...query.keys()].some((name) => name === 'entity_id' || name.startsWith('entity.'));
    const entity = isOfOne ? await entityFromQuery(query, () => catalog.datasetKeys(dataset, context)) : undefined;
    const [fromUs, toUs] = [optionalTimestampUs(query, 'from'), optionalTimestampUs(query, 'to')];
    const request = create(ListLateRecordsRequestSchema, {
      dataset,
      limit: limitOf(query, { fallback: LATE_DEFAULT, max: LATE_MAX }),
      ...(entity === undefined ? {} : { entity: entity.key }),
      ...(fromUs === undefined ? {} : { fromUs }),
      ...(toUs === undefined ? {} : { toUs }),
    });
    const { lateRecords, found, judged, unjudged, forgotten } = await ingest.listLateRecords(request, context);
    return jsonResponse(encodeJson({ late_records: lateRecords.map(recordJson), found, judged, unjudged, forgotten }));
  }
  return {
    method: 'GET',
    path: '/api/v1/late-records',
    scope: 'admin',
    summary:
      'Records of a dataset that came too late (S10) and are in no aggregation, newest first, by the maxLateness in force now. ' +
      'The log is judged from its beginning, a stretch a call: while unjudged is not 0, ask again.',
    parameters: [
      { name: 'dataset', description: 'The dataset, or `Order@1` for an older version of it.', required: true },
      ...READ_PARAMETERS.filter(({ name }) => name === 'entity_id' || name === 'entity'),
      { name: 'from', description: 'By event time, this instant included. Absent: from the beginning.' },
      { name: 'to', description: 'By event time, this instant included. Absent: to the end.' },
      {
        name: 'limit',
        description: 'At most so many; more than the maximum counts as that.',
        schema: { type: 'integer', minimum: 1, maximum: LATE_MAX, default: LATE_DEFAULT },
      },
    ],
    answers: { [JSON_TYPE]: ANSWER_SCHEMA },
    callsMax: CALLS_MAX,
    handle,
  };
}

const COUNT = { type: 'integer', minimum: 0 };

const ANSWER_SCHEMA = answerSchema({
  late_records: {
    type: 'array',
    items: answerSchema({
      event_time: TIME_TEXT_SCHEMA,
      known_at: { ...TIME_TEXT_SCHEMA, description: 'When the log took it in.' },
      watermark: { ...TIME_TEXT_SCHEMA, description: 'What its lane had reached before it.' },
      max_lateness_seconds: { type: 'number', description: 'How far behind that a record may be.' },
      lane: { type: 'string', description: '`push`, or the partition, shard or file of a source.' },
      reason: { type: 'string' },
      values: { type: 'object', description: 'Its fields.', additionalProperties: true },
    }),
  },
  found: {
    ...COUNT,
    description: 'How many are asked for, of those that are remembered; more than are listed where they are over the limit.',
  },
  judged: { ...COUNT, description: 'Records of the dataset that were judged.' },
  unjudged: { ...COUNT, description: 'Records that are still to be judged: ask again.' },
  forgotten: {
    ...COUNT,
    description: 'Late records of the dataset that are older than those that are remembered: these are counted only.',
  },
});

function recordJson({ eventTimeUs, appendedUs, watermarkUs, maxLatenessUs, lane, reason, values }: LateRecord): JsonTree {
  return {
    event_time: timeText(eventTimeUs),
    known_at: timeText(appendedUs),
    watermark: timeText(watermarkUs),
    max_lateness_seconds: Number(maxLatenessUs) / 1e6,
    lane,
    reason,
    values: fieldsToJson(values),
  };
}
