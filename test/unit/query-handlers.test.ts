import { create } from '@bufbuild/protobuf';
import { expect } from 'chai';
import {
  LookupRequestSchema,
  QueryBatchRequestSchema,
  QueryOfflineRequestSchema,
  QueryRequestSchema,
  QueryRun_Kind,
  type QueryOfflineRequest,
  type QueryService,
  ListQueryRunsRequestSchema,
} from '../../gen/thyme/v1/query_pb.js';
import type { EntityKey } from '../../gen/thyme/v1/values_pb.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { queryHandlers } from '../../services/query/handlers.js';
import { QueryRuns } from '../../services/query/query-runs.js';
import { caller, dataset, feature, featureset, NOON_US, optional, QueryWorld, types } from '../support/query-world.js';

const order = dataset('Order', { user_id: types.string, amount: types.float, at: types.timestamp });
const features = [
  feature('user_id', types.string),
  feature('amount', optional(types.float), { ref: { dataset: 'Order', field: 'amount' } }),
  feature('at', optional(types.timestamp), { ref: { dataset: 'Order', field: 'at' } }),
  feature('cart', types.int, { input: true, default: 1 }),
];
const definitions = { datasets: [order], sources: [], pipelines: [], featuresets: [featureset('F', features)] };

async function handlers() {
  const runs = await QueryRuns.open({ store: new MemoryStore(), randomBytes: (length) => new Uint8Array(length) });
  const world = await QueryWorld.create({ definitions }, runs);
  await world.feed('Order', [{ row: ['7', 2.5, NOON_US - 1] }]);
  const made: ServiceHandlers<typeof QueryService> = queryHandlers(world.engine, runs); // what the bridge serves
  return { world, runs, handlers: made };
}

const key = (value: string | bigint) => ({
  values: [{ kind: typeof value === 'string' ? ({ case: 'stringValue', value } as const) : ({ case: 'intValue', value } as const) }],
});

describe('query handlers', () => {
  it('answer a query with typed values, coercing the key (REST 8)', async () => {
    const {
      handlers: { query },
    } = await handlers();
    const answer = await query(
      create(QueryRequestSchema, { featureset: 'F', entity: key(7n), inputs: { cart: { kind: { case: 'intValue', value: 3n } } } }),
      caller,
    );
    expect(answer.features.map(({ name, value }) => [name, value?.kind.case, value?.kind.value])).to.deep.equal([
      ['user_id', 'stringValue', '7'],
      ['amount', 'floatValue', 2.5],
      ['at', 'timestampUs', BigInt(NOON_US - 1)],
      ['cart', 'intValue', 3n],
    ]);
    expect(answer).to.deep.include({ asOfUs: BigInt(NOON_US), pointInTime: false });
    expect(answer.freshness?.watermarkUs).to.equal(undefined);
    expect(answer.freshness?.lagUs).to.equal(5_000n);
  });

  it('answer batches and lookups', async () => {
    const {
      handlers: { queryBatch, lookup },
    } = await handlers();
    const batch = await queryBatch(
      create(QueryBatchRequestSchema, { featureset: 'F', entities: [key('8'), key('7')], timestampUs: BigInt(NOON_US) }),
      caller,
    );
    expect(batch.features).to.deep.equal(['user_id', 'amount', 'at', 'cart']);
    expect(batch.rows.map(({ values }) => values[1]?.kind.value)).to.deep.equal([undefined, 2.5]);
    const found = await lookup(create(LookupRequestSchema, { dataset: 'Order', entity: key('7') }), caller);
    expect(found.row?.fields.amount?.kind.value).to.equal(2.5);
    expect((await lookup(create(LookupRequestSchema, { dataset: 'Order', entity: key('8') }), caller)).row).to.equal(undefined);
  });

  it('stream training sets in order, names in the first message, also where nothing is asked', async () => {
    const {
      handlers: { queryOffline },
    } = await handlers();
    async function* messages(...chunks: (readonly string[])[]): AsyncGenerator<QueryOfflineRequest> {
      for (const [i, chunk] of chunks.entries()) {
        const questions = chunk.map((id): { entity: EntityKey; timestampUs: bigint } => ({
          entity: key(id) as EntityKey,
          timestampUs: BigInt(NOON_US),
        }));
        await Promise.resolve();
        yield create(QueryOfflineRequestSchema, { featureset: i === 0 ? 'F' : '', questions });
      }
    }
    const rows: unknown[] = [];
    const heads: string[] = [];
    for await (const answer of queryOffline(messages(['7', '8'], [], ['9', '7']), caller)) {
      heads.push(`${answer.queryRunId.length} ${answer.features.length}`);
      rows.push(...answer.rows.map(({ values }) => [values[0]?.kind.value, values[1]?.kind.value]));
    }
    expect(rows).to.deep.equal([
      ['7', 2.5],
      ['8', undefined],
      ['9', undefined],
      ['7', 2.5],
    ]);
    expect(heads).to.deep.equal(['31 4', '0 0']);
    let empty = 0;
    for await (const answer of queryOffline(messages([]), caller)) empty += answer.features.length;
    expect(empty).to.equal(4);
  });

  it('list, show and replay runs', async () => {
    const { handlers: served, runs } = await handlers();
    const { queryRunId } = await served.query(create(QueryRequestSchema, { featureset: 'F', entity: key('7') }), caller);
    await runs.stop();
    const listed = await served.listQueryRuns(create(ListQueryRunsRequestSchema, { featureset: 'F' }), caller);
    expect(listed.runs.map(({ id, kind, hitCount }) => [id, kind, hitCount])).to.deep.equal([[queryRunId, QueryRun_Kind.ONLINE, 1n]]);
    const { run } = await served.getQueryRun({ id: queryRunId } as never, caller);
    expect(run?.entities[0]?.values[0]?.kind.value).to.equal('7');
    const replayed = await served.replayQueryRun({ id: queryRunId } as never, caller);
    expect(replayed.rows[0]?.values.map(({ kind }) => kind.value)).to.deep.equal(['7', 2.5, BigInt(NOON_US - 1), 1n]);
  });
});
