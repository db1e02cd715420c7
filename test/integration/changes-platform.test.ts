// Updates and deletes through the whole platform (S17): pushed over REST, asked now and as of then, before and after a restart.

import { expect } from 'chai';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitFile } from '../../libs/cli/commit-command.js';
import { type EmbeddedPlatform, startEmbeddedPlatform } from '../support/embedded-platform.js';
import { jsonOf, request } from '../support/http.js';

const DAY_MS = 86_400_000;

describe('changes of rows on a platform (S17, S21, S22)', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), 'thyme-changes-'));
  let platform: EmbeddedPlatform;
  let token = '';

  before(async () => {
    platform = await startEmbeddedPlatform({ partitions: 3, dataDir: folder });
    await commitFile('test/support/changes-features.ts', platform.context);
  });
  after(async () => {
    await platform.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const nowMs = Date.now();
  const at = (daysAgo: number): string => new Date(nowMs - daysAgo * DAY_MS).toISOString();

  async function push(events: readonly object[]): Promise<void> {
    const { body } = await platform.client.post('/api/v1/log', { dataset: 'Order', events });
    token = String((body as { readonly token: string }).token);
  }

  async function shopper(user: string, more: Record<string, string> = { after: token }): Promise<unknown> {
    const query = new URLSearchParams({ featureset: 'Shopper', entity_id: user, ...more });
    const { orders, spent, largest, newest } = (
      jsonOf(await request(`${platform.url}/features?${String(query)}`)) as { features: Record<string, unknown> }
    ).features;
    return [orders, spent, largest, newest];
  }

  it('replace, move and delete a row at once, and leave what was before as it was', async () => {
    await push([
      { order_id: 'o1', user_id: 'ann', amount: 10, state: 'open', at: at(9), op_time: at(9) },
      { order_id: 'o2', user_id: 'ann', amount: 50, state: 'open', at: at(8), op_time: at(8) },
      { order_id: 'o3', user_id: 'bob', amount: 5, state: 'open', at: at(7), op_time: at(7) },
    ]);
    expect(await shopper('ann')).to.deep.equal([2, 60, 50, 'o2']);
    await push([
      { order_id: 'o2', user_id: 'ann', amount: 20, state: 'open', at: at(8), op_time: at(6) },
      { order_id: 'o1', user_id: 'bob', amount: 10, state: 'open', at: at(9), op_time: at(5) },
      { order_id: 'o3', user_id: 'bob', amount: 5, state: 'cancelled', at: at(7), op_time: at(4) },
      { order_id: 'o2', op: 'delete', op_time: at(3) },
    ]);
    expect(await shopper('ann')).to.deep.equal([0, 0, null, null]);
    expect(await shopper('bob')).to.deep.equal([1, 10, 10, 'o1']);
  });

  const history = [
    ['ann', 8.5, [1, 10, 10, 'o1']],
    ['ann', 6.5, [2, 60, 50, 'o2']],
    ['ann', 5.5, [2, 30, 20, 'o2']],
    ['ann', 4.5, [1, 20, 20, 'o2']],
    ['ann', 2.5, [0, 0, null, null]],
    ['bob', 6.5, [1, 5, 5, 'o3']],
    ['bob', 4.5, [2, 15, 10, 'o3']],
    ['bob', 3.5, [1, 10, 10, 'o1']],
  ] as const;

  it('are seen as of any instant, and the row by lookup', async () => {
    for (const [user, daysAgo, expected] of history)
      expect(await shopper(user, { timestamp: at(daysAgo) }), `${user} ${daysAgo}`).to.deep.equal(expected);
    const lookup = async (user: string, daysAgo: number): Promise<unknown> => {
      const query = new URLSearchParams({ entity_type: 'Order', entity_id: user, timestamp: at(daysAgo) });
      const { features } = jsonOf(await request(`${platform.url}/features?${String(query)}`)) as {
        features: Record<string, unknown> | null;
      };
      return features && [features['order_id'], features['amount']];
    };
    expect(await lookup('ann', 6.5)).to.deep.equal(['o2', 50]);
    expect(await lookup('ann', 5.5)).to.deep.equal(['o2', 20]);
    expect(await lookup('ann', 2.5)).to.equal(null);
    expect(await lookup('bob', 2.5)).to.deep.equal(['o3', 5]);
  });

  it('answer the same after a restart, and go on from there', async () => {
    await platform.stop();
    platform = await startEmbeddedPlatform({ partitions: 3, dataDir: folder });
    for (const [user, daysAgo, expected] of history)
      expect(await shopper(user, { timestamp: at(daysAgo) }), `${user} ${daysAgo}`).to.deep.equal(expected);
    // Resurrected, and an update that is older than the delete, which comes too late.
    await push([
      { order_id: 'o2', user_id: 'ann', amount: 99, state: 'open', at: at(8), op_time: at(3.5) },
      { order_id: 'o3', user_id: 'ann', amount: 7, state: 'open', at: at(7) },
    ]);
    expect(await shopper('ann')).to.deep.equal([1, 7, 7, 'o3']);
    expect(await shopper('ann', { timestamp: at(2.5) })).to.deep.equal([0, 0, null, null]);
  });
});
