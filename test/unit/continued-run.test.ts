// A training set of several requests is one query run.
import { create } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { QueryOfflineRequestSchema, type QueryOfflineRequest, type QueryService } from '../../gen/thyme/v1/query_pb.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { QueryCaller } from '../../services/query/answers.js';
import { queryHandlers } from '../../services/query/handlers.js';
import type { QueryRun } from '../../services/query/query-run.js';
import { QueryRuns } from '../../services/query/query-runs.js';
import { caller, dataset, feature, featureset, NOON_US, optional, QueryWorld, types } from '../support/query-world.js';

const order = dataset('Order', { user_id: types.string, amount: types.float, at: types.timestamp });
const features = [
  feature('user_id', types.string),
  feature('amount', optional(types.float), { ref: { dataset: 'Order', field: 'amount' } }),
];
const definitions = { datasets: [order], sources: [], pipelines: [], featuresets: [featureset('F', features), featureset('G', features)] };

describe('a training set of several requests', () => {
  let runs: QueryRuns;
  let served: ServiceHandlers<typeof QueryService>;
  beforeEach(async () => {
    let next = 0;
    const randomBytes = (length: number): Uint8Array => new Uint8Array(length).map(() => next++ % 251);
    runs = await QueryRuns.open({ store: new MemoryStore(), randomBytes });
    const world = await QueryWorld.create({ definitions }, runs);
    await world.feed('Order', [{ row: ['u1', 2.5, NOON_US - 1] }]);
    served = queryHandlers(world.engine, runs); // what the bridge serves
  });

  interface Asked {
    readonly featureset?: string;
    readonly knownAtUs?: bigint;
    readonly by?: QueryCaller;
  }

  /** The run that the answer names. */
  async function ask(
    ids: readonly string[],
    queryRunId: string,
    { featureset = 'F', knownAtUs, by = caller }: Asked = {},
  ): Promise<string> {
    const questions = ids.map((value, i) => ({
      entity: { values: [{ kind: { case: 'stringValue' as const, value } }] },
      timestampUs: BigInt(NOON_US - i),
    }));
    async function* messages(): AsyncGenerator<QueryOfflineRequest> {
      const first = { featureset, questions, queryRunId, ...(knownAtUs === undefined ? {} : { knownAtUs }) };
      yield await Promise.resolve(create(QueryOfflineRequestSchema, first as never)); // literals of messages within one
    }
    let told = '';
    for await (const answer of served.queryOffline(messages(), by)) told ||= answer.queryRunId;
    return told;
  }
  const runOf = (id: string): Promise<QueryRun> => runs.get(id);

  it('is one run, which has all of their rows and the first of their entities', async () => {
    const id = await ask(['u1', 'u2'], '');
    expect(await ask(['u3', 'u1'], id)).to.equal(id);
    expect(await runOf(id)).to.deep.include({
      rowCount: 4,
      hitCount: 2,
      entities: [['u1'], ['u2'], ['u3'], ['u1']],
      timestampsUs: [NOON_US, NOON_US - 1, NOON_US, NOON_US - 1],
    });
    const many = Array.from({ length: 150 }, (_, i) => `m${i}`);
    expect(await ask(many, id)).to.equal(id);
    expect(await ask(['last'], id)).to.equal(id);
    const run = await runOf(id);
    expect([run.rowCount, run.entityCount, run.entities.length, run.timestampsUs?.length]).to.deep.equal([155, 155, 100, 100]);
    expect(run.entities.slice(3, 6)).to.deep.equal([['u1'], ['m0'], ['m1']]);
    expect((await runs.list({})).runs.map((each) => each.id)).to.deep.equal([id]);
  });

  it('is replayed as a whole', async () => {
    const id = await ask(['u1', 'u2'], await ask(['u1'], ''));
    const { rows } = await served.replayQueryRun({ id } as never, caller);
    expect(rows.map(({ values }) => values[1]?.kind.value)).to.deep.equal([2.5, 2.5, undefined]);
  });

  it('tells of a failure until a later request succeeds', async () => {
    const id = await ask(['u1'], '');
    const failure = await ask([''], id).catch((error: unknown) => String(error));
    expect(failure).to.match(/entity_id|user_id/);
    expect((await runOf(id)).error).to.match(/THYME_INVALID_ARGUMENT/);
    await ask(['u2'], id);
    const { error, rowCount } = await runOf(id);
    expect([error, rowCount]).to.deep.equal([undefined, 2]);
  });

  it('goes on with the caller’s own run of the same question alone', async () => {
    const id = await ask(['u1'], '', { by: { ...caller, apiKeyFingerprint: 'aaaaaaaa' } });
    expect(await ask(['u2'], id, { by: { ...caller, apiKeyFingerprint: 'bbbbbbbb' } })).to.not.equal(id);
    expect(await ask(['u2'], `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`)).to.not.equal(id);
    expect((await runOf(id)).rowCount).to.equal(1);
    const own = await ask(['u1'], '');
    for (const asked of [{ featureset: 'G' }, { knownAtUs: BigInt(NOON_US) }])
      expect(await ask(['u1'], own, asked).catch((error: unknown) => String(error))).to.match(/query_run_id.*another question/);
    expect(await ask(['u1'], 'x').catch((error: unknown) => String(error))).to.match(/query_run_id.*no query run/);
  });
});
