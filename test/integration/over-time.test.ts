// One entity's rows as of many instants, of a dataset's version and of the one before it (S19a): what a lookup at each instant answers.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { eventually } from '../support/eventually.js';
import { jsonOf, post, request } from '../support/http.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const IMPORTS = "import { dataset, field, key, t, timestamp } from 'thyme';\n";
const ORDER = `${IMPORTS}@dataset({ version: 1, index: true }) export class Order {
  @key(t.string) user; @field(t.int) euros; @timestamp() at;
}`;
const ORDER_2 = `${IMPORTS}@dataset({ version: 2, index: true, upgrade: (old) => ({ ...old, cents: old.euros * 100 }) }) export class Order {
  @key(t.string) user; @field(t.int) cents; @timestamp() at;
}`;

for (const partitions of [1, 3]) {
  describe(`rows over time over REST, on ${partitions} partitions (S15, S19a, S22)`, function () {
    this.timeout(120_000);
    let platform: EmbeddedPlatform;
    const startMs = Math.floor(Date.now() / 1_000) * 1_000 - 60_000;
    const at = (second: number): string => new Date(startMs + second * 1_000).toISOString().replace('.000', '');
    const instants = [20, 0, 10, 5, 15].map(at);

    before(async () => {
      platform = await startEmbeddedPlatform({ partitions });
    });
    after(() => platform.stop());

    async function commit(source: string): Promise<void> {
      const file = join(temporaryFolder(), 'shop.ts');
      writeFileSync(file, source);
      await commitFile(file, platform.context, { removes: ['all'] });
    }

    async function overTime(entity_type: string, more: object = {}, status = 200): Promise<Record<string, unknown>> {
      return jsonOf(
        await post(`${platform.url}/features/over-time`, { entity_type, entity_id: 'a', timestamps: instants, ...more }),
        status,
      );
    }

    async function lookup(entity_type: string, timestamp: string, more: Readonly<Record<string, string>> = {}): Promise<unknown> {
      const query = new URLSearchParams({ entity_type, entity_id: 'a', timestamp, ...more });
      return jsonOf(await request(`${platform.url}/features?${query.toString()}`)).features;
    }

    async function expectLookups(entity_type: string, more: Readonly<Record<string, string>> = {}): Promise<readonly unknown[]> {
      const { results } = (await overTime(entity_type, more)) as {
        readonly results: readonly { readonly timestamp: string; readonly features: unknown }[];
      };
      expect(results.map(({ timestamp }) => timestamp)).to.deep.equal(instants);
      for (const { timestamp, features } of results) expect(features).to.deep.equal(await lookup(entity_type, timestamp, more));
      return results.map(({ features }) => features);
    }

    it('are what a lookup answers at each instant, in their order, of both versions; on record as one lookup', async () => {
      await commit(ORDER);
      for (const second of [5, 15]) {
        const event = { user: 'a', euros: second, at: at(second) };
        const { token } = jsonOf(await post(`${platform.url}/api/v1/log`, { dataset: 'Order', events: [event] }));
        await lookup('Order', at(20), { after: String(token) });
      }
      expect(await expectLookups('Order')).to.deep.equal([15, null, 5, 5, 15].map((euros) => euros && { ...rowOf(euros), euros }));
      await commit(ORDER_2);
      await eventually(async () => JSON.stringify(await lookup('Order', at(20))).includes('"cents":1500'), 'the new version serves');
      expect(await expectLookups('Order')).to.deep.equal(
        [15, null, 5, 5, 15].map((euros) => euros && { ...rowOf(euros), cents: euros * 100 }),
      );
      expect(await expectLookups('Order@1')).to.deep.equal([15, null, 5, 5, 15].map((euros) => euros && { ...rowOf(euros), euros }));
      const known = at(0);
      expect(await expectLookups('Order@1', { known_at: known }), 'nothing was known yet').to.deep.equal(instants.map(() => null));
      const answer = await post(`${platform.url}/features/over-time`, { entity_type: 'Order@1', entity_id: 'a', timestamps: instants });
      const id = answer.headers.get('x-query-run-id') ?? '';
      const runAt = `${platform.url}/query-runs/${id}`;
      await eventually(async () => (await request(runAt)).status === 200, 'the run is written');
      const run = jsonOf(await request(runAt));
      expect(run).to.include({ featureset: 'Order@1', kind: 'lookup', row_count: 4, error: null });
    });

    it('refuse what is no instant, the future, too many, and a version that there is not, each by its name', async () => {
      expect((await overTime('Order', { timestamps: [at(0), 'soon'] }, 400)).detail).to.match(/^timestamps\[1\]/);
      expect((await overTime('Order', { timestamps: [at(7_200)] }, 400)).detail).to.match(
        /^timestamps\[0\]: .* ahead of the server's clock/,
      );
      expect((await overTime('Order', { timestamps: instants.concat(Array(252).fill(at(0))) }, 400)).detail).to.match(/^timestamps: .*256/);
      expect((await overTime('Order@7', {}, 404)).detail).to.contain('Order@2');
      expect((await overTime('Order', { timestamps: undefined }, 400)).detail).to.match(/^timestamps/);
    });

    const rowOf = (second: number) => ({ user: 'a', at: at(second) });
  });
}
