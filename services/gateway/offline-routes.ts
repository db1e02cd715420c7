import { create } from '@bufbuild/protobuf';
import {
  QueryOfflineRequestSchema,
  type OfflineQuestion,
  type QueryOfflineRequest,
  type QueryOfflineResponse,
} from '../../gen/thyme/v1/query_pb.js';
import type { ListValue, Value } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { ARROW_TYPE, ArrowStreamEncoder } from '../../libs/rest/arrow.js';
import { preferredType } from '../../libs/rest/accept.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import {
  answerSchema,
  JSON_TYPE,
  NDJSON_TYPE,
  requestSchema,
  type JsonSchema,
  type RestRequest,
  type RestResponse,
  type Route,
} from '../../libs/rest/route.js';
import { valueToJson } from '../../libs/rest/value-json.js';
import type { CallContext } from '../../libs/rpc/handlers.js';
import type { Catalog } from './catalog.js';
import { entityFromJson, entityText, type AskedEntity } from './entity-keys.js';
import type { GatewayServices } from './gateway-services.js';
import { ROWS_PER_MESSAGE } from './offline-spread.js';
import { ENTITY_SCHEMA, FEATURES_SCHEMA, INPUTS_SCHEMA, RUN_HEADERS, runHeaders, TIME_SCHEMA } from './read-shapes.js';
import {
  bodyFields,
  inputsAt,
  jsonBody,
  optionalText,
  refuseUnknownMembers,
  requiredList,
  requiredText,
  timestampUs,
  type Fields,
} from './request-fields.js';

/** Pairs of one request; the published client sends 5,000 (REST, query_offline). */
const QUESTIONS_MAX = 100_000;
const TIMEOUT_MS = 600_000;

interface Asked {
  readonly entity: AskedEntity;
  /** As it was sent, to be repeated in the answer. */
  readonly timestamp: string | number;
  readonly question: OfflineQuestion;
}

/** POST /features/offline: a training set, streamed in the order asked. */
export function offlineRoute({ query }: GatewayServices, catalog: Catalog): Route {
  return {
    method: 'POST',
    path: '/features/offline',
    scope: 'read',
    summary: 'Features of many (entity, instant) pairs: a training set.',
    body: jsonBody(BODY_SCHEMA, { mebibytesMax: 32, wayOut: 'send the queries in several requests; their answers can be joined' }),
    answers: { [JSON_TYPE]: ANSWER_SCHEMA, [NDJSON_TYPE]: ROW_SCHEMA, [ARROW_TYPE]: {} },
    answerHeaders: RUN_HEADERS,
    timeoutMs: TIMEOUT_MS,
    callsMax: 64,
    async handle(request) {
      const fields = bodyFields(request, BODY_SCHEMA);
      const featureset = requiredText(fields, 'featureset');
      const asked = await readQuestions(fields, featureset, catalog, request.context);
      const answers = query.queryOffline(messages(featureset, fields, asked), request.context)[Symbol.asyncIterator]();
      // By the first message every row is judged, before anything is sent: a refusal can still be a status, and W1.
      const first = await answers.next();
      if (first.done === true) throw new Error('an offline query gave no answer at all');
      return shaped(request, { featureset, asked, first: first.value, rest: answers }, catalog);
    },
  };
}

interface Answering {
  readonly featureset: string;
  readonly asked: readonly Asked[];
  readonly first: QueryOfflineResponse;
  readonly rest: AsyncIterator<QueryOfflineResponse>;
}

async function shaped(request: RestRequest, answering: Answering, catalog: Catalog): Promise<RestResponse> {
  const { queryRunId, features } = answering.first;
  const type = preferredType(request.accept, [JSON_TYPE, ARROW_TYPE, NDJSON_TYPE]);
  const response = (body: RestResponse['body']): RestResponse => ({
    status: 200,
    headers: { 'content-type': type, ...runHeaders(queryRunId) },
    body,
  });
  if (type === JSON_TYPE) return response(resultsBody(answering));
  if (type === NDJSON_TYPE) return response(ndjsonBody(answering));
  const columns = await catalog.featureColumns(answering.featureset, features, request.context);
  const text = { kind: 'string', optional: false } as const;
  const instant = { kind: 'timestamp', optional: false } as const;
  return response(
    // The instant as one, however it was asked: so the frame can be joined by it with what the caller has.
    arrowBody(new ArrowStreamEncoder([{ name: 'entity_id', type: text }, { name: 'timestamp', type: instant }, ...columns]), answering),
  );
}

async function* resultsBody(answering: Answering): AsyncIterable<string> {
  yield '{"results":[';
  for await (const { rows, start } of chunks(answering)) {
    yield (start === 0 ? '' : ',') + rows.map((row, i) => encodeJson(resultJson(answering, row, start + i))).join(',');
  }
  yield ']}';
}

/** A row a line, and a last line by which a reader knows that nothing is missing. */
async function* ndjsonBody(answering: Answering): AsyncIterable<string> {
  for await (const { rows, start } of chunks(answering)) {
    yield rows.map((row, i) => `${encodeJson(resultJson(answering, row, start + i))}\n`).join('');
  }
  yield `${encodeJson({ end: true, rows: answering.asked.length })}\n`;
}

async function* arrowBody(encoder: ArrowStreamEncoder, answering: Answering): AsyncIterable<Uint8Array> {
  yield encoder.start();
  for await (const { rows, start } of chunks(answering)) {
    const asked = rows.map((_, i) => askedAt(answering, start + i));
    yield encoder.batch(
      rows.map(({ values }) => values),
      [
        asked.map(({ entity }) => valueOf({ case: 'stringValue', value: entityText(entity) })),
        asked.map(({ question }) => valueOf({ case: 'timestampUs', value: question.timestampUs })),
      ],
    );
  }
  yield encoder.end();
}

function valueOf(kind: Value['kind']): Value {
  return { $typeName: 'thyme.v1.Value', kind };
}

/** The messages that hold rows, each with the place of its first row. Fails unless every question is answered (W2). */
async function* chunks({ first, rest, asked }: Answering): AsyncIterable<{ readonly rows: readonly ListValue[]; readonly start: number }> {
  let start = 0;
  try {
    for (let next: IteratorResult<QueryOfflineResponse> = { done: false, value: first }; next.done !== true; next = await rest.next()) {
      const { rows } = next.value;
      if (rows.length > 0) yield { rows, start };
      start += rows.length;
    }
  } finally {
    await rest.return?.(); // for a client that leaves early: the query stops as well
  }
  if (start !== asked.length) throw new Error(`${start} rows answer ${asked.length} questions`);
}

function resultJson(answering: Answering, row: ListValue, index: number): JsonTree {
  const { entity, timestamp } = askedAt(answering, index);
  const features = new Map(answering.first.features.map((name, i) => [name, valueToJson(row.values[i])]));
  return { entity_id: entity.echo, timestamp, features };
}

function askedAt({ asked }: Answering, index: number): Asked {
  const found = asked[index];
  if (found === undefined) throw new Error(`more rows than the ${asked.length} questions`);
  return found;
}

async function readQuestions(fields: Fields, featureset: string, catalog: Catalog, context: CallContext): Promise<readonly Asked[]> {
  let names: Promise<readonly string[]> | undefined;
  const keyFields = () => (names ??= catalog.entityFields(featureset, context));
  const asked: Asked[] = [];
  for (const [i, query] of requiredList(fields, 'queries', QUESTIONS_MAX).entries()) {
    const place = `queries[${i}]`;
    const members = membersOf(query, place);
    // No promise for a row whose key is one value: there are a hundred thousand of them.
    const entity = entityFromJson(members.entity_id, `${place}.entity_id`, keyFields);
    asked.push(askedOf(entity instanceof Promise ? await entity : entity, members, place));
  }
  return asked;
}

interface Members {
  readonly entity_id?: unknown;
  readonly timestamp?: unknown;
  readonly inputs?: unknown;
}

const MEMBERS: readonly (keyof Members)[] = ['entity_id', 'timestamp', 'inputs'];

/** Parsed JSON has own members alone, and no prototype has one of these names. */
function membersOf(query: unknown, place: string): Members {
  if (typeof query !== 'object' || query === null || Array.isArray(query))
    throw invalidArgument(place, 'must be an object with entity_id and timestamp');
  const names = Object.keys(query);
  let known = 0;
  for (const name of MEMBERS) if (Object.hasOwn(query, name)) known++;
  if (known < names.length) refuseUnknownMembers(names, QUERY_SCHEMA, `${place}.`);
  return query;
}

/** Written out, as its values are. */
function askedOf(entity: AskedEntity, { timestamp, inputs }: Members, place: string): Asked {
  return {
    entity,
    timestamp: typeof timestamp === 'number' ? timestamp : String(timestamp),
    question: {
      $typeName: 'thyme.v1.OfflineQuestion',
      entity: entity.key,
      timestampUs: timestampUs(timestamp, `${place}.timestamp`),
      inputs: inputs === undefined ? {} : inputsAt(inputs, `${place}.inputs`),
    },
  };
}

async function* messages(featureset: string, fields: Fields, asked: readonly Asked[]): AsyncIterable<QueryOfflineRequest> {
  const knownAt = fields.get('known_at') ?? undefined;
  const head = {
    featureset,
    judgeFirst: true,
    queryRunId: optionalText(fields, 'query_run_id') ?? '',
    ...(knownAt === undefined
      ? {}
      : knownAt === 'timestamp'
        ? { knownAtTimestamp: true }
        : { knownAtUs: timestampUs(knownAt, 'known_at') }),
  };
  for (let start = 0; start === 0 || start < asked.length; start += ROWS_PER_MESSAGE) {
    const questions = asked.slice(start, start + ROWS_PER_MESSAGE).map(({ question }) => question);
    yield await Promise.resolve(create(QueryOfflineRequestSchema, start === 0 ? { ...head, questions } : { questions }));
  }
}

const QUERY_SCHEMA = requestSchema({ entity_id: ENTITY_SCHEMA, timestamp: TIME_SCHEMA, inputs: INPUTS_SCHEMA }, ['entity_id', 'timestamp']);

const BODY_SCHEMA = requestSchema(
  {
    featureset: { type: 'string' },
    queries: { type: 'array', maxItems: QUESTIONS_MAX, items: QUERY_SCHEMA },
    known_at: { ...TIME_SCHEMA, description: "An instant, or 'timestamp': each row then sees what was known at its own time." },
    query_run_id: {
      type: 'string',
      description:
        'X-Query-Run-Id of an earlier request of the same training set: both are then one query run. Where that is no longer kept, or somebody else, the answer has a new one.',
    },
  },
  ['featureset', 'queries'],
);

const ROW_SCHEMA: JsonSchema = answerSchema({ entity_id: ENTITY_SCHEMA, timestamp: TIME_SCHEMA, features: FEATURES_SCHEMA });
const ANSWER_SCHEMA: JsonSchema = answerSchema({ results: { type: 'array', items: ROW_SCHEMA } });
