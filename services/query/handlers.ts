import { create } from '@bufbuild/protobuf';
import {
  GetQueryRunResponseSchema,
  ListEntitiesResponseSchema,
  ListPartitionsResponseSchema,
  ListQueryRunsResponseSchema,
  LookupResponseSchema,
  QueryBatchResponseSchema,
  QueryRun_Kind,
  QueryRunSchema,
  ReplayQueryRunResponseSchema,
  type GetQueryRunRequest,
  type GetQueryRunResponse,
  type ListEntitiesRequest,
  type ListEntitiesResponse,
  type ListPartitionsResponse,
  type ListQueryRunsRequest,
  type ListQueryRunsResponse,
  type ListRowsRequest,
  type ListRowsResponse,
  type LookupOverTimeRequest,
  type LookupOverTimeResponse,
  type LookupRequest,
  type LookupResponse,
  type QueryBatchRequest,
  type QueryBatchResponse,
  type QueryBatchStreamRequest,
  type QueryBatchStreamResponse,
  type QueryOfflineRequest,
  type QueryOfflineResponse,
  type QueryRequest,
  type QueryResponse,
  type QueryRun as QueryRunMessage,
  type ReplayQueryRunRequest,
  type ReplayQueryRunResponse,
} from '../../gen/thyme/v1/query_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { entityCursor, readEntityCursor } from '../../libs/feature/entity-cursor.js';
import { int64IfAny } from '../../libs/wire/integers.js';
import { present, textIfAny } from '../../libs/wire/present.js';
import { queryResponseBytes } from './answer-bytes.js';
import { batchResponses, freshnessOf, listOf, namesOf, offlineResponses, queryResponse, structOf } from './answer-messages.js';
import type { QueryCaller } from './answers.js';
import type { QueryEngine } from './engine.js';
import { rowsInputOf, rowsResponse } from './list-rows.js';
import { LISTED_ENTITIES_DEFAULT } from './query-limits.js';
import { continuedRun } from './continued-run.js';
import { overTimeInputOf, overTimeResponse } from './lookup-over-time.js';
import { entityCountOf, type QueryRun, type RunKeyValue } from './query-run.js';
import type { QueryRuns } from './query-runs.js';
import { replayRun } from './replay-run.js';
import {
  batchInputOf,
  batchInputOfStream,
  entityOf,
  offlineInputOf,
  queryInputOf,
  questionsOf,
  streamEndedEarly,
  timeOf,
} from './request-messages.js';

export interface QueryHandlers {
  query(request: QueryRequest, caller: QueryCaller): Promise<QueryResponse>;
  queryBatch(request: QueryBatchRequest, caller: QueryCaller): Promise<QueryBatchResponse>;
  queryBatchStream(requests: AsyncIterable<QueryBatchStreamRequest>, caller: QueryCaller): AsyncGenerator<QueryBatchStreamResponse>;
  queryOffline(requests: AsyncIterable<QueryOfflineRequest>, caller: QueryCaller): AsyncGenerator<QueryOfflineResponse>;
  lookup(request: LookupRequest, caller: QueryCaller): Promise<LookupResponse>;
  lookupOverTime(request: LookupOverTimeRequest, caller: QueryCaller): Promise<LookupOverTimeResponse>;
  listRows(request: ListRowsRequest, caller: QueryCaller): Promise<ListRowsResponse>;
  listEntities(request: ListEntitiesRequest, caller: QueryCaller): Promise<ListEntitiesResponse>;
  listQueryRuns(request: ListQueryRunsRequest): Promise<ListQueryRunsResponse>;
  getQueryRun(request: GetQueryRunRequest): Promise<GetQueryRunResponse>;
  replayQueryRun(request: ReplayQueryRunRequest, caller: QueryCaller): Promise<ReplayQueryRunResponse>;
  listPartitions(): ListPartitionsResponse;
}

/** The RPCs of QueryService. */
export function queryHandlers(engine: QueryEngine, runs: QueryRuns): QueryHandlers {
  return {
    query: async (request, caller) => queryResponse(await engine.query(queryInputOf(request), caller)),

    async queryBatch(request, caller) {
      const answer = await engine.queryBatch(batchInputOf(request), caller);
      const { queryRunId, columns, rows, asOfUs, freshness } = answer;
      return create(QueryBatchResponseSchema, {
        queryRunId,
        features: namesOf(columns),
        rows: rows.map((row) => listOf(row, columns)),
        asOfUs: BigInt(asOfUs),
        freshness: freshnessOf(freshness),
      });
    },

    async *queryBatchStream(requests, caller) {
      const input = await batchInputOfStream(requests);
      yield* batchResponses((take) => engine.streamBatch(input, caller, take));
    },

    async *queryOffline(requests, caller) {
      const stream = requests[Symbol.asyncIterator]();
      const first = await stream.next();
      if (first.done === true) throw streamEndedEarly();
      const input = offlineInputOf(first.value);
      const continuedRunId = await continuedRun(runs, first.value.queryRunId, input, caller);
      const answer = engine.queryOffline({ ...input, continuedRunId }, questionsOf(first.value, stream), caller);
      yield* offlineResponses(answer);
    },

    async lookup(request, caller) {
      const answer = await engine.lookup(
        { dataset: request.dataset, entity: entityOf(request.entity, 'entity'), ...timeOf(request) },
        caller,
      );
      const { queryRunId, asOfUs, freshness, pointInTime } = answer;
      const row = answer.row === null ? undefined : { fields: structOf(answer.row, answer.columns) };
      return create(LookupResponseSchema, {
        queryRunId,
        asOfUs: BigInt(asOfUs),
        freshness: freshnessOf(freshness),
        pointInTime,
        ...present({ row }),
      });
    },

    lookupOverTime: async (request, caller) => overTimeResponse(await engine.lookupOverTime(overTimeInputOf(request), caller)),

    listRows: async (request, caller) => rowsResponse(await engine.rows(rowsInputOf(request), caller)),

    async listEntities({ featureset, limit, cursor }, caller) {
      const asked = { featureset, limit: limit === 0 ? LISTED_ENTITIES_DEFAULT : limit, place: readEntityCursor(cursor) };
      const { entities, keyFields, next } = await engine.entities(asked, caller);
      return create(ListEntitiesResponseSchema, {
        fields: namesOf(keyFields),
        entities: entities.map((key) => ({ values: listOf(key, keyFields).values })),
        nextCursor: next === undefined ? '' : entityCursor(next),
      });
    },

    async listQueryRuns({ featureset, limit, cursor, kind, failed, latencyMsMin, apiKeyFingerprint }) {
      if (!(latencyMsMin >= 0)) throw invalidArgument('latency_ms_min', 'send a number of milliseconds');
      const filter = {
        featureset: textIfAny(featureset),
        kind: kindIfAny(kind),
        failed,
        latencyMsMin: latencyMsMin === 0 ? undefined : latencyMsMin,
        apiKeyFingerprint: textIfAny(apiKeyFingerprint),
      };
      const page = await runs.list(present({ ...filter, limit: limit === 0 ? undefined : limit, cursor: textIfAny(cursor) }));
      return create(ListQueryRunsResponseSchema, { runs: page.runs.map(runOf), nextCursor: page.nextCursor ?? '' });
    },

    getQueryRun: async ({ id }) => create(GetQueryRunResponseSchema, { run: runOf(await runs.get(id)) }),

    async replayQueryRun({ id }, caller) {
      const { kind, columns, rows, asOfUs } = await replayRun(engine, await runs.get(id), caller);
      return create(ReplayQueryRunResponseSchema, {
        kind: kindOf[kind],
        features: namesOf(columns),
        rows: rows.map((row) => listOf(row, columns)),
        asOfUs: BigInt(asOfUs),
      });
    },

    listPartitions: () => create(ListPartitionsResponseSchema, engine.partitions()),
  };
}

/** Query whose answer is written as the message's bytes, without the message. */
export function queryBytes(engine: Pick<QueryEngine, 'query'>): (request: QueryRequest, caller: QueryCaller) => Promise<Uint8Array> {
  return async (request, caller) => queryResponseBytes(await engine.query(queryInputOf(request), caller));
}

const kindOf: Readonly<Record<QueryRun['kind'], QueryRun_Kind>> = {
  online: QueryRun_Kind.ONLINE,
  batch: QueryRun_Kind.BATCH,
  offline: QueryRun_Kind.OFFLINE,
  lookup: QueryRun_Kind.LOOKUP,
};

function kindIfAny(kind: QueryRun_Kind): QueryRun['kind'] | undefined {
  if (kind === QueryRun_Kind.UNSPECIFIED) return undefined;
  const [found] = (['online', 'batch', 'offline', 'lookup'] as const).filter((name) => kindOf[name] === kind);
  if (found === undefined) throw invalidArgument('kind', `${kind} is none of a query run's`);
  return found;
}

function runOf(run: QueryRun): QueryRunMessage {
  return create(QueryRunSchema, {
    id: run.id,
    featureset: run.featureset,
    entities: run.entities.map((key) => ({ values: key.map(keyValueOf) })),
    ...present({
      requestedTimestampUs: int64IfAny(run.requestedTimestampUs),
      asOfUs: int64IfAny(run.asOfUs),
      knownAtUs: run.knownAtUs === 'timestamp' ? undefined : int64IfAny(run.knownAtUs),
    }),
    kind: kindOf[run.kind],
    rowCount: BigInt(run.rowCount),
    hitCount: BigInt(run.hitCount),
    latencyMs: run.latencyMs,
    apiKeyFingerprint: run.apiKeyFingerprint ?? '',
    error: run.error ?? '',
    createdUs: BigInt(run.createdUs),
    hadInputs: run.hadInputs,
    entityCount: BigInt(entityCountOf(run)),
  });
}

/** Times of keys are text in a run. */
function keyValueOf(value: RunKeyValue) {
  if (typeof value === 'string') return { kind: { case: 'stringValue', value } } as const;
  if (typeof value === 'boolean') return { kind: { case: 'boolValue', value } } as const;
  return { kind: { case: 'intValue', value: BigInt(value) } } as const;
}
