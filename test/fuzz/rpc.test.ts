// Every RPC, by its descriptor and with raw bytes: RELIABILITY, suite 6.
import { create, toBinary, type DescMethod, type DescService, type Message } from '@bufbuild/protobuf';
import { expect } from 'chai';
import fc from 'fast-check';
import { AggregatorService } from '../../gen/thyme/v1/jobs_pb.js';
import { IngestService } from '../../gen/thyme/v1/ingest_pb.js';
import { QueryBatchStreamRequestSchema, QueryService } from '../../gen/thyme/v1/query_pb.js';
import { CommitRequestSchema, RegistryService } from '../../gen/thyme/v1/registry_pb.js';
import { ReplicationService } from '../../gen/thyme/v1/replication_pb.js';
import { KeyService } from '../../gen/thyme/v1/keys_pb.js';
import { StateService } from '../../gen/thyme/v1/state_pb.js';
import { Health } from '../../gen/grpc/health/v1/health_pb.js';
import { ServerReflection } from '../../gen/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.js';
import { fuzz, FUZZ_RUNS, FuzzTarget, SLOW_RUNS } from './fuzz-target.js';
import { goodKeys, messageOf } from './message-arbitrary.js';
import { rawConnections, sendRaw } from './raw-connection.js';
import { isEndless, RpcCaller } from './rpc-caller.js';

const SERVICES: readonly DescService[] = [
  RegistryService,
  KeyService,
  IngestService,
  AggregatorService,
  ReplicationService,
  QueryService,
  StateService,
  Health,
  ServerReflection,
  ServerReflectionAlpha,
];
const METHODS: readonly DescMethod[] = SERVICES.flatMap(({ methods }) => methods);
/**
 * Methods that random messages cannot satisfy: commits need a whole module, replays a run's id, rows of a value a dataset with a key that
 * fits it, and no dataset there has a source. REST's own inputs are nearer to good ones.
 */
const NEVER_WELL =
  /Commit|QueryRun$|Subscribe|CreateKey|RevokeKey|TestSource|Erase$|GetErasure|SetSourcePaused|ResetSource|PushDeadLetter|ListRows/;
const ABSENT_REVISION = 999n;
/** They mostly wait, for what does not come. */
const ENDLESS_CONCURRENCY = 64;

describe('fuzzed gRPC', function () {
  this.timeout(Math.max(300_000, FUZZ_RUNS * 1_000));
  const target = new FuzzTarget();
  let caller: RpcCaller;
  before(async () => {
    await target.start();
    caller = new RpcCaller(target.thyme.grpcTarget, target.internalKey);
  });
  after(async () => {
    caller.close();
    await target.end();
  });
  afterEach(() => target.expectUnharmed());

  it('survives connections that speak no HTTP/2, or half of it', async () => {
    const { grpcTarget } = target.thyme;
    const port = Number(grpcTarget.slice(grpcTarget.lastIndexOf(':') + 1));
    await fuzz({ target: 'HTTP/2 connections', kind: 'raw', runs: SLOW_RUNS }, rawConnections, (sent) => sendRaw(port, sent));
  });

  for (const method of METHODS) {
    const isStream = method.methodKind === 'bidi_streaming' || method.methodKind === 'client_streaming';
    const title = `${method.parent.typeName}/${method.name}`;
    const concurrency = isEndless(method) ? ENDLESS_CONCURRENCY : undefined;
    const options = { target: title, ...(concurrency === undefined ? {} : { concurrency }) };

    it(`${title} answers any message without a fault of its own`, async () => {
      const drawn = fc.array(
        messageOf(method.input).map((message) => harmless(method, message)),
        isStream ? { maxLength: 3 } : { minLength: 1, maxLength: 1 },
      );
      const messages =
        method === QueryService.method.queryBatchStream ? fc.oneof({ weight: 7, arbitrary: drawn }, wellFormedBatches) : drawn;
      const counts = await fuzz({ ...options, kind: 'structured' }, messages, (sent) => caller.send(method, sent));
      if (!NEVER_WELL.test(method.name)) expect(counts.get('OK'), JSON.stringify([...counts])).to.be.above(0);
    });

    it(`${title} answers any bytes without a fault of its own`, async () => {
      const requests = fc.array(
        fc.uint8Array({ maxLength: 100 }).map((bytes) => harmlessBytes(method, bytes)),
        isStream ? { maxLength: 3 } : { minLength: 1, maxLength: 1 },
      );
      await fuzz({ ...options, kind: 'raw' }, requests, (sent) => caller.sendBytes(method, sent));
    });
  }
});

/** Batches that come in parts: three drawn messages hardly ever agree on what only the first may say. */
const wellFormedBatches: fc.Arbitrary<Message[]> = fc
  .array(fc.array(goodKeys, { maxLength: 4 }), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.map((entities, i) => create(QueryBatchStreamRequestSchema, { featureset: i === 0 ? 'Buyer' : '', entities })));

/** A commit of no definitions removes all, and rightly so: on a revision that is not there, it is decided on and not made. */
function harmless(method: DescMethod, message: Message): Message {
  return method === RegistryService.method.commit ? Object.assign(message, { baseRevision: ABSENT_REVISION }) : message;
}

/** The same for bytes: two of them (0a 00) are such a commit. The field goes first, where none that begins in them can swallow it. */
function harmlessBytes(method: DescMethod, bytes: Uint8Array): Uint8Array {
  return method === RegistryService.method.commit
    ? Buffer.concat([toBinary(CommitRequestSchema, create(CommitRequestSchema, { baseRevision: ABSENT_REVISION })), bytes])
    : bytes;
}
