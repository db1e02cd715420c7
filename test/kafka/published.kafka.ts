// A published dataset as any Kafka consumer reads it: kafkajs' own, in its own group.
import { expect } from 'chai';
import { Kafka, logLevel } from 'kafkajs';
import { eventually } from '../support/eventually.js';
import { curl, curlUntil, jsonOf, post, request } from '../support/http.js';
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
  let thyme: ThymeProcess;
  after(() => processes.end());

  it("is JSON under the entity's key, each row once, whatever was killed", async () => {
    thyme = await serve();
    expect(
      (await processes.run(['commit', 'test/support/published-features.ts'], { env: { THYME_API_URL: thyme.restUrl } })).code,
    ).to.equal(0);
    for (let n = 0; n < CLICKS; n += 10) {
      if (n === 30) {
        await thyme.kill();
        thyme = await serve();
      }
      await push(thyme, n, 10);
    }
    await applied(thyme);
    const messages = await consume(CLICKS);
    const clicksOf = new Map<string, number>();
    for (const { key, value } of messages) {
      const row = JSON.parse(value ?? 'null') as Readonly<Record<string, unknown>>;
      expect(Object.keys(row)).to.deep.equal(['user_id', 'clicks', 'mean_n_1d', 'at']);
      expect(row['user_id']).to.equal(key);
      clicksOf.set(key, (clicksOf.get(key) ?? 0) + 1);
      // One user's rows lie in the order of the topic: a row that came twice, or not at all, would break the count.
      expect(row['clicks']).to.equal(clicksOf.get(key));
      expect(row['at']).to.match(/^2026-01-01T00:00:\d\dZ$/);
    }
    expect([...clicksOf.values()]).to.deep.equal(new Array(USERS).fill(CLICKS / USERS));
  });

  it("gets a tombstone for an erased entity, which has the entity's key and no value (S26)", async () => {
    const authorization = { authorization: `Bearer ${thyme.adminKey}` };
    const { receipts } = jsonOf(
      await post(`${thyme.restUrl}/api/v1/erase`, { dataset: 'Click', entity_ids: ['u1', 'u3'] }, authorization),
    ) as { readonly receipts: readonly { readonly id: string }[] };
    for (const { id } of receipts)
      await eventually(
        async () => jsonOf(await request(`${thyme.restUrl}/api/v1/erasures/${id}`, { headers: authorization }))['state'] === 'applied',
        'the erasure is applied',
      );
    const messages = await consume(CLICKS + 2);
    const tombstones = messages.filter(({ value }) => value === null);
    expect(tombstones.map(({ key }) => key).sort()).to.deep.equal(['u1', 'u3']);
    for (const user of ['u1', 'u3']) expect(messages.findLast(({ key }) => key === user)?.value, user).to.equal(null);
  });

  const serve = () =>
    processes.serve(processes.subfolder('all'), ['--partitions', String(PARTITIONS)], {
      env: { THYME_DEPLOYMENT: deployment, THYME_KAFKA_BROKERS: kafka().brokers.join(',') },
    });

  async function push({ restUrl }: ThymeProcess, from: number, count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, i) => ({
      user_id: `u${(from + i) % USERS}`,
      n: from + i,
      at: new Date(FIRST_US + (from + i) * 1_000).toISOString(),
    }));
    jsonOf(await curl(`${restUrl}/api/v1/log`, { dataset: 'Click', events }));
  }

  async function applied({ restUrl }: ThymeProcess): Promise<void> {
    await curlUntil(`${restUrl}/api/v1/status`, ({ text }) => {
      const { jobs } = JSON.parse(text) as { readonly jobs: readonly { readonly progress: { readonly applied: number } }[] };
      return jobs[0]?.progress.applied === CLICKS;
    });
  }

  /** Everything committed up to the ends of now: more than is expected would be seen, too. */
  async function consume(expected: number): Promise<readonly { readonly key: string; readonly value: string | null }[]> {
    const client = new Kafka({ brokers: [...kafka().brokers], clientId: 'somebody-else', logLevel: logLevel.NOTHING });
    const topic = `${deployment}.ClickStats.v1.json`;
    const consumer = client.consumer({ groupId: `${deployment}-reader-${expected}` });
    const messages: { key: string; value: string | null }[] = [];
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
        if (left.size === 0 || messages.length > expected) resolve();
      });
      consumer
        .run({
          eachMessage: async ({ message }) => {
            messages.push({ key: message.key?.toString() ?? '', value: message.value?.toString() ?? null });
          },
        })
        .catch(reject);
    });
    await consumer.disconnect();
    return messages;
  }
});
