import { create } from '@bufbuild/protobuf';
import {
  GetQueryRunResponseSchema, ListPartitionsResponseSchema, ListQueryRunsResponseSchema, LookupResponseSchema, QueryBatchResponseSchema, QueryOfflineResponseSchema,
  QueryRun_Kind, QueryRunSchema, ReplayQueryRunResponseSchema, type Freshness as FreshnessMessage,
  type FeatureValue, type GetQueryRunRequest, type GetQueryRunResponse, type ListPartitionsResponse, type ListQueryRunsRequest, type ListQueryRunsResponse, type LookupRequest, type LookupResponse,
  type QueryBatchRequest, type QueryBatchResponse, type QueryOfflineRequest, type QueryOfflineResponse, type QueryRequest, type QueryResponse,
  type QueryRun as QueryRunMessage, type ReplayQueryRunRequest, type ReplayQueryRunResponse,
} from '../../gen/thyme/v1/query_pb.js';
import type { EntityKey, ListValue } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import type { Field, Row } from '../../libs/schema/value-type.js';
import { int64IfAny, safeNumber, safeNumberIfAny } from '../../libs/wire/integers.js';
import { present, textIfAny } from '../../libs/wire/present.js';
import { plainEntries, plainFromProto } from '../../libs/wire/untyped-values.js';
import { valueToProto } from '../../libs/wire/values.js';
import type { Freshness, OfflineAnswer, OfflineInput, OfflineQuestion, QueryAnswer, QueryCaller, QueryTime } from './answers.js';
import type { QueryEngine } from './engine.js';
import type { QueryRun, RunKeyValue } from './query-run.js';
import type { QueryRuns } from './query-runs.js';
import { replayRun } from './replay-run.js';

export interface QueryHandlers {
  query(request: QueryRequest, caller: QueryCaller): Promise<QueryResponse>;
  queryBatch(request: QueryBatchRequest, caller: QueryCaller): Promise<QueryBatchResponse>;
  queryOffline(requests: AsyncIterable<QueryOfflineRequest>, caller: QueryCaller): AsyncGenerator<QueryOfflineResponse>;
  lookup(request: LookupRequest, caller: QueryCaller): Promise<LookupResponse>;
  listQueryRuns(request: ListQueryRunsRequest): Promise<ListQueryRunsResponse>;
  getQueryRun(request: GetQueryRunRequest): Promise<GetQueryRunResponse>;
  replayQueryRun(request: ReplayQueryRunRequest, caller: QueryCaller): Promise<ReplayQueryRunResponse>;
  listPartitions(): ListPartitionsResponse;
}

/** The RPCs of QueryService. */
export function queryHandlers(engine: QueryEngine, runs: QueryRuns): QueryHandlers {
  return {
    async query(request, caller) {
      const inputs = plainEntries(request.inputs, 'inputs.');
      const answer = await engine.query({ featureset: request.featureset, entity: entityOf(request.entity, 'entity'), inputs, ...timeOf(request) }, caller);
      return queryResponse(answer);
    },

    async queryBatch(request, caller) {
      const entities = request.entities.map((entity, i) => entityOf(entity, `entities[${i}]`));
      const answer = await engine.queryBatch({ featureset: request.featureset, entities, ...timeOf(request) }, caller);
      const { queryRunId, columns, rows, asOfUs, freshness } = answer;
      return create(QueryBatchResponseSchema, { queryRunId, features: namesOf(columns), rows: rows.map((row) => listOf(row, columns)), asOfUs: BigInt(asOfUs), freshness: freshnessOf(freshness) });
    },

    async *queryOffline(requests, caller) {
      const stream = requests[Symbol.asyncIterator]();
      const first = await stream.next();
      if (first.done === true) throw invalidArgument('featureset', 'the stream ended before its first message: name the featureset there');
      const answer = engine.queryOffline(offlineInputOf(first.value), questionsOf(first.value, stream), caller);
      yield* offlineResponses(answer);
    },

    async lookup(request, caller) {
      const answer = await engine.lookup({ dataset: request.dataset, entity: entityOf(request.entity, 'entity'), ...timeOf(request) }, caller);
      const { queryRunId, asOfUs, freshness, pointInTime } = answer;
      const row = answer.row === null ? undefined : { fields: structOf(answer.row, answer.columns) };
      return create(LookupResponseSchema, { queryRunId, asOfUs: BigInt(asOfUs), freshness: freshnessOf(freshness), pointInTime, ...present({ row }) });
    },

    async listQueryRuns({ featureset, limit, cursor }) {
      const page = await runs.list(present({ featureset: textIfAny(featureset), limit: limit === 0 ? undefined : limit, cursor: textIfAny(cursor) }));
      return create(ListQueryRunsResponseSchema, { runs: page.runs.map(runOf), nextCursor: page.nextCursor ?? '' });
    },

    getQueryRun: async ({ id }) => create(GetQueryRunResponseSchema, { run: runOf(await runs.get(id)) }),

    async replayQueryRun({ id }, caller) {
      const { kind, columns, rows, asOfUs } = await replayRun(engine, await runs.get(id), caller);
      return create(ReplayQueryRunResponseSchema, { kind: kindOf[kind], features: namesOf(columns), rows: rows.map((row) => listOf(row, columns)), asOfUs: BigInt(asOfUs) });
    },

    listPartitions: () => create(ListPartitionsResponseSchema, engine.partitions()),
  };
}

function timeOf({ timestampUs, knownAtUs, after }: Pick<QueryRequest, 'timestampUs' | 'knownAtUs' | 'after'>): QueryTime {
  return { timestampUs: safeNumberIfAny(timestampUs, 'timestamp_us'), knownAtUs: safeNumberIfAny(knownAtUs, 'known_at_us'), after: textIfAny(after) };
}

function entityOf(key: EntityKey | undefined, place: string): readonly unknown[] {
  if (key === undefined) throw invalidArgument(place, 'is missing: send its key');
  return key.values.map((value, i) => plainFromProto(value, `${place}.values[${i}]`));
}

function offlineInputOf({ featureset, knownAtUs, knownAtTimestamp }: QueryOfflineRequest): OfflineInput {
  if (knownAtTimestamp && knownAtUs !== undefined) throw invalidArgument('known_at_us', 'stands beside known_at_timestamp: send one of them');
  return { featureset, knownAt: knownAtTimestamp ? 'timestamp' : safeNumberIfAny(knownAtUs, 'known_at_us') };
}

async function* questionsOf(first: QueryOfflineRequest, rest: AsyncIterator<QueryOfflineRequest>): AsyncGenerator<readonly OfflineQuestion[]> {
  try {
    for (let message = first; ; ) {
      yield message.questions.map(({ entity, timestampUs }, i) => ({ entity: entityOf(entity, `questions[${i}].entity`), timestampUs: safeNumber(timestampUs, `questions[${i}].timestamp_us`) }));
      const next = await rest.next();
      if (next.done === true) return;
      message = next.value;
    }
  } finally {
    await rest.return?.(); // a caller who is refused is told so, not read on
  }
}

/** The first message carries the names, so there is one also where no row is asked. */
async function* offlineResponses({ queryRunId, columns, rows }: OfflineAnswer): AsyncGenerator<QueryOfflineResponse> {
  let head: { readonly queryRunId: string; readonly features: string[] } | undefined = { queryRunId, features: namesOf(columns) };
  for await (const chunk of rows) {
    yield create(QueryOfflineResponseSchema, { ...head, rows: chunk.map(({ row }) => listOf(row, columns)) });
    head = undefined;
  }
  if (head !== undefined) yield create(QueryOfflineResponseSchema, head);
}

function namesOf(columns: readonly Field[]): string[] {
  return columns.map(({ name }) => name);
}

function listOf(row: Row, columns: readonly Field[]): ListValue {
  return { $typeName: 'thyme.v1.ListValue', values: columns.map(({ type }, i) => valueToProto(row[i] ?? null, type)) };
}

function structOf(row: Row, columns: readonly Field[]) {
  return Object.fromEntries(columns.map(({ name, type }, i) => [name, valueToProto(row[i] ?? null, type)]));
}

/** Written out like its values (libs/wire/values.ts): no other message is made as often. */
function queryResponse({ queryRunId, columns, row, asOfUs, freshness, pointInTime }: QueryAnswer): QueryResponse {
  const features = columns.map(({ name, type }, i): FeatureValue => ({ $typeName: 'thyme.v1.FeatureValue', name, value: valueToProto(row[i] ?? null, type) }));
  return { $typeName: 'thyme.v1.QueryResponse', queryRunId, features, asOfUs: BigInt(asOfUs), freshness: freshnessOf(freshness), pointInTime };
}

function freshnessOf({ watermarkUs, lagUs }: Freshness): FreshnessMessage {
  return { $typeName: 'thyme.v1.Freshness', watermarkUs: int64IfAny(watermarkUs), lagUs: int64IfAny(lagUs) };
}

const kindOf: Readonly<Record<QueryRun['kind'], QueryRun_Kind>> = {
  online: QueryRun_Kind.ONLINE, batch: QueryRun_Kind.BATCH, offline: QueryRun_Kind.OFFLINE, lookup: QueryRun_Kind.LOOKUP,
};

function runOf(run: QueryRun): QueryRunMessage {
  return create(QueryRunSchema, {
    id: run.id,
    featureset: run.featureset,
    entities: run.entities.map((key) => ({ values: key.map(keyValueOf) })),
    ...present({ requestedTimestampUs: int64IfAny(run.requestedTimestampUs) }),
    kind: kindOf[run.kind],
    rowCount: BigInt(run.rowCount),
    hitCount: BigInt(run.hitCount),
    latencyMs: run.latencyMs,
    apiKeyFingerprint: run.apiKeyFingerprint ?? '',
    error: run.error ?? '',
    createdUs: BigInt(run.createdUs),
    hadInputs: run.hadInputs,
  });
}

/** Times of keys are text in a run. */
function keyValueOf(value: RunKeyValue) {
  if (typeof value === 'string') return { kind: { case: 'stringValue', value } } as const;
  if (typeof value === 'boolean') return { kind: { case: 'boolValue', value } } as const;
  return { kind: { case: 'intValue', value: BigInt(value) } } as const;
}
