import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { ThymeClient, RestError } from '../../libs/client/thyme-client.js';
import { FraudSignals, Order } from '../../infra/examples/fraud.js';
import { writeCarts } from '../../infra/examples/training-carts.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { withoutFlightFiles } from '../support/no-flight-files.js';
import { cli } from './cli/cli-run.js';

describe('the fraud example as a training set', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), 'thyme-carts-'));
  const now = Date.now();
  const minutesAgo = (minutes: number): Date => new Date(now - minutes * 60_000);
  let platform: EmbeddedPlatform;
  let client: ThymeClient;
  let removeFlights = (): void => undefined;

  before(async () => {
    platform = await startEmbeddedPlatform({ partitions: 2 });
    client = new ThymeClient({ apiUrl: platform.url });
    const { context } = platform;
    removeFlights = await withoutFlightFiles(() => commitFile('infra/examples/features.ts', context));
    const order = (i: number): Order =>
      Object.assign(new Order(), { user_id: 'user_1', order_id: `o${i}`, amount: 70, ordered_at: minutesAgo(i === 0 ? 10 : 3) });
    const { token } = await client.log(Order, [order(0), order(1)], { historical: true });
    await client.query(FraudSignals, 'user_1', { inputs: { cart_total: 0 }, after: token ?? '' });
  });
  after(async () => {
    await platform.stop();
    removeFlights();
    rmSync(folder, { recursive: true, force: true });
  });

  it('asks by the typed client, with the cart of each row', async () => {
    const questions = [
      { entity: 'user_1', timestamp: minutesAgo(5), inputs: { cart_total: 29 } },
      { entity: 'user_1', timestamp: minutesAgo(5), inputs: { cart_total: 31 } },
      { entity: 'user_1', timestamp: minutesAgo(1), inputs: { cart_total: 31 } },
    ];
    const rows = [];
    for await (const { features, inputs } of client.queryOffline(FraudSignals, questions, { knownAt: 'timestamp' }))
      rows.push([inputs.cart_total, features.cart_total, features.total_spend_24h, features.is_suspicious]);
    expect(rows).to.deep.equal([
      [29, 29, 70, false],
      [31, 31, 70, true],
      [31, 31, 140, false],
    ]);
    const batch = await client.queryBatch(FraudSignals, ['user_1', 'user_2'], { inputs: [{ cart_total: 59 }, { cart_total: 1 }] });
    expect(batch.rows.map(({ is_suspicious }) => is_suspicious)).to.deep.equal([false, true]);
    const shared = await client.queryBatch(FraudSignals, ['user_1', 'user_2'], { inputs: { cart_total: 61 } });
    expect(shared.rows.map(({ is_suspicious }) => is_suspicious)).to.deep.equal([true, true]);
  });

  it('counts the rows of several requests from the first one of all', async () => {
    const questions = Array.from({ length: 5_010 }, (_, i) => ({
      entity: i === 5_007 ? '' : 'user_1',
      timestamp: minutesAgo(1),
      inputs: { cart_total: 1 },
    }));
    const ask = async (): Promise<number> => {
      let rows = 0;
      for await (const _row of client.queryOffline(FraudSignals, questions)) rows++;
      return rows;
    };
    const error: unknown = await ask().then(String, (thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(RestError);
    expect(String(error)).to.match(/queries\[5007\]\.entity_id/);
  });

  it('asks by the file that `npm start` writes', async () => {
    const { code, out, err } = await cli(
      platform.url,
      'query-offline',
      'FraudSignals',
      '-i',
      writeCarts(folder, now),
      '--known-at',
      'timestamp',
    );
    expect(code, err).to.equal(0);
    expect(err).to.match(/left out: is_fraud/);
    const rows = out
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly entity_id: unknown; readonly features: Record<string, unknown> });
    expect(rows).to.have.length(20);
    const spent = rows
      .filter(({ features }) => features.user_id === 'user_1')
      .map(({ features }) => [features.cart_total, features.total_spend_24h]);
    expect(spent).to.deep.equal([
      [20, 70],
      [900, 70],
      [20, 140],
      [900, 140],
    ]);
  });
});
