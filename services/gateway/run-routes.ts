import { create } from '@bufbuild/protobuf';
import {
  GetQueryRunRequestSchema,
  ListQueryRunsRequestSchema,
  QueryRun_Kind,
  ReplayQueryRunRequestSchema,
  type QueryRun,
} from '../../gen/thyme/v1/query_pb.js';
import type { EntityKey } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument, notFound } from '../../libs/errors/errors.js';
import { encodeJson, JsonFloat, type JsonTree } from '../../libs/rest/json-text.js';
import {
  answerSchema,
  JSON_TYPE,
  jsonResponse,
  requestSchema,
  type JsonSchema,
  type RestRequest,
  type Route,
} from '../../libs/rest/route.js';
import { valueToJson } from '../../libs/rest/value-json.js';
import type { GatewayServices } from './gateway-services.js';
import { TIME_TEXT_SCHEMA, timeText } from './read-shapes.js';
import { bodyFields, limitOf } from './request-fields.js';

/** What the query service gives at a time. */
const RUNS_PER_PAGE_MAX = 500;

/** The audit of reads: what was asked, by whom, how it went; never values. */
export function runRoutes({ query }: GatewayServices): readonly Route[] {
  const idOf = ({ pathParameters }: RestRequest): string => pathParameters.get('id') ?? '';
  return [
    {
      method: 'GET',
      path: '/query-runs',
      scope: 'read',
      summary:
        'Query runs that were recorded, newest first. A filtered page may be short, or empty, before the last: next_cursor leads on.',
      parameters: [
        { name: 'featureset', description: 'Only runs of this featureset or dataset.' },
        {
          name: 'limit',
          description: 'At most so many; more than the maximum counts as that.',
          schema: { type: 'integer', minimum: 1, maximum: RUNS_PER_PAGE_MAX, default: 50 },
        },
        { name: 'cursor', description: 'next_cursor of the page before.' },
        { name: 'kind', description: 'Only runs of this kind.', schema: KIND_SCHEMA },
        { name: 'failed', description: 'true: only runs that failed; false: only those that were answered.', schema: { type: 'boolean' } },
        {
          name: 'min_latency_ms',
          description: 'Only runs that took at least so many milliseconds.',
          schema: { type: 'number', minimum: 0 },
        },
        { name: 'key', description: 'Only runs of this key: its fingerprint, as api_key_fingerprint tells it.' },
      ],
      answers: { [JSON_TYPE]: answerSchema({ runs: { type: 'array', items: RUN_SCHEMA }, next_cursor: { type: ['string', 'null'] } }) },
      async handle({ query: parameters, context }) {
        const failed = booleanAt(parameters, 'failed');
        const request = {
          kind: kindAt(parameters),
          ...(failed === undefined ? {} : { failed }),
          latencyMsMin: numberAt(parameters, 'min_latency_ms'),
          apiKeyFingerprint: parameters.get('key') ?? '',
          featureset: parameters.get('featureset') ?? '',
          cursor: parameters.get('cursor') ?? '',
          limit: limitOf(parameters, { fallback: 50, max: RUNS_PER_PAGE_MAX }),
        };
        const { runs, nextCursor } = await query.listQueryRuns(create(ListQueryRunsRequestSchema, request), context);
        return jsonResponse(encodeJson({ runs: runs.map(runJson), next_cursor: nextCursor === '' ? null : nextCursor }));
      },
    },
    {
      method: 'GET',
      path: '/query-runs/{id}',
      scope: 'read',
      summary: 'One query run.',
      answers: { [JSON_TYPE]: RUN_SCHEMA },
      async handle(request) {
        const { run } = await query.getQueryRun(create(GetQueryRunRequestSchema, { id: idOf(request) }), request.context);
        if (run === undefined) throw notFound('query run', idOf(request), []);
        return jsonResponse(encodeJson(runJson(run)));
      },
    },
    {
      method: 'POST',
      path: '/query-runs/{id}/replay',
      scope: 'read',
      summary: 'Runs a query run again, as of the instant that it asked for, and records nothing.',
      // The UI posts an empty object, or nothing.
      body: { bytesMax: 1_024, wayOut: 'a replay takes no input', types: [JSON_TYPE], schema: REPLAY_SCHEMA },
      answers: { [JSON_TYPE]: answerSchema({ kind: KIND_SCHEMA, result: RESULT_SCHEMA }) },
      async handle(request) {
        if (request.body.length > 0) bodyFields(request, REPLAY_SCHEMA);
        const { kind, features, rows, asOfUs } = await query.replayQueryRun(
          create(ReplayQueryRunRequestSchema, { id: idOf(request) }),
          request.context,
        );
        const result = { features, values: rows.map((row) => row.values.map(valueToJson)), as_of: timeText(asOfUs) };
        return jsonResponse(encodeJson({ kind: kindText(kind), result }));
      },
    },
  ];
}

const REPLAY_SCHEMA = requestSchema({});
const KIND_SCHEMA: JsonSchema = { enum: ['online', 'batch', 'offline', 'lookup'] };
const RESULT_SCHEMA: JsonSchema = answerSchema({
  features: { type: 'array', items: { type: 'string' } },
  values: { type: 'array', items: { type: 'array', items: {} } },
  as_of: TIME_TEXT_SCHEMA,
});
const RUN_SCHEMA: JsonSchema = answerSchema({
  id: { type: 'string' },
  featureset: { type: 'string', description: 'Or, of a lookup, the dataset.' },
  entity_ids: { type: 'array', description: 'A composite key is the list of its values.', items: {} },
  entity_count: { type: 'integer', minimum: 0, description: 'How many were asked for; entity_ids are the first of them, up to 100.' },
  requested_timestamp: { type: ['string', 'null'], format: 'date-time' },
  as_of: { type: ['string', 'null'], format: 'date-time', description: 'The instant that was answered for.' },
  known_at: { type: ['string', 'null'], format: 'date-time' },
  kind: KIND_SCHEMA,
  row_count: { type: 'integer', minimum: 0 },
  hit_count: { type: 'integer', minimum: 0 },
  latency_ms: { type: 'number', minimum: 0 },
  api_key_fingerprint: { type: ['string', 'null'] },
  error: { type: ['string', 'null'] },
  had_inputs: { type: 'boolean', description: 'Such a run cannot be replayed.' },
  created_at: TIME_TEXT_SCHEMA,
});

function runJson(run: QueryRun): JsonTree {
  return {
    id: run.id,
    featureset: run.featureset,
    entity_ids: run.entities.map(entityJson),
    entity_count: run.entityCount === 0n ? run.entities.length : run.entityCount, // an earlier query service does not say
    requested_timestamp: timeOrNull(run.requestedTimestampUs),
    as_of: timeOrNull(run.asOfUs),
    known_at: timeOrNull(run.knownAtUs),
    kind: kindText(run.kind),
    row_count: run.rowCount,
    hit_count: run.hitCount,
    latency_ms: new JsonFloat(run.latencyMs),
    api_key_fingerprint: textOrNull(run.apiKeyFingerprint),
    error: textOrNull(run.error),
    had_inputs: run.hadInputs,
    created_at: timeText(run.createdUs),
  };
}

/** A composite key as the list of its values: a run outlives the definition that names them. */
function entityJson({ values }: EntityKey): JsonTree {
  return values.length === 1 ? valueToJson(values[0]) : values.map(valueToJson);
}

function textOrNull(text: string): string | null {
  return text === '' ? null : text;
}

function timeOrNull(us: bigint | undefined): string | null {
  return us === undefined ? null : timeText(us);
}

const KINDS: ReadonlyMap<string, QueryRun_Kind> = new Map([
  ['online', QueryRun_Kind.ONLINE],
  ['batch', QueryRun_Kind.BATCH],
  ['offline', QueryRun_Kind.OFFLINE],
  ['lookup', QueryRun_Kind.LOOKUP],
]);

function kindAt(parameters: ReadonlyMap<string, string>): QueryRun_Kind {
  const text = parameters.get('kind');
  if (text === undefined) return QueryRun_Kind.UNSPECIFIED;
  const kind = KINDS.get(text);
  if (kind === undefined) throw invalidArgument('kind', `'${text.slice(0, 32)}' is none of ${[...KINDS.keys()].join(', ')}`);
  return kind;
}

function booleanAt(parameters: ReadonlyMap<string, string>, name: string): boolean | undefined {
  const text = parameters.get(name);
  if (text === undefined || text === 'true' || text === 'false') return text === undefined ? undefined : text === 'true';
  throw invalidArgument(name, `'${text.slice(0, 32)}' is neither true nor false`);
}

function numberAt(parameters: ReadonlyMap<string, string>, name: string): number {
  const text = parameters.get(name) ?? '0';
  if (/^\d{1,9}(\.\d{1,6})?$/.test(text)) return Number(text);
  throw invalidArgument(name, `'${text.slice(0, 32)}' is no number of milliseconds, such as 2.5`);
}

function kindText(kind: QueryRun_Kind): string {
  return QueryRun_Kind[kind]?.toLowerCase() ?? 'unspecified';
}
