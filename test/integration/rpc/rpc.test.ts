import { create } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { expect } from 'chai';
import { IngestService, LogResponseSchema, LogRequestSchema } from '../../../gen/thyme/v1/ingest_pb.js';
import {
  RegistryService,
  WatchRequestSchema,
  WatchResponseSchema,
  GetRequestSchema,
  ListRequestSchema,
  GetResponseSchema,
  CommitRequestSchema,
  CommitResponseSchema,
} from '../../../gen/thyme/v1/registry_pb.js';
import { generateApiKey } from '../../../libs/config/api-keys.js';
import { ThymeError } from '../../../libs/errors/errors.js';
import { createClient, openChannel } from '../../../libs/rpc/client.js';
import type { CallContext } from '../../../libs/rpc/handlers.js';
import { authorizeByKeys, TEST_INTERNAL_KEY } from '../../support/test-keys.js';
import { eventually, failure, latch, live, RpcFixture, idleRegistry } from './rpc-fixture.js';

describe('gRPC over loopback', () => {
  let rpc: RpcFixture;
  beforeEach(() => (rpc = new RpcFixture()));
  afterEach(() => rpc.stop());

  it('answers unary calls with typed messages, int64 as bigint', async () => {
    await rpc.serve({
      registry: { commit: ({ baseRevision }) => create(CommitResponseSchema, { revision: (baseRevision ?? 0n) + 2n ** 60n }) },
    });
    const response = await createClient(RegistryService, rpc.channel).commit(create(CommitRequestSchema, { baseRevision: 1n }), live());
    expect(response.revision).to.equal(2n ** 60n + 1n);
    expect(rpc.metrics.render()).to.contain('thyme_rpc_handled_total{method="/thyme.v1.RegistryService/Commit",code="OK"} 1');
  });

  it('carries code, message and violations of an error', async () => {
    const violations = [{ field: 'Order.amount', description: 'ünknown \u{1F33F} field' }];
    await rpc.serve({
      registry: {
        get: () => {
          throw new ThymeError('THYME_BAD_MODULE', 'INVALID_ARGUMENT', 'ünsound\nmodule 100%', violations);
        },
      },
    });
    const error = await failure(createClient(RegistryService, rpc.channel).get(create(GetRequestSchema), live()));
    expect(error)
      .to.be.instanceOf(ThymeError)
      .and.deep.include({ code: 'THYME_BAD_MODULE', status: 'INVALID_ARGUMENT', message: 'ünsound\nmodule 100%', violations });
  });

  it('cuts errors that would not fit into trailers', async () => {
    const violations = Array.from({ length: 5_000 }, (_, i) => ({ field: `f${i}`, description: 'x'.repeat(1_000) }));
    await rpc.serve({
      registry: {
        get: () => {
          throw new ThymeError('THYME_BAD_MODULE', 'INVALID_ARGUMENT', 'm'.repeat(1e6), violations);
        },
      },
    });
    const error = await failure(createClient(RegistryService, rpc.channel).get(create(GetRequestSchema), live()));
    expect(error).to.be.instanceOf(ThymeError).and.include({ code: 'THYME_BAD_MODULE' });
    expect((error as ThymeError).violations).to.have.length(20);
  });

  it('keeps the words of unknown errors to its own log', async () => {
    await rpc.serve({
      registry: {
        get: () => {
          throw new Error('password=hunter2');
        },
        list: () => {
          throw new ThymeError('THYME_BROKEN', 'INTERNAL', 'page 7 of hunter2 is torn');
        },
      },
    });
    const client = createClient(RegistryService, rpc.channel);
    for (const error of [
      await failure(client.get(create(GetRequestSchema), live())),
      await failure(client.list(create(ListRequestSchema), live())),
    ]) {
      expect(error).to.be.instanceOf(ThymeError).and.include({ status: 'INTERNAL' });
      const [, incident = 'none'] = /^internal error; the server's log has it as ([0-9a-f]{12})$/.exec((error as Error).message) ?? [];
      expect(rpc.logLines.find((line) => line.includes(incident))).to.contain('hunter2');
    }
  });

  it('gives deadlines to handlers and answers when they have passed', async () => {
    let context: CallContext | undefined;
    await rpc.serve({
      registry: {
        get: (_request, given) => {
          context = given;
          return new Promise(() => undefined);
        },
      },
    });
    const deadline = new Date(Date.now() + 150);
    const error = await failure(createClient(RegistryService, rpc.channel).get(create(GetRequestSchema), { ...live(), deadline }));
    expect(error).to.be.instanceOf(ThymeError).and.include({ status: 'DEADLINE_EXCEEDED' });
    expect(Math.abs((context?.deadline?.getTime() ?? 0) - deadline.getTime())).to.be.below(100);
    // The client, whose deadline began earlier, may hang up just before the server's passes.
    await eventually(() => context?.signal.aborted === true);
  });

  it('aborts the handler when the caller cancels, and the caller sees its own reason', async () => {
    let signal: AbortSignal | undefined;
    await rpc.serve({
      registry: {
        get: (_request, context) => {
          signal = context.signal;
          return new Promise(() => undefined);
        },
      },
    });
    const controller = new AbortController();
    const answer = failure(createClient(RegistryService, rpc.channel).get(create(GetRequestSchema), { signal: controller.signal }));
    await eventually(() => signal !== undefined);
    controller.abort(new Error('changed my mind'));
    expect(await answer).to.have.property('message', 'changed my mind');
    await eventually(() => signal?.aborted === true);
    expect(rpc.logLines).to.deep.equal([]);
  });

  it('refuses calls without a key, with a wrong one, and with one of another scope', async () => {
    const reader = generateApiKey(['read']);
    const admin = generateApiKey(['admin']);
    let fingerprint: string | undefined;
    await rpc.serve(
      {
        registry: {
          get: (_request, context) => {
            fingerprint = context.apiKeyFingerprint;
            return create(GetResponseSchema);
          },
        },
      },
      authorizeByKeys([reader.entry, admin.entry], TEST_INTERNAL_KEY),
    );
    const as = (apiKey?: string) => {
      rpc.channel.close();
      rpc.channel = rpc.openAs(apiKey);
      return createClient(RegistryService, rpc.channel);
    };
    expect(await failure(as().get(create(GetRequestSchema), live()))).to.include({ status: 'UNAUTHENTICATED' });
    expect(await failure(as('thyme_wrong').get(create(GetRequestSchema), live()))).to.include({ status: 'UNAUTHENTICATED' });
    expect(await failure(as(reader.key).commit(create(CommitRequestSchema), live()))).to.include({ status: 'PERMISSION_DENIED' });
    await as(reader.key).get(create(GetRequestSchema), { ...live(), apiKeyFingerprint: 'deadbeef' });
    expect(fingerprint).to.equal(reader.entry.sha256.slice(0, 8)); // a reader cannot speak for others
    await as(admin.key).get(create(GetRequestSchema), { ...live(), apiKeyFingerprint: 'deadbeef' });
    expect(fingerprint).to.equal(admin.entry.sha256.slice(0, 8)); // nor an admin, who would have his producer ids
    await as(TEST_INTERNAL_KEY).get(create(GetRequestSchema), { ...live(), apiKeyFingerprint: 'deadbeef' });
    expect(fingerprint).to.equal('deadbeef');
    await as(TEST_INTERNAL_KEY).get(create(GetRequestSchema), live());
    expect(fingerprint).to.equal(undefined);
  });

  it('limits messages and metadata before a handler sees them', async () => {
    let calls = 0;
    await rpc.serve({
      ingest: {
        log: () => {
          calls += 1;
          return create(LogResponseSchema);
        },
      },
    });
    const big = openChannel({ target: `127.0.0.1:${rpc.server.port}`, messageBytesMax: 64 * 1024 * 1024 });
    const tooBig = create(LogRequestSchema, { json: new Uint8Array(34 * 1024 * 1024) });
    expect(await failure(createClient(IngestService, big).log(tooBig, live()))).to.include({ status: 'RESOURCE_EXHAUSTED' });
    big.close();
    expect(calls).to.equal(0);
    await createClient(IngestService, rpc.channel).log(create(LogRequestSchema, { json: new Uint8Array(32 * 1024 * 1024) }), live());
    const metadata = new Metadata();
    metadata.set('x-padding', 'p'.repeat(9_000));
    const code = await new Promise((resolve) => {
      rpc.channel.client.makeUnaryRequest(
        '/thyme.v1.IngestService/Log',
        (b: Buffer) => b,
        (b: Buffer) => b,
        Buffer.alloc(0),
        metadata,
        (error: ServiceError | null) => resolve(error?.code),
      );
    });
    expect(code).to.equal(status.RESOURCE_EXHAUSTED);
    expect(calls).to.equal(1);
  }).timeout(10_000);

  it('refuses to register a service whose methods have no scope', async () => {
    await rpc.serve({});
    const service = {
      ...RegistryService,
      typeName: 'thyme.v1.Unknown',
      methods: RegistryService.methods.map((method) => ({ ...method, parent: { ...RegistryService, typeName: 'thyme.v1.Unknown' } })),
    };
    expect(() => rpc.server.add(service, idleRegistry)).to.throw('declares no scope');
  });

  it('finishes what is in flight when it stops, and ends endless streams at once', async () => {
    let release = (): void => undefined;
    const [getting, watched] = [latch(), latch()];
    await rpc.serve({
      registry: {
        get: () =>
          new Promise((resolve) => {
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
    const client = createClient(RegistryService, rpc.channel);
    const slow = client.get(create(GetRequestSchema), live());
    const watching = failure(
      (async () => {
        for await (const _ of client.watch(create(WatchRequestSchema), live()));
      })(),
    );
    await Promise.all([getting.opened, watched.opened]);
    const stopped = rpc.server.stop({ graceMs: 5_000 });
    expect(await watching).to.include({ status: 'UNAVAILABLE' });
    release();
    await slow;
    await stopped;
    await rpc.server.done;
  });

  it('aborts what does not finish within the grace', async () => {
    const getting = latch();
    await rpc.serve({ registry: { get: () => new Promise(() => getting.open()) } });
    const stuck = failure(createClient(RegistryService, rpc.channel).get(create(GetRequestSchema), live()));
    await getting.opened;
    await rpc.server.stop({ graceMs: 50 });
    expect(await stuck).to.include({ status: 'UNAVAILABLE' });
  });

  it('answers UNIMPLEMENTED for unknown methods', async () => {
    await rpc.serve({});
    const raw = new Client(`127.0.0.1:${rpc.server.port}`, credentials.createInsecure());
    const code = await new Promise((resolve) => {
      raw.makeUnaryRequest(
        '/thyme.v1.RegistryService/Drop',
        (b: Buffer) => b,
        (b: Buffer) => b,
        Buffer.alloc(0),
        (error: ServiceError | null) => resolve(error?.code),
      );
    });
    raw.close();
    expect(code).to.equal(status.UNIMPLEMENTED);
  });
});
