// A dataset's version raised while records come (S19a): through the whole platform, restarts included.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { planFile } from '../../libs/cli/plan-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { jsonOf, post, request } from '../support/http.js';

const IMPORTS = "import { Count, LastK, Sum, dataset, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';\n";

const ORDER = `@dataset({ version: 1, index: true }) export class Order {
  @key(t.string) user; @field(t.int) euros; @timestamp() at;
}`;
const ORDER_2 = (upgrade: string): string => `@dataset({ version: 2, index: true, ${upgrade} }) export class Order {
  @key(t.string) user; @field(t.int) cents; @timestamp() at;
}`;
const CENTS =
  "upgrade: (old) => { if (old.euros === 13) throw new Error('unlucky'); return { ...old, cents: old.euros === 14 ? 'many' : old.euros * 100 }; }";

const stats = (of: string, version: number): string => `@dataset({ version: 1, index: true }) export class Stats {
  @key(t.string) user; @field(t.int) orders; @field(t.int) spent; @field(t.list(t.int)) last; @timestamp() at;
  @pipeline({ version: ${version}, inputs: [Order] }) static build(orders) {
    return orders.groupBy('user').aggregate({ orders: Count(), spent: Sum({ of: '${of}' }), last: LastK({ of: '${of}', k: 100 }) });
  }
}
@featureset({ entity: 'user' }) export class Signals {
  @feature(t.string, { id: 1 }) user;
  @feature(t.int, { id: 2, ref: [Stats, 'orders'] }) orders;
  @feature(t.int, { id: 3, ref: [Stats, 'spent'] }) spent;
  @feature(t.list(t.int), { id: 4, ref: [Stats, 'last'] }) last;
}`;
const BEFORE = `${ORDER}\n${stats('euros', 1)}`;
const AFTER = (upgrade: string): string => `${ORDER_2(upgrade)}\n${stats('cents', 2)}`;

const AT = '2026-11-01T00:00:00.123456Z';

class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'thyme-upgrade-'));
  platform!: EmbeddedPlatform;

  async start(partitions: number): Promise<void> {
    this.platform = await startEmbeddedPlatform({ partitions, dataDir: join(this.folder, 'data') });
  }

  async end(): Promise<void> {
    await this.platform.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  file(source: string): string {
    const path = join(this.folder, 'shop.ts');
    writeFileSync(path, IMPORTS + source);
    return path;
  }

  commit(source: string): Promise<void> {
    return commitFile(this.file(source), this.platform.context, { removes: ['all'] });
  }

  async push(dataset: string, events: readonly object[], more: object = {}): Promise<string> {
    const answer = jsonOf(await post(`${this.platform.url}/api/v1/log`, { dataset, events, ...more }));
    expect(answer.events_sent, JSON.stringify(answer)).to.equal(events.length);
    return String(answer.token);
  }

  async features(user: string, token: string): Promise<Record<string, unknown>> {
    const answer = jsonOf(
      await request(`${this.platform.url}/features?featureset=Signals&entity_id=${user}&after=${encodeURIComponent(token)}`),
    );
    expect(answer.features, JSON.stringify(answer)).to.be.an('object');
    return answer.features as Record<string, unknown>;
  }

  async lookup(dataset: string, user: string): Promise<unknown> {
    const { text } = await request(`${this.platform.url}/features?entity_type=${encodeURIComponent(dataset)}&entity_id=${user}`);
    const answer = JSON.parse(text) as { readonly features?: unknown; readonly detail?: unknown };
    return answer.features ?? answer.detail;
  }
}

for (const partitions of [1, 3]) {
  describe(`an upgraded dataset, on ${partitions} partitions (S19a)`, function () {
    this.timeout(120_000);
    let world: World;
    beforeEach(async () => {
      world = new World();
      await world.start(partitions);
      await world.commit(BEFORE);
    });
    afterEach(() => world.end());

    it('carries the records of the version before over, in order, before what is pushed to it', async () => {
      await world.push(
        'Order',
        [1, 2, 3].map((euros) => ({ user: 'a', euros, at: AT })),
      );
      const module = AFTER(CENTS);
      world.platform.printed.length = 0;
      await planFile(world.file(module), world.platform.context);
      expect(world.platform.printed.join('\n')).to.match(
        /Order: version 1 → 2: 3 records of version 1 will be carried over.*features switch/,
      );
      await world.commit(module);
      const token = await world.push('Order', [{ user: 'a', cents: 4, at: AT }]);
      expect(await world.features('a', token)).to.deep.include({ orders: 4, spent: 604, last: [4, 300, 200, 100] });
      await world.platform.stop();
      await world.start(partitions);
      expect(await world.features('a', token), 'after a restart').to.deep.include({ orders: 4, spent: 604 });
      const again = await world.push('Order', [{ user: 'a', cents: 5, at: AT }]);
      expect(await world.features('a', again)).to.deep.include({ orders: 5, spent: 609 });
    });

    it('sets aside what the function throws at, and what does not fit, with the reason, and counts them', async () => {
      await world.push(
        'Order',
        [12, 13, 14, 15].map((euros) => ({ user: 'a', euros, at: AT })),
      );
      await world.commit(AFTER(CENTS));
      const token = await world.push('Order', [{ user: 'a', cents: 1, at: AT }]);
      expect(await world.features('a', token)).to.deep.include({ orders: 3, spent: 2_701 });
      const { tasks, backfills } = jsonOf(await request(`${world.platform.url}/api/v1/status`));
      expect([backfills, Array.isArray(tasks)]).to.deep.equal([[], true]);
    });

    it('carries what still comes to the old version, and knows a producer again in the new one', async () => {
      const producer = { producer_id: 'p', sequence: 0 };
      await world.push('Order', [{ user: 'a', euros: 1, at: AT }], producer);
      await world.commit(AFTER(CENTS));
      await world.features('a', await world.push('Order', [{ user: 'a', cents: 7, at: AT }], producer)); // a repeat
      await world.push('Order@1', [{ user: 'a', euros: 2, at: AT }], { producer_id: 'p', sequence: 1 });
      const deadline = AbortSignal.timeout(20_000);
      for (;;) {
        const features = await world.features('a', await world.push('Order', [{ user: 'b', cents: 1, at: AT }]));
        if (features.orders === 2) {
          expect(features).to.deep.include({ spent: 300 });
          break;
        }
        deadline.throwIfAborted();
      }
    });

    it('answers for the old version beside the new one, until it is retired', async () => {
      await world.push('Order', [{ user: 'a', euros: 1, at: AT }]);
      await world.commit(AFTER(CENTS));
      const token = await world.push('Order', [{ user: 'a', cents: 7, at: '2026-11-02' }]);
      await world.features('a', token);
      expect(await world.lookup('Order', 'a')).to.deep.include({ cents: 7 });
      expect(await world.lookup('Order@1', 'a')).to.deep.include({ euros: 1 });
      await world.commit(`${AFTER(CENTS)}\nexport const next = 1;`);
      await world.features('a', await world.push('Order', [{ user: 'b', cents: 7, at: '2026-11-02' }]));
      expect(await world.lookup('Order@1', 'a')).to.match(/retired/);
    });

    it('starts empty where it says so', async () => {
      await world.push('Order', [{ user: 'a', euros: 1, at: AT }]);
      await world.commit(AFTER("upgrade: 'empty'"));
      expect(await world.features('a', await world.push('Order', [{ user: 'a', cents: 7, at: AT }]))).to.deep.include({
        orders: 1,
        spent: 7,
      });
    });
  });
}
