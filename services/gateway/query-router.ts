// One QueryService in front of several, each of which holds some of the partitions: an entity's question goes to a
// holder of its partition and, where that one does not answer, to the next; a batch is spread and put together again.
import { create } from '@bufbuild/protobuf';
import {
  ListPartitionsResponseSchema, ListQueryRunsResponseSchema, QueryBatchRequestSchema, QueryBatchResponseSchema,
  type QueryBatchRequest, type QueryBatchResponse, type QueryService,
} from '../../gen/thyme/v1/query_pb.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { decodeToken } from '../../libs/feature/token.js';
import type { CallContext, ServiceHandlers } from '../../libs/rpc/handlers.js';
import type { Clock } from '../../libs/time/clock.js';
import { EntityPlaces } from './entity-places.js';
import type { Catalog } from './catalog.js';
import { type Holder, Holders, isElsewhere } from './holders.js';
import { spreadOffline } from './offline-spread.js';

export interface QueryRouterOptions {
  readonly holders: readonly Holder[];
  readonly catalog: Catalog;
  readonly clock: Clock;
}

const RUNS_DEFAULT = 50;

export function createQueryRouter({ holders: listed, catalog, clock }: QueryRouterOptions): ServiceHandlers<typeof QueryService> {
  const holders = new Holders(listed, clock);
  const places = new EntityPlaces(catalog, holders);
  const anywhere = <T>(context: CallContext, call: (holder: Holder) => T | Promise<T>): Promise<T> => tryEach(holders, undefined, context, call);
  return {
    async query(request, context) {
      const [partition] = await places.partitions({ kind: 'featureset', name: request.featureset }, [request.entity], context);
      return tryEach(holders, partition, context, ({ query }) => query.query(request, context));
    },

    async queryBatch(request, context) {
      const partitions = await places.partitions({ kind: 'featureset', name: request.featureset }, request.entities, context);
      return queryBatch(request, partitions, { holders, context, clock });
    },

    queryOffline: (requests, context) => spreadOffline(requests, { holders, places, context }),

    async lookup(request, context) {
      const [partition] = await places.partitions({ kind: 'dataset', name: request.dataset }, [request.entity], context);
      return tryEach(holders, partition, context, ({ query }) => query.lookup(request, context));
    },

    /** Ids sort by time, and a cursor is the last one shown: each holder goes on behind it. */
    async listQueryRuns(request, context) {
      const limit = request.limit === 0 ? RUNS_DEFAULT : request.limit;
      const pages = await Promise.all(holders.all.map(async ({ query }) => query.listQueryRuns({ ...request, limit }, context)));
      const runs = pages.flatMap((page) => page.runs).sort((a, b) => (a.id < b.id ? 1 : -1));
      const hasMore = runs.length > limit || pages.some(({ nextCursor }) => nextCursor !== '');
      const shown = runs.slice(0, limit);
      return create(ListQueryRunsResponseSchema, { runs: shown, nextCursor: hasMore ? (shown.at(-1)?.id ?? '') : '' });
    },

    getQueryRun: (request, context) => whereFound(holders.all, ({ query }) => query.getQueryRun(request, context)),
    replayQueryRun: (request, context) => whereFound(holders.all, ({ query }) => query.replayQueryRun(request, context)),

    async listPartitions(request, context) {
      const { partitionCount } = await anywhere(context, ({ query }) => query.listPartitions(request, context));
      const all = await Promise.allSettled(holders.all.map(async ({ query }) => query.listPartitions(request, context)));
      const partitions = new Set(all.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.partitions : [])));
      return create(ListPartitionsResponseSchema, { partitionCount, partitions: [...partitions].sort((a, b) => a - b) });
    },
  };
}

/** The first holder's answer that is one, in a few rounds; what is wrong with the question itself is wrong everywhere. */
async function tryEach<T>(holders: Holders, partition: number | undefined, context: CallContext, call: (holder: Holder) => T | Promise<T>): Promise<T> {
  const sinceUs = holders.nowUs();
  let failure: unknown;
  do {
    for (const holder of await holders.of(partition, context)) {
      try {
        return await call(holder);
      } catch (error) {
        if (!isElsewhere(error) || context.signal.aborted) throw error;
        holders.failed(holder);
        failure = error;
      }
    }
  } while (await holders.again(sinceUs, context));
  throw failure;
}

/** A run is with the holder that answered it; the first failure other than that it is not there. */
async function whereFound<T>(holders: readonly Holder[], call: (holder: Holder) => T | Promise<T>): Promise<T> {
  let missing: unknown;
  for (const holder of holders) {
    try {
      return await call(holder);
    } catch (error) {
      if (!(error instanceof ThymeError && error.status === 'NOT_FOUND')) throw error;
      missing = error;
    }
  }
  throw missing;
}

interface BatchParts {
  readonly holders: Holders;
  readonly context: CallContext;
  readonly clock: Clock;
}

/** One instant for all (S3), which the router sets where several holders answer. Each holder records its own run; the first's is named. */
async function queryBatch(request: QueryBatchRequest, partitions: readonly (number | undefined)[], { holders, context, clock }: BatchParts): Promise<QueryBatchResponse> {
  const distinct = [...new Set(partitions)];
  const [only] = distinct;
  if (distinct.length <= 1) return tryEach(holders, only, context, ({ query }) => query.queryBatch(request, context));
  const timestampUs = request.timestampUs ?? BigInt(nowFor(request, clock));
  const parts = await Promise.all(distinct.map(async (partition) => {
    const indexes = partitions.flatMap((each, i) => (each === partition ? [i] : []));
    const entities = indexes.flatMap((i) => request.entities[i] ?? []);
    const part = create(QueryBatchRequestSchema, { ...request, entities, timestampUs });
    const answer = await tryEach(holders, partition, context, ({ query }) => query.queryBatch(part, context));
    return { indexes, answer };
  }));
  return joinParts(parts, request.entities.length);
}

/** With a token no earlier than the events behind it (S21). */
function nowFor({ after }: QueryBatchRequest, clock: Clock): number {
  const nowUs = clock.nowUs();
  return after === '' ? nowUs : Math.max(nowUs, decodeToken(after).eventTimeUs);
}

interface Part {
  readonly indexes: readonly number[];
  readonly answer: QueryBatchResponse;
}

function joinParts(parts: readonly Part[], count: number): QueryBatchResponse {
  const rows = new Array<QueryBatchResponse['rows'][number]>(count);
  for (const { indexes, answer } of parts) {
    for (const [i, index] of indexes.entries()) {
      const row = answer.rows[i];
      if (row !== undefined) rows[index] = row;
    }
  }
  const [first] = parts;
  const freshness = parts.map(({ answer }) => answer.freshness);
  const watermarks = freshness.flatMap((each) => each?.watermarkUs ?? []);
  const lags = freshness.map((each) => each?.lagUs);
  return create(QueryBatchResponseSchema, {
    queryRunId: first?.answer.queryRunId ?? '', features: first?.answer.features ?? [], rows, asOfUs: first?.answer.asOfUs ?? 0n,
    freshness: {
      ...(watermarks.length === 0 ? {} : { watermarkUs: watermarks.reduce((a, b) => (a < b ? a : b)) }),
      ...(lags.some((lag) => lag === undefined) ? {} : { lagUs: lags.reduce<bigint>((a, b) => (b !== undefined && b > a ? b : a), 0n) }),
    },
  });
}
