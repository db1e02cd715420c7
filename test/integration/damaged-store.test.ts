// A state that the disk has damaged is built anew by its owner: the changelog has all that was in it.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { storeDamaged } from '../../libs/store/store-errors.js';
import { COMMIT_KEY } from '../../libs/change/state-keys.js';
import { EventRing } from '../../libs/telemetry/event-ring.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { systemClock } from '../../libs/time/clock.js';
import { PartitionOwner } from '../../services/aggregator/partition-owner.js';
import { openWorkedStore } from '../../services/program/worked-store.js';
import { damageFiles } from '../support/damage-files.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { dataset, field, Harness, pipeline } from './aggregator-harness.js';

const USERS = 40;

async function push({ client }: EmbeddedPlatform): Promise<string> {
  const events = Array.from({ length: 400 }, (_, i) => ({
    user_id: i % USERS,
    item: `item ${i}`,
    price: i,
    quantity: 1,
    paid_at: new Date(1_767_000_000_000 + i * 1_000).toISOString(),
  }));
  const { body } = await client.post('/api/v1/log', { dataset: 'Purchase', events });
  return (body as { readonly token: string }).token;
}

async function answersOf({ client }: EmbeddedPlatform, after: string): Promise<unknown[]> {
  return Promise.all(
    Array.from({ length: USERS }, async (_, user) => {
      const { body } = await client.post('/features', { featureset: 'Buyer', entity_id: user, timestamp: '2025-12-29T10:00:00Z', after });
      return (body as { readonly features: unknown }).features;
    }),
  );
}

describe('a damaged store of an owner', function () {
  this.timeout(60_000);

  for (const [what, files] of [
    ['a table', /\.ldb$/],
    ['the manifest', /^MANIFEST-/],
  ] as const) {
    it(`is set aside and built anew from the changelog when ${what} is damaged; every answer is as before (S13)`, async () => {
      const dataDir = join(temporaryFolder(), 'data');
      let platform = await startEmbeddedPlatform({ dataDir });
      await commitFile('test/support/shop-features.ts', platform.context);
      const token = await push(platform);
      const before = await answersOf(platform, token);
      await platform.stop();
      const folder = join(dataDir, 'store', 'p0');
      await (await openLevelStore(folder)).close(); // what was in LevelDB's log is a table now
      damageFiles(folder, files);

      const logged: string[] = [];
      platform = await startEmbeddedPlatform({ dataDir, log: (line) => logged.push(line) });
      expect(await answersOf(platform, token)).to.deep.equal(before);
      expect(logged.map((line) => (JSON.parse(line) as { readonly message: string }).message)).to.deep.equal([
        'a task failed',
        'a damaged store was set aside and is built anew',
      ]);
      expect(readdirSync(join(dataDir, 'store')).sort()).to.deep.equal(['p0', 'p0.damaged']);
      const more = await push(platform);
      expect(await answersOf(platform, more)).to.not.deep.equal(before);
      await platform.stop();
    });
  }

  it('is built anew too where a read has found the damage while it was worked, and only then', async () => {
    const harness = new Harness({ partitionCount: 1 });
    const orders = dataset('Order', [field('user_id', 'string'), field('at', 'timestamp')], ['user_id']);
    const byUser = dataset('ByUser', [field('user_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['user_id']);
    await harness.commit({
      datasets: [orders, byUser],
      pipelines: [
        pipeline('ByUser', ['Order'], {
          aggregate: { groupBy: ['user_id'], aggregations: [{ field: 'n', operator: 'count', windowUs: null }] },
        }),
      ],
    });
    const opened: boolean[] = [];
    const failures: unknown[] = [];
    const found: { damage?: Error } = {};
    const openStore = async (anew: boolean) => {
      opened.push(anew);
      return Object.defineProperty(new MemoryStore(), 'damage', { get: () => (opened.length === 1 ? found.damage : undefined) });
    };
    const owner = new PartitionOwner({
      environment: { ...harness.environment(0), clock: systemClock },
      openStore,
      tickMs: 1,
      heartbeatMs: 5,
      recentBytesMax: 1_000_000,
      onFailure: (_, cause) => failures.push(cause),
    });
    const stopping = new AbortController();
    const running = owner.run(stopping.signal);
    const sent = async (count: number): Promise<void> => {
      await harness.send('Order', [[{ user_id: 'a' }, { eventTimeUs: 1_700_000_000_000_000 + count }]]);
      await owner.view.waitFor(({ positions }) => positions.some(({ nextOffset }) => nextOffset >= count), AbortSignal.timeout(10_000));
    };
    await sent(1);
    found.damage = storeDamaged('somewhere', new Error('bits have flipped'));
    await sent(2);
    expect(harness.ask('ByUser.build', ['a'], 1_700_000_000_000_002, { view: () => owner.view }).n).to.equal(2);
    expect(failures).to.deep.equal([found.damage]);
    expect(opened).to.deep.equal([false, true]);
    stopping.abort();
    await running;
  });

  it('is set aside once, also where the new one does not open at first', async () => {
    const opened: boolean[] = [];
    const openStore = async (anew: boolean) => {
      opened.push(anew);
      if (opened.length === 1) throw storeDamaged('somewhere', new Error('bits have flipped'));
      if (opened.length === 2) throw new Error('no room for a folder');
      return new MemoryStore();
    };
    const owner = new PartitionOwner({
      environment: { ...new Harness({ partitionCount: 1 }).environment(0), clock: systemClock },
      openStore,
      tickMs: 1,
      heartbeatMs: 5,
      recentBytesMax: 1_000_000,
      onFailure: () => undefined,
    });
    const stopping = new AbortController();
    const running = owner.run(stopping.signal);
    await owner.acquired;
    expect(opened).to.deep.equal([false, true, false]);
    stopping.abort();
    await running;
  });

  it("makes room for a standby's copy on a fleet's disk, as one that is lost does", async () => {
    const folder = join(temporaryFolder(), 'p3');
    const logger = createLogger({ level: 'error', clock: systemClock, write: () => undefined });
    const events = new EventRing(systemClock);
    const options = { folder, partition: 3, standby: undefined, logger, events };
    const first = await openWorkedStore({ ...options, anew: false });
    const batch = first.batch();
    batch.put(COMMIT_KEY, new Uint8Array([1]));
    await batch.write({ sync: true });
    await first.close();
    const second = await openWorkedStore({ ...options, anew: true });
    expect(second.get(COMMIT_KEY)).to.equal(undefined);
    expect(existsSync(`${folder}.damaged`)).to.equal(true);
    expect(events.list({ limit: 9 }), 'what happened is told').to.have.length(1);
    expect(events.list({ limit: 1 })[0]).to.include({ eventType: 'store_damaged', severity: 'error', subject: 'p3' });
    await second.close();
    await (await openWorkedStore({ ...options, anew: true })).close(); // the second time as the first
  });
});
