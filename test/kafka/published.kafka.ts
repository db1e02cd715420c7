// A published dataset as any Kafka consumer reads it: kafkajs' own, in its own group.
import { expect } from 'chai';
import { Kafka, logLevel } from 'kafkajs';
import { curl, curlUntil, jsonOf } from '../support/http.js';
import { Processes, type ThymeProcess } from '../support/processes.js';
import { uniqueName, useKafka } from './kafka-fixture.js';

const PARTITIONS = 2;
const USERS = 5;
const CLICKS = 60;
const FIRST_US = Date.UTC(2026, 0, 1);

describe('a published dataset on Kafka (S25)', function () {
  this.timeout(180_000);
  const kafka = useKafka();
  const processes = new Processes();
  const deployment = uniqueName();
  after(() => processes.end());

  it('is JSON under the entity\'s key, each row once, whatever was killed', async () => {
    let thyme = await serve();
    expect((await processes.run(['commit', 'test/support/published-features.ts'], { env: { THYME_API_URL: thyme.restUrl } })).code).to.equal(0);
    for (let n = 0; n < CLICKS; n += 10) {
      if (n === 30) {
        await thyme.kill();
        thyme = await serve();
      }
      await push(thyme, n, 10);
    }
    await applied(thyme);
    const rows = await consume(CLICKS);
    const clicksOf = new Map<string, number>();
    for (const { key, row } of rows) {
      expect(Object.keys(row)).to.deep.equal(['user_id', 'clicks', 'mean_n_1d', 'at']);
      expect(row['user_id']).to.equal(key);
      clicksOf.set(key, (clicksOf.get(key) ?? 0) + 1);
      // Of one user in the order of the topic: a row that came twice, or not at all, would break the count.
      expect(row['clicks']).to.equal(clicksOf.get(key));
      expect(row['at']).to.match(/^2026-01-01T00:00:\d\dZ$/);
    }
    expect([...clicksOf.values()]).to.deep.equal(new Array(USERS).fill(CLICKS / USERS));
  });

  const serve = () => processes.serve(processes.subfolder('all'), ['--partitions', String(PARTITIONS)], { env: { THYME_DEPLOYMENT: deployment, THYME_KAFKA_BROKERS: kafka().brokers.join(',') } });

  async function push({ restUrl }: ThymeProcess, from: number, count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, i) => ({ user_id: `u${(from + i) % USERS}`, n: from + i, at: new Date(FIRST_US + (from + i) * 1_000).toISOString() }));
    jsonOf(await curl(`${restUrl}/api/v1/log`, { dataset: 'Click', events }));
  }

  async function applied({ restUrl }: ThymeProcess): Promise<void> {
    await curlUntil(`${restUrl}/api/v1/status`, ({ text }) => {
      const { jobs } = JSON.parse(text) as { readonly jobs: readonly { readonly progress: { readonly applied: number } }[] };
      return jobs[0]?.progress.applied === CLICKS;
    });
  }

  /** Everything committed up to the ends of now: more than is expected would be seen, too. */
  async function consume(expected: number): Promise<readonly { readonly key: string; readonly row: Readonly<Record<string, unknown>> }[]> {
    const client = new Kafka({ brokers: [...kafka().brokers], clientId: 'somebody-else', logLevel: logLevel.NOTHING });
    const topic = `${deployment}.ClickStats.v1.json`;
    const consumer = client.consumer({ groupId: `${deployment}-reader` });
    const rows: { key: string; row: Record<string, unknown> }[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const admin = client.admin();
    await admin.connect();
    const ends = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]));
    await admin.disconnect();
    await new Promise<void>((resolve, reject) => {
      const left = new Set([...ends].filter(([, end]) => end > 0).map(([partition]) => partition));
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      // Ends are those of transactions: the markers behind the last record take offsets, too.
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
        if (Number(payload.lastOffset) + 1 >= (ends.get(payload.partition) ?? 0) - 1) left.delete(payload.partition);
        if (left.size === 0 || rows.length > expected) resolve();
      });
      consumer.run({
        eachMessage: async ({ message }) => {
          rows.push({ key: message.key?.toString() ?? '', row: JSON.parse(message.value?.toString() ?? 'null') as Record<string, unknown> });
        },
      }).catch(reject);
    });
    await consumer.disconnect();
    return rows;
  }
});
