import type { Freshness } from '../../gen/thyme/v1/query_pb.js';
import type { JsonSchema, RouteParameter } from '../../libs/rest/route.js';
import type { JsonTree } from '../../libs/rest/json-text.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';

export function timeText(us: bigint): string {
  return formatTimestamp(Number(us)); // from our own services, within the range of S1
}

export function freshnessJson(freshness: Freshness | undefined): JsonTree {
  return {
    watermark: freshness?.watermarkUs === undefined ? null : timeText(freshness.watermarkUs),
    lag_us: freshness?.lagUs ?? null,
  };
}

/** W1 */
export function runHeaders(queryRunId: string): Readonly<Record<string, string>> {
  return { 'x-query-run-id': queryRunId };
}

export const READ_PARAMETERS: readonly RouteParameter[] = [
  { name: 'entity_id', description: 'The entity. A composite key is `entity.<field>=value` for each field instead.' },
  { name: 'timestamp', description: 'As of when: RFC 3339, a date, or epoch seconds. Absent: now.' },
  { name: 'known_at', description: 'What was known by then (S22). Absent: everything known.' },
  { name: 'after', description: 'The token of a push, whose events the answer must include.' },
];

export const ENTITY_SCHEMA: JsonSchema = { description: 'The key as text or a number, or an object of its fields.', anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'object' }] };
export const TIME_SCHEMA: JsonSchema = { description: 'RFC 3339, a date, or epoch seconds.', anyOf: [{ type: 'string' }, { type: 'number' }] };

export const FRESHNESS_SCHEMA: JsonSchema = {
  type: 'object',
  properties: { watermark: { type: ['string', 'null'], format: 'date-time' }, lag_us: { type: ['integer', 'null'], description: 'How far the replica may lie behind, µs; null when it is cut off.' } },
};

export const READ_SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    entity_type: { type: 'string' },
    entity_id: ENTITY_SCHEMA,
    features: { type: ['object', 'null'] },
    mode: { enum: ['online', 'point_in_time'] },
    as_of: { type: 'string', format: 'date-time' },
    freshness: FRESHNESS_SCHEMA,
  },
};
