import type { Freshness } from '../../gen/thyme/v1/query_pb.js';
import { answerSchema, type JsonSchema, type RouteParameter } from '../../libs/rest/route.js';
import { QUERY_RUN_HEADER } from '../../libs/rest/problem.js';
import type { JsonTree } from '../../libs/rest/json-text.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';

export function timeText(us: bigint): string {
  return formatTimestamp(Number(us)); // from our own services, within the range of S1
}

export function freshnessJson(freshness: Freshness | undefined): JsonTree {
  return { watermark: freshness?.watermarkUs === undefined ? null : timeText(freshness.watermarkUs), lag_us: freshness?.lagUs ?? null };
}

/** W1 */
export function runHeaders(queryRunId: string): Readonly<Record<string, string>> {
  return { [QUERY_RUN_HEADER]: queryRunId };
}

export const READ_PARAMETERS: readonly RouteParameter[] = [
  { name: 'entity_id', description: 'The entity, where its key is one field.' },
  { name: 'entity', description: 'Instead: `entity.<field>=value` for each field of the key.', isFamily: true },
  { name: 'timestamp', description: 'As of when: RFC 3339, a date, or epoch seconds. Absent: now.' },
  { name: 'known_at', description: 'What was known by then (S22). Absent: everything known.' },
  { name: 'after', description: 'The token of a push, whose events the answer must include.' },
];

export const ENTITY_SCHEMA: JsonSchema = {
  description: 'The key as text, a number or a bool, or an object of its fields.',
  anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }, { type: 'object', additionalProperties: true }],
};
export const INPUTS_SCHEMA: JsonSchema = { type: 'object', description: 'Request-time inputs by name.', additionalProperties: true };
export const TIME_SCHEMA: JsonSchema = {
  description: 'RFC 3339, a date, or epoch seconds.',
  anyOf: [{ type: 'string' }, { type: 'number' }],
};

export const TIME_TEXT_SCHEMA: JsonSchema = { type: 'string', format: 'date-time' };

export const FRESHNESS_SCHEMA: JsonSchema = answerSchema({
  watermark: {
    type: ['string', 'null'],
    format: 'date-time',
    description: 'Up to when the state read holds events; null before the first.',
  },
  lag_us: { type: ['integer', 'null'], minimum: 0, description: 'How far the replica may lie behind, µs; null when it is cut off.' },
});

export const FEATURES_SCHEMA: JsonSchema = { type: 'object', description: 'By name.', additionalProperties: true };

export const READ_SCHEMA: JsonSchema = answerSchema({
  entity_type: { type: 'string' },
  entity_id: ENTITY_SCHEMA,
  features: { type: ['object', 'null'], description: 'By name; null where a lookup finds no row.', additionalProperties: true },
  mode: { enum: ['online', 'point_in_time'] },
  as_of: TIME_TEXT_SCHEMA,
  freshness: FRESHNESS_SCHEMA,
});

export const RUN_HEADERS = { [QUERY_RUN_HEADER]: 'The id of the query run, once there is one: GET /query-runs/{id}.' };
