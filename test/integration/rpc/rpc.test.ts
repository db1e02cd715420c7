import { create } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { expect } from 'chai';
import { IngestService, ListIntakesResponseSchema, LogResponseSchema, LogStreamRequestSchema, LogStreamResponseSchema, LogRequestSchema } from '../../../gen/thyme/v1/ingest_pb.js';
import { RegistryService, WatchRequestSchema, WatchResponseSchema, GetRequestSchema, GetResponseSchema, ListResponseSchema, PlanResponseSchema, CommitRequestSchema, CommitResponseSchema } from '../../../gen/thyme/v1/registry_pb.js';
import { authorizeByKeys, authorizeEverybody, generateApiKey, type Authorize } from '../../../libs/config/api-keys.js';
import { ThymeError } from '../../../libs/errors/errors.js';
import { createClient, openChannel, type RpcChannel } from '../../../libs/rpc/client.js';
import type { CallContext, ServiceHandlers } from '../../../libs/rpc/handlers.js';
import { createRpcServer, type RpcServer } from '../../../libs/rpc/server.js';
import { createLogger } from '../../../libs/telemetry/logger.js';
import { systemClock } from '../../../libs/time/clock.js';
import { MetricsRegistry } from '../../../libs/telemetry/metrics.js';

type Registry = ServiceHandlers<typeof RegistryService>;
type Ingest = ServiceHandlers<typeof IngestService>;

describe('gRPC over loopback', () => {
  let server: RpcServer;
  let channel: RpcChannel;
  let logLines: string[];
  let metrics: MetricsRegistry;

  async function serve(handlers: { readonly registry?: Partial<Registry>; readonly ingest?: Partial<Ingest> }, authorize: Authorize = authorizeEverybody, apiKey?: string): Promise<void> {
    logLines = [];
    metrics = new MetricsRegistry();
    const logger = createLogger({ level: 'info', clock: systemClock, write: (line) => logLines.push(line) });
    server = createRpcServer({ host: '127.0.0.1', port: 0, authorize, logger, metrics, clock: systemClock });
    server.add(RegistryService, { ...idleRegistry, ...handlers.registry }, { endless: ['watch'] });
    server.add(IngestService, { ...idleIngest, ...handlers.ingest });
    await server.start();
    channel = openChannel({ target: `127.0.0.1:${server.port}`, ...(apiKey === undefined ? {} : { apiKey }) });
  }

  afterEach(async () => {
    channel.close();
    await server.stop({ graceMs: 1_000 });
  });

  it('answers unary calls with typed messages, int64 as bigint', async () => {
    await serve({ registry: { commit: ({ baseRevision }) => create(CommitResponseSchema, { revision: (baseRevision ?? 0n) + 2n ** 60n }) } });
    const response = await createClient(RegistryService, channel).commit(create(CommitRequestSchema, { baseRevision: 1n }), live());
    expect(response.revision).to.equal(2n ** 60n + 1n);
    expect(metrics.render()).to.contain('thyme_rpc_handled_total{method="/thyme.v1.RegistryService/Commit",code="OK"} 1');
  });

  it('carries code, message and violations of an error', async () => {
    const violations = [{ field: 'Order.amount', description: 'ünknown \u{1F33F} field' }];
    await serve({ registry: { get: () => { throw new ThymeError('THYME_BAD_MODULE', 'INVALID_ARGUMENT', 'ünsound\nmodule 100%', violations); } } });
    const error = await failure(createClient(RegistryService, channel).get(create(GetRequestSchema), live()));
    expect(error).to.be.instanceOf(ThymeError).and.deep.include({ code: 'THYME_BAD_MODULE', status: 'INVALID_ARGUMENT', message: 'ünsound\nmodule 100%', violations });
  });

  it('cuts errors that would not fit into trailers', async () => {
    const violations = Array.from({ length: 5_000 }, (_, i) => ({ field: `f${i}`, description: 'x'.repeat(1_000) }));
    await serve({ registry: { get: () => { throw new ThymeError('THYME_BAD_MODULE', 'INVALID_ARGUMENT', 'm'.repeat(1e6), violations); } } });
    const error = await failure(createClient(RegistryService, channel).get(create(GetRequestSchema), live()));
    expect(error).to.be.instanceOf(ThymeError).and.include({ code: 'THYME_BAD_MODULE' });
    expect((error as ThymeError).violations).to.have.length(20);
  });

  it('keeps the words of unknown errors to its own log', async () => {
    await serve({
      registry: {
        get: () => { throw new Error('password=hunter2'); },
        list: () => { throw new ThymeError('THYME_BROKEN', 'INTERNAL', 'page 7 of hunter2 is torn'); },
      },
    });
    const client = createClient(RegistryService, channel);
    for (const error of [await failure(client.get(create(GetRequestSchema), live())), await failure(client.list(create(GetRequestSchema) as never, live()))]) {
      expect(error).to.be.instanceOf(ThymeError).and.include({ status: 'INTERNAL', message: 'internal error' });
    }
    expect(logLines.join('')).to.contain('hunter2').and.contain('/thyme.v1.RegistryService/Get');
  });

  it('gives deadlines to handlers and answers when they have passed', async () => {
    let context: CallContext | undefined;
    await serve({ registry: { get: (_request, given) => { context = given; return new Promise(() => undefined); } } });
    const deadline = new Date(Date.now() + 150);
    const error = await failure(createClient(RegistryService, channel).get(create(GetRequestSchema), { ...live(), deadline }));
    expect(error).to.be.instanceOf(ThymeError).and.include({ status: 'DEADLINE_EXCEEDED' });
    expect(Math.abs((context?.deadline?.getTime() ?? 0) - deadline.getTime())).to.be.below(100);
    // The client, whose deadline began earlier, may hang up just before the server's passes.
    await eventually(() => context?.signal.aborted === true);
  });

  it('aborts the handler when the caller cancels, and the caller sees its own reason', async () => {
    let signal: AbortSignal | undefined;
    await serve({ registry: { get: (_request, context) => { signal = context.signal; return new Promise(() => undefined); } } });
    const controller = new AbortController();
    const answer = failure(createClient(RegistryService, channel).get(create(GetRequestSchema), { signal: controller.signal }));
    await eventually(() => signal !== undefined);
    controller.abort(new Error('changed my mind'));
    expect(await answer).to.have.property('message', 'changed my mind');
    await eventually(() => signal?.aborted === true);
    expect(logLines).to.deep.equal([]);
  });

  it('streams with back-pressure: the handler does not run ahead of a reader that waits', async () => {
    let made = 0;
    await serve({
      registry: {
        async *watch() {
          for (; made < 400; made++) yield create(WatchResponseSchema, { revision: { number: BigInt(made), bundle: { code: 'x'.repeat(64 * 1024) } } });
        },
      },
    });
    let seen = 0;
    for await (const { revision } of createClient(RegistryService, channel).watch(create(WatchRequestSchema), live())) {
      expect(revision?.number).to.equal(BigInt(seen));
      if (seen === 0) {
        await settled(() => made);
        expect(made).to.be.below(150);
      }
      seen += 1;
    }
    expect(seen).to.equal(400);
  });

  it('ends a stream at both ends when its reader leaves early', async () => {
    let ended = false;
    await serve({
      registry: {
        async *watch(_request, { signal }) {
          try {
            yield create(WatchResponseSchema);
            await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          } finally {
            ended = true;
          }
        },
      },
    });
    for await (const _ of createClient(RegistryService, channel).watch(create(WatchRequestSchema), live())) break;
    await eventually(() => ended);
  });

  it('delivers what a failing stream has sent, then its error', async () => {
    await serve({
      registry: {
        async *watch() {
          yield create(WatchResponseSchema, { revision: { number: 1n } });
          throw new ThymeError('THYME_TRIMMED', 'OUT_OF_RANGE', 'trimmed');
        },
      },
    });
    const seen: unknown[] = [];
    const error = await failure((async () => {
      for await (const { revision } of createClient(RegistryService, channel).watch(create(WatchRequestSchema), live())) seen.push(revision?.number);
    })());
    expect(seen).to.deep.equal([1n]);
    expect(error).to.include({ code: 'THYME_TRIMMED', status: 'OUT_OF_RANGE' });
  });

  it('answers bidi streams request by request, in order', async () => {
    await serve({
      ingest: {
        async *logStream(requests) {
          for await (const { batch } of requests) yield create(LogStreamResponseSchema, { result: { eventsSent: BigInt(batch?.json.length ?? 0) } });
        },
      },
    });
    async function* batches() {
      for (let i = 0; i < 300; i++) yield create(LogStreamRequestSchema, { batch: { json: new Uint8Array(i) } });
    }
    const answers: bigint[] = [];
    for await (const { result } of createClient(IngestService, channel).logStream(batches(), live())) answers.push(result?.eventsSent ?? -1n);
    expect(answers).to.deep.equal(Array.from({ length: 300 }, (_, i) => BigInt(i)));
  });

  it('cancels a stream whose requests fail, and tells why', async () => {
    let outcome: 'ended' | 'left' | undefined;
    let received = 0;
    await serve({
      ingest: {
        async *logStream(requests) {
          try {
            for await (const _ of requests) {
              received += 1;
              yield create(LogStreamResponseSchema);
            }
            outcome = 'ended';
          } finally {
            outcome ??= 'left';
          }
        },
      },
    });
    async function* batches() {
      yield create(LogStreamRequestSchema);
      await eventually(() => received === 1);
      throw new Error('disk gone');
    }
    const error = await failure((async () => {
      for await (const _ of createClient(IngestService, channel).logStream(batches(), live()));
    })());
    expect(error).to.have.property('message', 'disk gone');
    await eventually(() => outcome !== undefined);
    expect(outcome).to.equal('left');
  });

  it('refuses calls without a key, with a wrong one, and with one of another scope', async () => {
    const reader = generateApiKey(['read']);
    const admin = generateApiKey(['admin']);
    let fingerprint: string | undefined;
    await serve({ registry: { get: (_request, context) => { fingerprint = context.apiKeyFingerprint; return create(GetResponseSchema); } } }, authorizeByKeys([reader.entry, admin.entry]));
    const as = (apiKey?: string) => {
      channel.close();
      channel = openChannel({ target: `127.0.0.1:${server.port}`, ...(apiKey === undefined ? {} : { apiKey }) });
      return createClient(RegistryService, channel);
    };
    expect(await failure(as().get(create(GetRequestSchema), live()))).to.include({ status: 'UNAUTHENTICATED' });
    expect(await failure(as('thyme_wrong').get(create(GetRequestSchema), live()))).to.include({ status: 'UNAUTHENTICATED' });
    expect(await failure(as(reader.key).commit(create(CommitRequestSchema), live()))).to.include({ status: 'PERMISSION_DENIED' });
    await as(reader.key).get(create(GetRequestSchema), { ...live(), apiKeyFingerprint: 'deadbeef' });
    expect(fingerprint).to.equal(reader.entry.sha256.slice(0, 8)); // a reader cannot speak for others
    await as(admin.key).get(create(GetRequestSchema), { ...live(), apiKeyFingerprint: 'deadbeef' });
    expect(fingerprint).to.equal('deadbeef');
  });

  it('limits messages and metadata before a handler sees them', async () => {
    let calls = 0;
    await serve({ ingest: { log: () => { calls += 1; return create(LogResponseSchema); } } });
    const big = openChannel({ target: `127.0.0.1:${server.port}`, messageBytesMax: 64 * 1024 * 1024 });
    const tooBig = create(LogRequestSchema, { json: new Uint8Array(34 * 1024 * 1024) });
    expect(await failure(createClient(IngestService, big).log(tooBig, live()))).to.include({ status: 'RESOURCE_EXHAUSTED' });
    big.close();
    expect(calls).to.equal(0);
    await createClient(IngestService, channel).log(create(LogRequestSchema, { json: new Uint8Array(32 * 1024 * 1024) }), live());
    const metadata = new Metadata();
    metadata.set('x-padding', 'p'.repeat(9_000));
    const code = await new Promise((resolve) => {
      channel.client.makeUnaryRequest('/thyme.v1.IngestService/Log', (b: Buffer) => b, (b: Buffer) => b, Buffer.alloc(0), metadata, (error: ServiceError | null) => resolve(error?.code));
    });
    expect(code).to.equal(status.RESOURCE_EXHAUSTED);
    expect(calls).to.equal(1);
  }).timeout(10_000);

  it('refuses to register a service whose methods have no scope', async () => {
    await serve({});
    const service = { ...RegistryService, typeName: 'thyme.v1.Unknown', methods: RegistryService.methods.map((method) => ({ ...method, parent: { ...RegistryService, typeName: 'thyme.v1.Unknown' } })) };
    expect(() => server.add(service, idleRegistry)).to.throw('declares no scope');
  });

  it('finishes what is in flight when it stops, and ends endless streams at once', async () => {
    let release = (): void => undefined;
    const [getting, watched] = [latch(), latch()];
    await serve({
      registry: {
        get: () => new Promise((resolve) => {
          release = () => resolve(create(GetResponseSchema));
          getting.open();
        }),
        async *watch(_request, { signal }) {
          yield create(WatchResponseSchema);
          watched.open();
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        },
      },
    });
    const client = createClient(RegistryService, channel);
    const slow = client.get(create(GetRequestSchema), live());
    const watching = failure((async () => {
      for await (const _ of client.watch(create(WatchRequestSchema), live()));
    })());
    await Promise.all([getting.opened, watched.opened]);
    const stopped = server.stop({ graceMs: 5_000 });
    expect(await watching).to.include({ status: 'UNAVAILABLE' });
    release();
    await slow;
    await stopped;
    await server.done;
  });

  it('aborts what does not finish within the grace', async () => {
    const getting = latch();
    await serve({ registry: { get: () => new Promise(() => getting.open()) } });
    const stuck = failure(createClient(RegistryService, channel).get(create(GetRequestSchema), live()));
    await getting.opened;
    await server.stop({ graceMs: 50 });
    expect(await stuck).to.include({ status: 'UNAVAILABLE' });
  });

  it('answers UNIMPLEMENTED for unknown methods', async () => {
    await serve({});
    const raw = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
    const code = await new Promise((resolve) => {
      raw.makeUnaryRequest('/thyme.v1.RegistryService/Drop', (b: Buffer) => b, (b: Buffer) => b, Buffer.alloc(0), (error: ServiceError | null) => resolve(error?.code));
    });
    raw.close();
    expect(code).to.equal(status.UNIMPLEMENTED);
  });
});

const idleRegistry: Registry = {
  plan: () => create(PlanResponseSchema),
  commit: () => create(CommitResponseSchema),
  get: () => create(GetResponseSchema),
  list: () => create(ListResponseSchema),
  async *watch() {},
};

const idleIngest: Ingest = { log: () => create(LogResponseSchema), async *logStream() {}, listIntakes: () => create(ListIntakesResponseSchema) };

function live(): CallContext {
  return { signal: new AbortController().signal };
}

/** A promise that another part of the test resolves. */
function latch(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

async function failure(work: unknown): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

/** Until the value has not changed for so many turns of the event loop, in which a handler that may run on does. */
async function settled(value: () => number): Promise<void> {
  for (let turns = 0, last = value(); turns < 500; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (value() !== last) [turns, last] = [0, value()];
  }
}

async function eventually(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(holds()).to.equal(true);
}
