import { expect } from 'chai';
import fc from 'fast-check';
import { QueryService } from '../../gen/thyme/v1/query_pb.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { createClient, openChannel } from '../../libs/rpc/client.js';
import type { BytesHandlers } from '../../libs/rpc/handlers.js';
import { createRpcServer } from '../../libs/rpc/server.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import { systemClock } from '../../libs/time/clock.js';
import type { ValueType } from '../../libs/schema/value-type.js';
import { messageReads } from '../../services/gateway/message-reads.js';
import { type KeyValue, valuesJson, type Reads } from '../../services/gateway/reads.js';
import { queryBytes, queryHandlers } from '../../services/query/handlers.js';
import { QueryRuns } from '../../services/query/query-runs.js';
import { dataset, feature, featureset, NOON_US, optional, QueryWorld, types } from '../support/query-world.js';
import { authorizeByKeys, TEST_INTERNAL_KEY } from '../support/test-keys.js';

const list: ValueType = { kind: 'list', of: optional(types.float), optional: false };
const struct: ValueType = { kind: 'struct', fields: [{ name: 'n', type: types.int }], optional: true };
const order = dataset('Order', { user_id: types.string, amount: types.float, at: types.timestamp });
const features = [
  feature('user_id', types.string),
  feature('amount', optional(types.float), { ref: { dataset: 'Order', field: 'amount' } }),
  feature('at', optional(types.timestamp), { ref: { dataset: 'Order', field: 'at' } }),
  feature('cart', types.float, { input: true, default: 1 }),
  feature('tags', list, { input: true, default: [] }),
  feature('size', struct, { input: true }),
];
const echo = feature('cart_seen', types.float);
const definitions = {
  datasets: [order],
  sources: [],
  pipelines: [],
  featuresets: [
    featureset('F', [...features, echo], { extractors: [{ name: 'seen', inputs: ['cart'], outputs: ['cart_seen'], function: 'F.seen' }] }),
  ],
};
const functions = { 'F.seen': (_: unknown, { cart }: Record<string, unknown>) => ({ cart_seen: cart }) };
const context = { signal: new AbortController().signal, apiKeyFingerprint: 'deadbeef' };

interface Opened {
  readonly reads: Reads;
  readonly world: QueryWorld;
  close(): Promise<void>;
}
type Open = () => Promise<Opened>;

async function openWorld() {
  const runs = await QueryRuns.open({ store: new MemoryStore(), randomBytes: (length) => new Uint8Array(length) });
  const world = await QueryWorld.create({ definitions, functions }, runs);
  await world.feed('Order', [{ row: ['7', 2, NOON_US - 1] }]);
  return { world, handlers: queryHandlers(world.engine, runs) };
}

const engine: Open = async () => {
  const { world } = await openWorld();
  return { world, reads: world.engine, close: () => Promise.resolve() };
};

const handlersHere: Open = async () => {
  const { world, handlers } = await openWorld();
  return { world, reads: messageReads(handlers), close: () => Promise.resolve() };
};

const overGrpc =
  (options: (world: QueryWorld) => { readonly bytes?: BytesHandlers<typeof QueryService> }): Open =>
  async () => {
    const { world, handlers } = await openWorld();
    const rpc = createRpcServer({
      host: '127.0.0.1',
      port: 0,
      authorize: authorizeByKeys([], TEST_INTERNAL_KEY),
      logger: createLogger({ level: 'info', clock: systemClock, write: () => undefined }),
      metrics: new MetricsRegistry(),
      clock: systemClock,
    });
    rpc.add(QueryService, handlers, options(world));
    await rpc.start();
    const channel = openChannel({ target: `127.0.0.1:${rpc.port}`, apiKey: TEST_INTERNAL_KEY });
    return {
      world,
      reads: messageReads(createClient(QueryService, channel)),
      async close() {
        channel.close();
        await rpc.stop({ graceMs: 500 });
      },
    };
  };

/** What whoever answers reads must do (services/gateway/reads.ts). */
function readsContract(name: string, open: Open): void {
  describe(`reads of ${name} keep the contract`, () => {
    let opened: Opened;
    let reads: Reads;
    before(async () => {
      opened = await open();
      ({ reads } = opened);
    });
    after(() => opened.close());

    const ask = (entity: readonly KeyValue[], inputs: object = {}) =>
      reads.query({ featureset: 'F', entity, inputs: new Map(Object.entries(inputs)) }, context);

    it('gives features by name, in the order declared, each as its type is written', async () => {
      const answer = await ask([7], { cart: 5, tags: [1, null, 0.5], size: { n: 3 } }); // the number is coerced (REST 8)
      expect(valuesJson(answer)).to.equal(
        '{"user_id":"7","amount":2.0,"at":"2026-01-31T11:59:59.999999Z","cart":5.0,"tags":[1.0,null,0.5],"size":{"n":3},"cart_seen":5.0}',
      );
      expect(answer).to.deep.include({ asOfUs: NOON_US, pointInTime: false, freshness: { watermarkUs: undefined, lagUs: 5_000 } });
      expect(answer.queryRunId).not.to.equal('');
    });

    it('gives nulls and defaults for an entity that is not known', async () => {
      expect(valuesJson(await ask(['8']))).to.equal(
        '{"user_id":"8","amount":null,"at":null,"cart":1.0,"tags":[],"size":null,"cart_seen":1.0}',
      );
    });

    it('gives a row of a dataset as of an instant, and null where there is none', async () => {
      const lookup = (key: string, timestampUs?: number) => reads.lookup({ dataset: 'Order', entity: [key], timestampUs }, context);
      const found = await lookup('7', NOON_US);
      expect(valuesJson(found)).to.equal('{"user_id":"7","amount":2.0,"at":"2026-01-31T11:59:59.999999Z"}');
      expect(found).to.deep.include({ asOfUs: NOON_US, pointInTime: true });
      expect(valuesJson(await lookup('7', NOON_US - 2))).to.equal('null');
      expect(valuesJson(await lookup('8'))).to.equal('null');
    });

    it('sees what was known by then', async () => {
      const asked = { featureset: 'F', entity: ['7'], inputs: new Map(), timestampUs: NOON_US, knownAtUs: NOON_US - 2 };
      expect(valuesJson(await reads.query(asked, context))).to.include('"amount":null');
    });

    it('refuses with the name of what is wrong, on record', async () => {
      const refused = async (work: Promise<unknown>): Promise<unknown> => {
        const error: unknown = await work.then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (!(error instanceof ThymeError)) return error;
        return [error.code, error.violations.map(({ field }) => field), error.requestId !== undefined];
      };
      expect(await refused(ask(['7'], { card: 1 }))).to.deep.equal(['THYME_INVALID_ARGUMENT', ['inputs.card'], true]);
      expect(await refused(ask(['7'], { cart: 'x' }))).to.deep.equal(['THYME_INVALID_ARGUMENT', ['inputs.cart'], true]);
      expect(await refused(ask(['7', '8']))).to.deep.equal(['THYME_INVALID_ARGUMENT', ['entity_id'], true]);
      expect(await refused(reads.query({ featureset: 'G', entity: ['7'], inputs: new Map() }, context))).to.deep.include('THYME_NOT_FOUND');
      expect(await refused(reads.lookup({ dataset: 'Nope', entity: ['7'] }, context))).to.deep.include('THYME_NOT_FOUND');
      const tomorrow = { dataset: 'Order', entity: ['7'], timestampUs: NOON_US + 86_400e6 };
      expect(await refused(reads.lookup(tomorrow, context))).to.deep.equal(['THYME_INVALID_ARGUMENT', ['timestamp'], true]);
      expect(await refused(reads.lookup({ dataset: 'Order', entity: ['7'], after: 'no token' }, context))).to.deep.include(true);
    });

    it('writes any float input as the engine does', async () => {
      const { world } = opened;
      await fc.assert(
        fc.asyncProperty(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string(), async (float, id) => {
          const cart = float === 0 ? 0 : float; // a request has no negative zero (request-fields.ts)
          const asked = { featureset: 'F', entity: [`u${id}`], inputs: new Map([['cart', cart]]) };
          expect(valuesJson(await reads.query(asked, context))).to.equal(valuesJson(await world.engine.query(asked, context)));
        }),
        { numRuns: 30 },
      );
    });
  });
}

readsContract('the engine', engine);
readsContract('messages to handlers in the process', handlersHere);
readsContract(
  'messages over gRPC',
  overGrpc(() => ({})),
);
readsContract(
  'answers in bytes over gRPC',
  overGrpc(({ engine: asked }) => ({ bytes: { query: queryBytes(asked) } })),
);
