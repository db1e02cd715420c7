// Sources of a fleet: whoever has them dies, and they go on in another process, each message once (S16, L4).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { compileRecordCodec } from '../../libs/codec/dataset-record.js';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import type { Log } from '../../libs/log/log.js';
import { datasetTopic } from '../../libs/pipeline/topics.js';
import { numberDataset } from '../integration/sources-fixture.js';
import { Processes, type ThymeProcess } from '../support/processes.js';
import { eventually, uniqueName, useKafka } from './kafka-fixture.js';
import { Producers } from './topic-system.js';

const PARTITIONS = 3;
/** Several, so that both processes of a fleet have some. */
const DATASETS = ['Alpha', 'Beta', 'Gamma', 'Delta'];
const BATCHES = 60;
const BATCH_ROWS = 50;
const EVERY_MS = 150;

describe('sources of a fleet on Kafka', function () {
  this.timeout(240_000);
  const kafka = useKafka();
  const processes = new Processes();
  const deployment = uniqueName();
  let producers: Producers;
  let log: Log | undefined;

  before(async () => {
    producers = await Producers.connect(kafka().brokers);
    log = await openKafkaLog({ brokers: kafka().brokers, clientId: 'thyme-test' });
  });

  after(async () => {
    await processes.end();
    await producers?.disconnect();
    await log?.close();
  });

  const env = () => ({ THYME_DEPLOYMENT: deployment, THYME_KAFKA_BROKERS: kafka().brokers.join(',') });

  function work(name: string): Promise<ThymeProcess> {
    return processes.serve(processes.subfolder(name), ['--roles', 'registry,ingest,aggregator', '--partitions', String(PARTITIONS)], {
      env: env(),
    });
  }

  /** Sources that name no brokers: they read from the platform's own cluster. */
  function moduleOf(topics: readonly string[]): string {
    const file = join(processes.folder, 'features.ts');
    const classes = DATASETS.map(
      (name, i) => `@source(kafka({ topic: '${topics[i] ?? ''}' }))
@dataset({ version: 1 })
export class ${name} {
  @key(t.string) k!: string;
  @field(t.int) n!: number;
  @timestamp() at!: Date;
}`,
    );
    writeFileSync(
      file,
      ["import { dataset, field, key, source, t, timestamp } from 'thyme';", "import { kafka } from 'thyme/sources';", ...classes].join(
        '\n',
      ),
    );
    return file;
  }

  async function produce(topics: readonly string[], batch: number): Promise<void> {
    const rows = Array.from({ length: BATCH_ROWS }, (_, i) => batch * BATCH_ROWS + i);
    for (const topic of topics)
      await producers.send(
        topic,
        rows.map((n) => ({ key: `k${n % 7}`, value: JSON.stringify({ k: `k${n % 7}`, n, at: '2026-01-31T11:00:00Z' }) })),
      );
  }

  async function published(dataset: string): Promise<readonly (readonly [unknown, number])[]> {
    const codec = compileRecordCodec(numberDataset(dataset).fields);
    const rows: [unknown, number][] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const target = { topic: datasetTopic(deployment, dataset, 1), partition };
      for (let offset = 0, end = (await log?.endOffset(target)) ?? 0; offset < end;) {
        const read = await log?.read(target, offset, { recordsMax: 1_000, bytesMax: 1_048_576 });
        for (const { value } of read?.records ?? []) {
          const { row } = codec.decode(value);
          rows.push([row[0], Number(row[1])]);
        }
        offset = read?.nextOffset ?? end;
      }
    }
    return rows;
  }

  const haveAll = async (count: number): Promise<boolean> =>
    (await Promise.all(DATASETS.map(published))).every((rows) => rows.length >= count);

  it('go on in another process when theirs is killed, nothing lost and nothing twice', async () => {
    const topics = await Promise.all(DATASETS.map(() => producers.createTopic(3)));
    const first = await work('worker-0');
    const gateway = await processes.serve(processes.subfolder('gateway'), ['--roles', 'gateway,query', '--owner', first.grpcTarget], {
      env: env(),
    });
    const committed = await processes.run(['commit', moduleOf(topics)], { env: { THYME_API_URL: gateway.restUrl } });
    expect(committed.code, committed.stderr).to.equal(0);
    await produce(topics, 0);
    await eventually(() => haveAll(BATCH_ROWS), 'the first process reads');
    const second = await work('worker-1');
    let third: ThymeProcess | undefined;
    for (let batch = 1; batch < BATCHES; batch++) {
      await produce(topics, batch);
      if (batch === 10) await first.kill();
      if (batch === 12) third = await work('worker-2');
      if (batch === 40) {
        await eventually(() => haveAll(15 * BATCH_ROWS), 'what the first had goes on in the others');
        await second.kill();
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS)); // messages come all the time
    }
    await eventually(() => haveAll(BATCHES * BATCH_ROWS), 'all is published by the third process');
    expect(third?.isRunning).to.equal(true);
    for (const dataset of DATASETS) {
      const rows = await published(dataset);
      expect(
        rows.map(([, n]) => n).sort((a, b) => a - b),
        dataset,
      ).to.deep.equal(Array.from({ length: BATCHES * BATCH_ROWS }, (_, n) => n));
      const ofKey = new Map<unknown, number>();
      for (const [k, n] of rows) {
        expect(n, `${dataset}, ${String(k)}: in its order`).to.be.greaterThan(ofKey.get(k) ?? -1);
        ofKey.set(k, n);
      }
    }
  });
});
