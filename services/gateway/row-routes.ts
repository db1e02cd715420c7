import { create } from '@bufbuild/protobuf';
import { ListRowsRequest_Which, ListRowsRequestSchema, type ListRowsResponse, type WindowRow } from '../../gen/thyme/v1/query_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import { answerSchema, JSON_TYPE, jsonResponse, type RestRequest, type RestResponse, type Route } from '../../libs/rest/route.js';
import { fieldsToJson, valueToJson } from '../../libs/rest/value-json.js';
import { parseDurationUs } from '../../libs/time/duration.js';
import type { Catalog } from './catalog.js';
import { entityFromQuery } from './entity-keys.js';
import type { GatewayServices } from './gateway-services.js';
import {
  ENTITY_SCHEMA,
  FRESHNESS_SCHEMA,
  freshnessJson,
  READ_PARAMETERS,
  RUN_HEADERS,
  runHeaders,
  TIME_TEXT_SCHEMA,
  timeText,
} from './read-shapes.js';
import { limitOf, readOptions, requiredText } from './request-fields.js';

const ROWS_DEFAULT = 50;
const ROWS_MAX = 200;
/** Each may read a megabyte of rows. */
const CALLS_MAX = 128;

const WHICH: ReadonlyMap<string, ListRowsRequest_Which> = new Map([
  ['counted', ListRowsRequest_Which.COUNTED],
  ['ended', ListRowsRequest_Which.ENDED],
  ['later', ListRowsRequest_Which.LATER],
]);

/** GET /features/rows: why a value is what it is. */
export function rowRoute({ query }: GatewayServices, catalog: Catalog): Route {
  async function handle({ query: parameters, context }: RestRequest): Promise<RestResponse> {
    const dataset = requiredText(parameters, 'entity_type');
    const field = parameters.get('field') ?? '';
    const windowUs = windowAt(parameters);
    const entity = await entityFromQuery(parameters, () => catalog.datasetKeys(dataset, context));
    const request = create(ListRowsRequestSchema, {
      dataset,
      field,
      entity: entity.key,
      ...readOptions(parameters),
      which: whichAt(parameters),
      ...(windowUs === undefined ? {} : { windowUs }),
      limit: limitOf(parameters, { fallback: ROWS_DEFAULT, max: ROWS_MAX }),
      cursor: parameters.get('cursor') ?? '',
    });
    const answer = await query.listRows(request, context);
    const names = { entity_type: dataset, entity_id: entity.echo, field: field === '' ? null : field };
    return jsonResponse(encodeJson({ ...names, ...answerJson(answer) }), runHeaders(answer.queryRunId));
  }
  return {
    method: 'GET',
    path: '/features/rows',
    scope: 'read',
    summary:
      'The rows that the value of a field is made of, at an instant, newest first; of a dataset that no pipeline fills, its rows. A page may be short, or empty, before the last: next_cursor leads on.',
    parameters: [
      { name: 'entity_type', description: 'The dataset.', required: true },
      { name: 'field', description: 'Of a dataset that a pipeline fills: which aggregation.' },
      ...READ_PARAMETERS,
      {
        name: 'which',
        description:
          'counted: those that the value is made of; ended: those of the window that were taken back by then (S17), the latest first; later: those that count, and were not known at known_at yet (S22).',
        schema: { enum: [...WHICH.keys()], default: 'counted' },
      },
      { name: 'window', description: 'Of a dataset that no pipeline fills: how far back, such as 1h. Absent: everything.' },
      {
        name: 'limit',
        description: 'At most so many; more than the maximum counts as that.',
        schema: { type: 'integer', minimum: 1, maximum: ROWS_MAX, default: ROWS_DEFAULT },
      },
      { name: 'cursor', description: 'next_cursor of the page before; it goes on as of the same instant.' },
    ],
    answers: { [JSON_TYPE]: ANSWER_SCHEMA },
    answerHeaders: RUN_HEADERS,
    callsMax: CALLS_MAX,
    handle,
  };
}

const ANSWER_SCHEMA = answerSchema({
  entity_type: { type: 'string' },
  entity_id: ENTITY_SCHEMA,
  field: { type: ['string', 'null'] },
  as_of: TIME_TEXT_SCHEMA,
  window_seconds: { type: ['number', 'null'], description: 'How far back the window goes; null for everything.' },
  value: { description: "The field's value, of the same state as the rows; null without a field." },
  count: {
    type: 'integer',
    minimum: 0,
    description: 'How many rows count, those of history that was trimmed (S20), which are not listed, among them.',
  },
  rows: {
    type: 'array',
    items: answerSchema({
      event_time: TIME_TEXT_SCHEMA,
      known_at: { ...TIME_TEXT_SCHEMA, description: 'When it was taken in; its event time for history.' },
      counts_from: { type: ['string', 'null'], format: 'date-time', description: 'Where that is not its event time (S17).' },
      ended_at: { type: ['string', 'null'], format: 'date-time', description: 'From when on it counts no more.' },
      ended_known_at: { type: ['string', 'null'], format: 'date-time' },
      values: {
        type: 'object',
        description: 'What is read of it, by field; empty where rows are only counted.',
        additionalProperties: true,
      },
    }),
  },
  next_cursor: { type: ['string', 'null'] },
  freshness: FRESHNESS_SCHEMA,
});

function answerJson({ asOfUs, windowUs, value, count, rows, nextCursor, freshness }: ListRowsResponse) {
  return {
    as_of: timeText(asOfUs),
    window_seconds: windowUs === undefined ? null : Number(windowUs) / 1e6,
    value: value === undefined ? null : valueToJson(value),
    count,
    rows: rows.map(rowJson),
    next_cursor: nextCursor === '' ? null : nextCursor,
    freshness: freshnessJson(freshness),
  };
}

function rowJson({ eventTimeUs, knownUs, startUs, endUs, endKnownUs, values }: WindowRow): JsonTree {
  return {
    event_time: timeText(eventTimeUs),
    known_at: timeText(knownUs),
    counts_from: startUs === undefined ? null : timeText(startUs),
    ended_at: endUs === undefined ? null : timeText(endUs),
    ended_known_at: endKnownUs === undefined ? null : timeText(endKnownUs),
    values: fieldsToJson(values),
  };
}

function whichAt(parameters: ReadonlyMap<string, string>): ListRowsRequest_Which {
  const text = parameters.get('which');
  const which = text === undefined ? ListRowsRequest_Which.COUNTED : WHICH.get(text);
  if (which === undefined) throw invalidArgument('which', `'${text?.slice(0, 32) ?? ''}' is none of ${[...WHICH.keys()].join(', ')}`);
  return which;
}

function windowAt(parameters: ReadonlyMap<string, string>): bigint | undefined {
  const text = parameters.get('window');
  if (text === undefined) return undefined;
  try {
    return BigInt(parseDurationUs(text.slice(0, 32)));
  } catch (error) {
    throw invalidArgument('window', error instanceof Error ? error.message : 'is no duration');
  }
}
