// Streams whose shards split and merge while they are read, on a server that closes shards as Amazon does: each record once, those of
// a key in their order, whatever happens to the process that reads them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { ContractChild } from '../../services/ingest/testing/contract-child.js';
import {
  contractSource,
  type ContractSource,
  publishedRows,
  startContractSources,
} from '../../services/ingest/testing/contract-sources.js';
import { contractRow } from '../../services/ingest/testing/contract-system.js';
import { EMBEDDED_KILLS } from '../../services/ingest/testing/source-crash-points.js';
import { readBatches, throughJson } from '../../services/ingest/testing/contract-reader.js';
import type { Log } from '../../libs/log/log.js';
import { componentOrSkip } from '../support/component.js';
import { eventually } from '../support/eventually.js';
import { aggregateOf, kinesalite, type KinesisServer } from '../support/kinesis-servers.js';
import { TestStream } from '../support/kinesis-stream.js';

const SHARDS = 4;
const ROWS_PER_STEP = 60;
const SHARD_AHEAD_MS = 2_000;

describe('the kinesis source while shards split and merge', function () {
  this.timeout(180_000);
  let server: KinesisServer;
  let stream: TestStream;
  let streams = 0;

  before(async function () {
    componentOrSkip(this, kinesalite.isThere(), kinesalite.what);
    server = await kinesalite.start();
  });

  after(() => server?.stop());

  beforeEach(async () => {
    stream = new TestStream(server.endpoint, `reshard-${streams++}`);
    await stream.create(SHARDS);
  });

  afterEach(() => stream?.close());

  function declared(): ContractSource {
    const config = {
      streamArn: `arn:aws:kinesis:us-east-1:${server.account}:stream/${stream.name}`,
      endpointUrl: server.endpoint,
      accessKeyId: { secret: 'env:KEY' },
      secretAccessKey: { secret: 'env:SECRET' },
    };
    return contractSource({
      connector: { module: new URL('../../libs/source/kinesis/kinesis-connector.js', import.meta.url), create: 'kinesisConnector' },
      source: { connector: 'kinesis', config, cdc: 'append' },
      elsewhere: {},
      variables: { KEY: 'k', SECRET: 's' },
      add: () => Promise.resolve(),
      close: () => Promise.resolve(),
    });
  }

  let next = 0;
  beforeEach(() => (next = 0));

  async function put(count = ROWS_PER_STEP): Promise<void> {
    const rows = Array.from({ length: count }, () => contractRow(next++));
    await stream.put(rows.map((row) => ({ key: row.k, data: JSON.stringify(row) })));
  }

  /** One split or merge after another, as the step says. */
  async function reshard(step: number): Promise<void> {
    const open = await stream.open();
    const at = step % open.length;
    const [shard, right] = [open[at], open[at + 1]];
    if (shard === undefined) throw new Error('a stream has a shard');
    if (step % 3 === 2 && right !== undefined) await stream.merge(shard, right);
    else await stream.split(shard);
  }

  async function onceAndInOrder(log: Log): Promise<void> {
    const partitions = await publishedRows(log, declared());
    const numbers = partitions.flat().map(({ row }) => Number(row[1]));
    expect(numbers.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: next }, (_, n) => n));
    for (const records of partitions) {
      const last = new Map<unknown, number>();
      for (const { row } of records) {
        expect(Number(row[1]), `of ${String(row[0])}`).to.be.greaterThan(last.get(row[0]) ?? -1);
        last.set(row[0], Number(row[1]));
      }
    }
  }

  it('publishes each record once and in order by key while it is resharded under load', async () => {
    const log = new MemoryLog();
    const sources = await startContractSources(log, declared());
    try {
      for (let step = 0; step < 12; step++) {
        await put();
        await reshard(step);
      }
      await put();
      await eventually(() => sources.list()[0]?.rows === next, 'all are published');
      await onceAndInOrder(log);
      expect((await stream.shards()).length).to.be.at.least(SHARDS + 16);
    } finally {
      await sources.stop({ graceMs: 5_000 });
      await log.close();
    }
  });

  it('reads a stream that was resharded before it came, and says of old shards that they were read to their ends', async () => {
    for (let step = 0; step < 6; step++) {
      await put();
      await reshard(step);
    }
    await put();
    // This server stamps records of a new shard with the time of the shard, which is a second ahead.
    const putMs = Date.now();
    await eventually(() => Date.now() > putMs + SHARD_AHEAD_MS, 'the records are of the past');
    const log = new MemoryLog();
    const sources = await startContractSources(log, declared());
    try {
      await eventually(() => sources.list()[0]?.rows === next, 'all are published');
      await onceAndInOrder(log);
      await put(5);
      await eventually(() => sources.list()[0]?.rows === next, 'what came later is published');
      expect(sources.list()[0]?.position).to.contain('read to its end');
      const historical = (await publishedRows(log, declared())).flat().filter((record) => record.historical);
      expect(historical).to.have.lengthOf(next - 5);
    } finally {
      await sources.stop({ graceMs: 5_000 });
      await log.close();
    }
  });

  it('publishes each record once, whichever step its process is killed at while shards split and merge', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'thyme-reshard-'));
    try {
      for (const [step, point] of EMBEDDED_KILLS.entries()) {
        await put();
        const child = new ContractChild(folder, declared(), point);
        await reshard(step);
        await put();
        await child.diedAt(point);
      }
      await reshard(2);
      await put();
      const last = new ContractChild(folder, declared());
      await last.published(next).finally(() => last.kill());
      const store = await openLevelStore(folder);
      const log = await openLevelLog(store);
      try {
        await onceAndInOrder(log);
      } finally {
        await log.close();
        await store.close();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("opens aggregates of Amazon's own library, cut anywhere, beside plain records", async () => {
    const rows = Array.from({ length: 90 }, (_, n) => contractRow(n));
    for (let at = 0; at < rows.length; at += 30) {
      const [few, plain] = [rows.slice(at, at + 29), rows[at + 29]];
      const aggregate = aggregateOf(
        few.map((row) => ({ partitionKey: row.k, explicitHashKey: '5', data: Buffer.from(JSON.stringify(row)) })),
      );
      await stream.put([{ key: 'a', hashKey: 5n, data: aggregate }]);
      await stream.put([{ key: 'a', hashKey: 5n, data: JSON.stringify(plain) }]);
    }
    const limits = { rowsMax: 7, bytesMax: 1_048_576 };
    const batches = await readBatches(declared(), undefined, { rows: rows.length, limits });
    const inputs = batches.flatMap((batch) => batch.rows.map(({ input }) => input));
    expect(inputs).to.deep.equal(rows);
    expect(batches.flatMap((batch) => batch.rows)[1]?.place).to.match(/sequence number \d+, record 2 of its aggregate$/);
    let before = 0;
    for (const batch of batches) {
      before += batch.rows.length;
      if (before === rows.length) break;
      const rest = await readBatches(declared(), throughJson(batch.position), {
        rows: rows.length - before,
        limits: { ...limits, rowsMax: 1_000 },
      });
      expect(rest.flatMap((one) => one.rows.map(({ input }) => input))).to.deep.equal(rows.slice(before));
    }
  });

  it('passes over an aggregate that came to another shard than its records belong to, and says so', async () => {
    const far = (2n ** 128n - 1n).toString();
    const stray = aggregateOf(
      [0, 1].map((n) => ({ partitionKey: 'a', explicitHashKey: n === 0 ? '5' : far, data: Buffer.from(JSON.stringify(contractRow(n))) })),
    );
    await stream.put([
      { key: 'a', hashKey: 5n, data: stray },
      { key: 'a', hashKey: 5n, data: JSON.stringify(contractRow(2)) },
    ]);
    const batches = await readBatches(declared(), undefined, { rows: 1, limits: { rowsMax: 100, bytesMax: 1_048_576 } });
    expect(batches.flatMap((batch) => batch.rows.map(({ input }) => input))).to.deep.equal([contractRow(2)]);
    expect(batches.flatMap(({ notices = [] }) => notices).join()).to.contain('1 aggregate(s) of shardId-000000000000');
  });
});
