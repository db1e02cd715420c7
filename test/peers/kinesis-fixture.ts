import type { DatasetDefinition, SourceDefinition } from '../../libs/definition/definitions.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { kinesisConnector } from '../../libs/source/kinesis/kinesis-connector.js';
import { systemClock } from '../../libs/time/clock.js';
import type { SourceStatus } from '../../services/ingest/sources/source-state.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { numberDataset, SourcesFixture } from '../integration/sources-fixture.js';
import { componentOrSkip } from '../support/component.js';
import { eventually } from '../support/eventually.js';
import { KinesisStub } from '../support/kinesis-stub.js';
import { TestStream } from '../support/kinesis-stream.js';
import { moto, type S3Server } from '../support/s3-servers.js';

export const AT = '2026-01-31T11:00:00Z';
export const HOUR_MS = 3_600_000;
/** The first shard of a stream. */
export const FIRST = 'shardId-000000000000';

type Config = SourceDefinition['config'];
type Cdc = SourceDefinition['cdc'];

/** What each test has of its own: a stream of one shard on moto, a stub before it, and the sources of one process after another. */
class KinesisWorld {
  server!: S3Server;
  stub!: KinesisStub;
  stream!: TestStream;
  fixture!: SourcesFixture;
  /** By so much the clock of the source is ahead. */
  aheadMs = 0;
}

/** Registers hooks; the functions are for the tests of the suite that calls it. */
export function useKinesisSource() {
  const world = new KinesisWorld();
  const started: Sources[] = [];
  let streams = 0;
  const clock = {
    nowUs: () => systemClock.nowUs() + world.aheadMs * 1_000,
    sleep: (ms: number, signal: AbortSignal) => systemClock.sleep(ms, signal),
  };
  const newFixture = (): void => {
    const { accessKeyId: KEY, secretAccessKey: SECRET } = world.server;
    world.fixture = new SourcesFixture(new MemoryLog(), () => [kinesisConnector(clock)]);
    Object.assign(world.fixture.variables, { KEY, SECRET });
  };
  const stop = async (): Promise<void> => {
    await Promise.all(started.splice(0).map((sources) => sources.stop({ graceMs: 5_000 })));
  };

  before(async function () {
    componentOrSkip(this, moto.isThere(), moto.what);
    world.server = await moto.start();
  });

  after(() => (world.server as S3Server | undefined)?.stop());

  beforeEach(async () => {
    world.aheadMs = 0;
    world.stub = await KinesisStub.open(world.server.endpoint);
    world.stream = new TestStream(world.server.endpoint, `source-${streams++}`);
    await world.stream.create(1);
    newFixture();
  });

  afterEach(async () => {
    await stop();
    world.stream.close();
    await world.stub.close();
  });

  const value = (n: number, more: object = {}): string => JSON.stringify({ k: `k${n % 7}`, n, at: AT, ...more });
  const status = (sources: Sources): SourceStatus | undefined => sources.list()[0];
  const restart = async (): Promise<Sources> => {
    const sources = await world.fixture.start();
    started.push(sources);
    return sources;
  };
  const sourceOf = (more: Config = {}, cdc: Cdc = 'append'): SourceDefinition => {
    const streamArn = `arn:aws:kinesis:us-east-1:123456789012:stream/${world.stream.name}`;
    const keys = { accessKeyId: { secret: 'env:KEY' }, secretAccessKey: { secret: 'env:SECRET' } };
    return { dataset: 'A', connector: 'kinesis', config: { streamArn, endpointUrl: world.stub.endpoint, ...keys, ...more }, cdc };
  };
  return {
    world,
    value,
    status,
    sourceOf,
    newFixture,
    stop,
    restart,
    put: (...numbers: number[]): Promise<void> => world.stream.put(numbers.map((n) => ({ key: `k${n % 7}`, data: value(n) }))),
    notices: (): string[] => world.fixture.events.list({ limit: 10, eventType: 'source_notice' }).map(({ message }) => message),

    async start(config: Config = {}, dataset: Partial<DatasetDefinition> = {}, cdc: Cdc = 'append'): Promise<Sources> {
      await world.fixture.commit([numberDataset('A', dataset)], [sourceOf(config, cdc)]);
      return restart();
    },

    async counts(sources: Sources, rows: number, refused = 0): Promise<void> {
      await eventually(() => {
        const { phase } = status(sources) ?? {};
        if (phase?.kind === 'stopped' || phase?.kind === 'retrying') throw new Error(phase.cause);
        return status(sources)?.rows === rows && status(sources)?.refused === refused;
      }, `${rows} rows are published, and ${refused} set aside`).catch(async (cause: unknown) => {
        throw new Error(JSON.stringify([status(sources), await world.fixture.dead('A')]), { cause });
      });
    },

    /** Resolves to why. */
    async stands(sources: Sources): Promise<string> {
      await eventually(() => status(sources)?.phase.kind === 'stopped', 'it stands still');
      const phase = status(sources)?.phase;
      return phase?.kind === 'stopped' ? phase.cause : '';
    },

    async passes(ms: number): Promise<void> {
      const startMs = Date.now();
      await eventually(() => Date.now() - startMs > ms, `${ms} ms pass`);
    },
  };
}
