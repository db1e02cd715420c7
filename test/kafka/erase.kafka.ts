// What an erasure takes out of the files of a platform on Kafka, and out of the messages between its partitions (S26); the topics of
// datasets, the changelog and published rows keep their bytes, and the receipt says so.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Kafka, logLevel } from 'kafkajs';
import { eventually } from '../support/eventually.js';
import { curl, jsonOf, post, request } from '../support/http.js';
import { Processes, type ThymeProcess } from '../support/processes.js';
import { uniqueName, useKafka } from './kafka-fixture.js';

const PARTITIONS = 2;
const CANARY = 'payer-of-the-canary';
const PAYMENTS = 400;

describe('an erasure on Kafka (S26)', function () {
  this.timeout(180_000);
  const kafka = useKafka();
  const processes = new Processes();
  const deployment = uniqueName();
  const folder = processes.subfolder('all');
  let thyme: ThymeProcess;
  after(() => processes.end());

  it('leaves no byte in the files of stores, deletes the messages that were read, and says what stays', async () => {
    thyme = await serve();
    const { code } = await processes.run(['commit', 'test/support/erase-features.ts'], { env: { THYME_API_URL: thyme.restUrl } });
    expect(code).to.equal(0);
    await push(PAYMENTS);
    await eventually(async () => (await countOf('shop-0')) === PAYMENTS / 4, 'payments are counted');
    expect(filesWith(CANARY)).to.not.deep.equal([]);

    const { receipts } = await asAdmin('/api/v1/erase', { dataset: 'Payment', entity_ids: [CANARY] });
    const [{ id }] = receipts as readonly [{ readonly id: string }];
    await eventually(async () => (await asAdmin(`/api/v1/erasures/${id}`))['state'] === 'applied', 'the erasure is applied');
    const { due } = (await asAdmin(`/api/v1/erasures/${id}`)) as {
      readonly due: readonly { readonly what: string; readonly by: string | null }[];
    };
    expect(due.map(({ by }) => by !== null)).to.deep.equal([true, false, false]);
    expect(due[1]?.what).to.include(`${deployment}.Payment.v1, `).and.include(`${deployment}.changes`);

    const left = (): string[] => filesWith(CANARY).filter((name) => !/MANIFEST/.test(name));
    await eventually(() => left().length === 0, 'stores are written anew').catch(() => expect(left()).to.deep.equal([]));
    await eventually(async () => (await leftInRekey()) <= 1, 'messages that were read are deleted'); // the end of a transaction is no message
    await thyme.kill();
    thyme = await serve();
    expect(await countOf('shop-0')).to.equal(PAYMENTS / 4 - PAYMENTS / 8);
    await push(8);
    await eventually(async () => (await countOf('shop-0')) === PAYMENTS / 4 - PAYMENTS / 8 + 2, 'later payments count');
  });

  const serve = () =>
    processes.serve(folder, ['--partitions', String(PARTITIONS)], {
      env: { THYME_DEPLOYMENT: deployment, THYME_KAFKA_BROKERS: kafka().brokers.join(','), THYME_ERASE_WITHIN: '1s' },
    });

  /** Every second is the canary's; four shops in turn. */
  async function push(count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, n) => ({
      payer: Math.floor(n / 4) % 2 === 0 ? CANARY : `payer-${n}`,
      shop: `shop-${n % 4}`,
      at: '2026-01-01T00:00:00Z',
    }));
    jsonOf(await curl(`${thyme.restUrl}/api/v1/log`, { dataset: 'Payment', events }));
  }

  async function countOf(shop: string): Promise<unknown> {
    const { text } = await curl(`${thyme.restUrl}/features?entity_type=ShopPayments&entity_id=${shop}`);
    return (JSON.parse(text) as { readonly features?: { readonly payments: number } }).features?.payments;
  }

  async function asAdmin(path: string, body?: unknown): Promise<Record<string, unknown>> {
    const headers = { authorization: `Bearer ${thyme.adminKey}` };
    return jsonOf(body === undefined ? await request(thyme.restUrl + path, { headers }) : await post(thyme.restUrl + path, body, headers));
  }

  function filesWith(text: string): string[] {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
      try {
        return statSync(join(folder, name)).isFile() && readFileSync(join(folder, name)).includes(text);
      } catch {
        return false; // LevelDB has just removed it
      }
    });
  }

  /** The most that any partition of `rekey` has. */
  async function leftInRekey(): Promise<number> {
    const admin = new Kafka({ brokers: [...kafka().brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const offsets = await admin.fetchTopicOffsets(`${deployment}.rekey`);
      expect(offsets.some(({ high }) => Number(high) > 1)).to.equal(true);
      return Math.max(...offsets.map(({ low, high }) => Number(high) - Number(low)));
    } finally {
      await admin.disconnect();
    }
  }
});
