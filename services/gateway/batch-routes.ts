import type { QueryBatchStreamResponse } from '../../gen/thyme/v1/query_pb.js';
import type { ListValue } from '../../gen/thyme/v1/values_pb.js';
import { ARROW_TYPE, ArrowStreamEncoder, type ArrowRow } from '../../libs/rest/arrow.js';
import { preferredType } from '../../libs/rest/accept.js';
import { encodeJson } from '../../libs/rest/json-text.js';
import {
  answerSchema,
  JSON_TYPE,
  jsonResponse,
  type JsonSchema,
  type RestRequest,
  type RestResponse,
  type Route,
} from '../../libs/rest/route.js';
import { jsonToValue, valueToJson } from '../../libs/rest/value-json.js';
import { BATCH_BODY_SCHEMA, readBatch, type AskedBatch } from './batch-request.js';
import type { Catalog } from './catalog.js';
import { entityText, type AskedEntity } from './entity-keys.js';
import type { GatewayServices } from './gateway-services.js';
import { FRESHNESS_SCHEMA, freshnessJson, RUN_HEADERS, runHeaders, TIME_TEXT_SCHEMA, timeText } from './read-shapes.js';
import { jsonBody } from './request-fields.js';

const TIMEOUT_MS = 120_000;

/** POST /features/batch: many entities at one instant, a row for each, in their order. */
export function batchRoute({ query }: GatewayServices, catalog: Catalog): Route {
  return {
    method: 'POST',
    path: '/features/batch',
    scope: 'read',
    summary: 'Features of many entities at one instant.',
    body: jsonBody(BATCH_BODY_SCHEMA, { mebibytesMax: 32, wayOut: 'send the entities in several requests' }),
    answers: { [JSON_TYPE]: ANSWER_SCHEMA, [ARROW_TYPE]: {} },
    answerHeaders: RUN_HEADERS,
    timeoutMs: TIMEOUT_MS,
    callsMax: 128,
    async handle(request) {
      const batch = await readBatch(request, catalog);
      const answers = query.queryBatchStream(batch.messages(), request.context)[Symbol.asyncIterator]();
      // By the first message every row is judged: a refusal can still be a status, and W1.
      const first = await answers.next();
      if (first.done === true) throw new Error('a batch gave no answer at all');
      return shaped(request, { batch, first: first.value, rest: answers }, catalog);
    },
  };
}

interface Answering {
  readonly batch: AskedBatch;
  readonly first: QueryBatchStreamResponse;
  readonly rest: AsyncIterator<QueryBatchStreamResponse>;
}

async function shaped(request: RestRequest, answering: Answering, catalog: Catalog): Promise<RestResponse> {
  const { batch, first } = answering;
  const headers = runHeaders(first.queryRunId);
  if (preferredType(request.accept, [JSON_TYPE, ARROW_TYPE]) === JSON_TYPE) {
    // The last message has the freshness: most answers are one message, and go out in one piece.
    if (first.freshness !== undefined) return jsonResponse(await textOf(jsonBodyOf(answering)), headers);
    return { status: 200, headers: { 'content-type': JSON_TYPE, ...headers }, body: jsonBodyOf(answering) };
  }
  const columns = await catalog.featureColumns(batch.featureset, first.features, request.context);
  const encoder = new ArrowStreamEncoder([{ name: 'entity_id', type: { kind: 'string', optional: false } }, ...columns]);
  return { status: 200, headers: { 'content-type': ARROW_TYPE, ...headers }, body: arrowBody(encoder, answering) };
}

async function* jsonBodyOf(answering: Answering): AsyncIterable<string> {
  const { first } = answering;
  let { freshness } = first;
  yield `{"features":${encodeJson(['entity_id', ...first.features])},"values":[`;
  let comma = '';
  for await (const { rows, entities, message } of chunks(answering)) {
    ({ freshness } = message);
    if (rows.length === 0) continue;
    yield comma + rows.map((row, i) => encodeJson([entities[i]?.echo ?? null, ...row.values.map(valueToJson)])).join(',');
    comma = ',';
  }
  yield `],"as_of":${encodeJson(timeText(first.asOfUs))},"freshness":${encodeJson(freshnessJson(freshness))}}`;
}

async function* arrowBody(encoder: ArrowStreamEncoder, answering: Answering): AsyncIterable<Uint8Array> {
  yield encoder.start();
  for await (const { rows, entities } of chunks(answering)) {
    if (rows.length === 0) continue;
    yield encoder.batch(rows.map((row, i): ArrowRow => [textValue(entities[i]), ...row.values]));
  }
  yield encoder.end();
}

interface Chunk {
  readonly message: QueryBatchStreamResponse;
  readonly rows: readonly ListValue[];
  readonly entities: readonly AskedEntity[];
}

/** The messages, each with the entities of its rows. Fails unless every entity is answered (W2). */
async function* chunks({ batch, first, rest }: Answering): AsyncIterable<Chunk> {
  const { entities } = batch;
  let start = 0;
  try {
    for (let next: IteratorResult<QueryBatchStreamResponse> = { done: false, value: first }; next.done !== true; next = await rest.next()) {
      const { rows } = next.value;
      yield { message: next.value, rows, entities: entities.slice(start, start + rows.length) };
      start += rows.length;
    }
  } finally {
    await rest.return?.(); // for a client that leaves early: the query stops as well
  }
  if (start !== entities.length) throw new Error(`${start} rows answer ${entities.length} entities`);
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

function textValue(entity: AskedEntity | undefined): ArrowRow[number] {
  return entity === undefined ? undefined : jsonToValue(entityText(entity), 'entity_id');
}

const ANSWER_SCHEMA: JsonSchema = answerSchema({
  features: { type: 'array', items: { type: 'string' }, description: '`entity_id`, then the names of the features.' },
  values: { type: 'array', items: { type: 'array', items: {} }, description: 'A row for each entity, in order.' },
  as_of: TIME_TEXT_SCHEMA,
  freshness: FRESHNESS_SCHEMA,
});
