import { create } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { IngestService, LogStreamRequestSchema, LogStreamResponseSchema } from '../../../gen/thyme/v1/ingest_pb.js';
import { RegistryService, WatchRequestSchema, WatchResponseSchema } from '../../../gen/thyme/v1/registry_pb.js';
import { ThymeError } from '../../../libs/errors/errors.js';
import { createClient } from '../../../libs/rpc/client.js';
import { eventually, failure, live, RpcFixture, settled } from './rpc-fixture.js';

describe('gRPC streams over loopback', () => {
  let rpc: RpcFixture;
  beforeEach(() => (rpc = new RpcFixture()));
  afterEach(() => rpc.stop());

  it('streams with back-pressure: the handler does not run ahead of a reader that waits', async () => {
    let made = 0;
    await rpc.serve({
      registry: {
        async *watch() {
          for (; made < 400; made++)
            yield create(WatchResponseSchema, { revision: { number: BigInt(made), bundle: { code: 'x'.repeat(64 * 1024) } } });
        },
      },
    });
    let seen = 0;
    for await (const { revision } of createClient(RegistryService, rpc.channel).watch(create(WatchRequestSchema), live())) {
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
    await rpc.serve({
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
    for await (const _ of createClient(RegistryService, rpc.channel).watch(create(WatchRequestSchema), live())) break;
    await eventually(() => ended);
  });

  it('delivers what a failing stream has sent, then its error', async () => {
    await rpc.serve({
      registry: {
        async *watch() {
          yield create(WatchResponseSchema, { revision: { number: 1n } });
          throw new ThymeError('THYME_TRIMMED', 'OUT_OF_RANGE', 'trimmed');
        },
      },
    });
    const seen: unknown[] = [];
    const error = await failure(
      (async () => {
        for await (const { revision } of createClient(RegistryService, rpc.channel).watch(create(WatchRequestSchema), live()))
          seen.push(revision?.number);
      })(),
    );
    expect(seen).to.deep.equal([1n]);
    expect(error).to.include({ code: 'THYME_TRIMMED', status: 'OUT_OF_RANGE' });
  });

  it('answers bidi streams request by request, in order', async () => {
    await rpc.serve({
      ingest: {
        async *logStream(requests) {
          for await (const { batch } of requests)
            yield create(LogStreamResponseSchema, { result: { eventsSent: BigInt(batch?.json.length ?? 0) } });
        },
      },
    });
    async function* batches() {
      for (let i = 0; i < 300; i++) yield create(LogStreamRequestSchema, { batch: { json: new Uint8Array(i) } });
    }
    const answers: bigint[] = [];
    for await (const { result } of createClient(IngestService, rpc.channel).logStream(batches(), live()))
      answers.push(result?.eventsSent ?? -1n);
    expect(answers).to.deep.equal(Array.from({ length: 300 }, (_, i) => BigInt(i)));
  });

  it('cancels a stream whose requests fail, and tells why', async () => {
    let outcome: 'ended' | 'left' | undefined;
    let received = 0;
    await rpc.serve({
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
    const error = await failure(
      (async () => {
        for await (const _ of createClient(IngestService, rpc.channel).logStream(batches(), live()));
      })(),
    );
    expect(error).to.have.property('message', 'disk gone');
    await eventually(() => outcome !== undefined);
    expect(outcome).to.equal('left');
  });
});
