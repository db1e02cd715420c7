// One QueryService in front of several, each of which holds some of the partitions: an entity's question goes to a
// holder of its partition and, where that one does not answer, to the next; a batch is spread and put together again.
import { create } from '@bufbuild/protobuf';
import { ListPartitionsResponseSchema, ListQueryRunsResponseSchema, type QueryService } from '../../gen/thyme/v1/query_pb.js';
import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import { readEntityCursor } from '../../libs/feature/entity-cursor.js';
import type { TokenKey } from '../../libs/feature/token.js';
import type { CallContext, ServiceHandlers } from '../../libs/rpc/handlers.js';
import type { Clock } from '../../libs/time/clock.js';
import { spreadBatch, wholeAnswer } from './batch-spread.js';
import type { Catalog } from './catalog.js';
import { EntityPlaces } from './entity-places.js';
import { type Holder, Holders, tryEach } from './holders.js';
import { spreadOffline } from './offline-spread.js';

export interface QueryRouterOptions {
  readonly holders: readonly Holder[];
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly tokenKey: TokenKey;
}

const RUNS_DEFAULT = 50;

export function createQueryRouter({ holders: listed, catalog, clock, tokenKey }: QueryRouterOptions): ServiceHandlers<typeof QueryService> {
  const holders = new Holders(listed, clock);
  const places = new EntityPlaces(catalog, holders);
  const anywhere = <T>(context: CallContext, call: (holder: Holder) => T | Promise<T>): Promise<T> =>
    tryEach(holders, undefined, context, call);
  return {
    async query(request, context) {
      const [partition] = await places.partitions({ kind: 'featureset', name: request.featureset }, [request.entity], context);
      return tryEach(holders, partition, context, ({ query }) => query.query(request, context));
    },

    queryBatch: (request, context) => wholeAnswer(request, (asked) => spreadBatch(asked, { holders, places, context, clock, tokenKey })),

    queryBatchStream: (requests, context) => spreadBatch(requests, { holders, places, context, clock, tokenKey }),

    queryOffline: (requests, context) => spreadOffline(requests, { holders, places, context }),

    async lookup(request, context) {
      const [partition] = await places.partitions({ kind: 'dataset', name: request.dataset }, [request.entity], context);
      return tryEach(holders, partition, context, ({ query }) => query.lookup(request, context));
    },

    async lookupOverTime(request, context) {
      const [partition] = await places.partitions({ kind: 'dataset', name: request.dataset }, [request.entity], context);
      return tryEach(holders, partition, context, ({ query }) => query.lookupOverTime(request, context));
    },

    async listRows(request, context) {
      const [partition] = await places.partitions({ kind: 'dataset', name: request.dataset }, [request.entity], context);
      return tryEach(holders, partition, context, ({ query }) => query.listRows(request, context));
    },

    /** A page is of one partition, which its cursor tells. */
    async listEntities(request, context) {
      const { partition } = readEntityCursor(request.cursor);
      const count = await holders.partitionCount(context);
      if (partition >= count)
        throw invalidArgument('cursor', `is of partition ${partition}, and there are ${count}: begin without a cursor`);
      return tryEach(holders, partition, context, ({ query }) => query.listEntities(request, context));
    },

    /** Ids sort by time, and a cursor is the last one shown: each holder goes on behind it. */
    async listQueryRuns(request, context) {
      const limit = request.limit === 0 ? RUNS_DEFAULT : request.limit;
      const pages = await Promise.all(holders.all.map(async ({ query }) => query.listQueryRuns({ ...request, limit }, context)));
      // Each page tells of all runs down to its cursor: below the newest of these something may be missing.
      const endId = pages.reduce((newest, { nextCursor }) => (nextCursor > newest ? nextCursor : newest), '');
      const runs = pages.flatMap((page) => page.runs.filter(({ id }) => id >= endId)).sort((a, b) => (a.id < b.id ? 1 : -1));
      const shown = runs.slice(0, limit);
      return create(ListQueryRunsResponseSchema, { runs: shown, nextCursor: runs.length > limit ? (shown.at(-1)?.id ?? '') : endId });
    },

    getQueryRun: (request, context) => whereFound(holders.all, ({ query }) => query.getQueryRun(request, context)),
    replayQueryRun: (request, context) => whereFound(holders.all, ({ query }) => query.replayQueryRun(request, context)),

    async listPartitions(request, context) {
      const { partitionCount } = await anywhere(context, ({ query }) => query.listPartitions(request, context));
      const all = await Promise.allSettled(holders.all.map(async ({ query }) => query.listPartitions(request, context)));
      const partitions = new Set(all.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.partitions : [])));
      const timings = all.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.timings : []));
      const processes = all.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.processes : []));
      const held = [...partitions].sort((a, b) => a - b);
      return create(ListPartitionsResponseSchema, { partitionCount, partitions: held, timings, processes });
    },
  };
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
