// Late records over REST (S10): those that the pipelines counted, with what they hold and why, to admins alone.
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { eventually } from '../support/eventually.js';
import { jsonOf, post, request } from '../support/http.js';

const HOUR_MS = 3_600_000;

interface LatePage {
  readonly late_records: readonly {
    readonly event_time: string;
    readonly watermark: string;
    readonly max_lateness_seconds: number;
    readonly lane: string;
    readonly reason: string;
    readonly values: Readonly<Record<string, unknown>>;
  }[];
  readonly found: number;
  readonly judged: number;
  readonly unjudged: number;
  readonly forgotten: number;
}

for (const partitions of [1, 3]) {
  describe(`late records over REST, on ${partitions} partitions (S10)`, function () {
    this.timeout(120_000);
    let platform: EmbeddedPlatform;
    const nowMs = Math.floor(Date.now() / 1_000) * 1_000;
    const at = (hoursAgo: number): string => new Date(nowMs - hoursAgo * HOUR_MS).toISOString().replace('.000', '');
    const order = (user_id: string, order_id: string, hoursAgo: number) => ({ user_id, order_id, amount: 10, ordered_at: at(hoursAgo) });

    before(async () => {
      platform = await startEmbeddedPlatform({ partitions });
      await commitFile('infra/examples/fraud.ts', platform.context);
    });
    after(() => platform.stop());

    const headers = (): Readonly<Record<string, string>> => ({ authorization: `Bearer ${platform.adminKey}` });

    async function push(events: readonly object[], more: object = {}): Promise<string> {
      return String(jsonOf(await post(`${platform.url}/api/v1/log`, { dataset: 'Order', events, ...more })).token);
    }

    async function late(query: Readonly<Record<string, string>> = {}): Promise<LatePage> {
      const asked = new URLSearchParams({ dataset: 'Order', ...query }).toString();
      return jsonOf(await request(`${platform.url}/api/v1/late-records?${asked}`, { headers: headers() })) as unknown as LatePage;
    }

    async function lateDropped(): Promise<unknown> {
      const { jobs } = jsonOf(await request(`${platform.url}/api/v1/status`)) as unknown as {
        readonly jobs: readonly { readonly progress: { readonly late_dropped: number; readonly lag: number } }[];
      };
      return jobs.map(({ progress }) => [progress.late_dropped, progress.lag]);
    }

    const ids = ({ late_records }: LatePage): readonly unknown[] => late_records.map(({ values }) => values.order_id);

    it('are as many as the pipeline left out, newest first, with reason and content; a retry is told once, history never', async () => {
      expect(await late()).to.deep.equal({ late_records: [], found: 0, judged: 0, unjudged: 0, forgotten: 0 });
      for (const user of ['ann', 'bob']) {
        await push([order(user, 'now', 0)]);
        await push([order(user, 'late 2', 2), order(user, 'in time', 1)], { producer_id: user, sequence: 0 });
        await push([order(user, 'late 2', 2), order(user, 'in time', 1)], { producer_id: user, sequence: 0 });
        await push([order(user, 'history', 48)], { historical: true });
        await push([order(user, 'late 5', 5)]);
      }
      await eventually(async () => JSON.stringify(await lateDropped()) === '[[4,0]]', 'four are late, and nothing is left to read');
      const all = await late();
      expect(ids(all)).to.deep.equal(['late 5', 'late 2', 'late 5', 'late 2']);
      expect(all).to.include({ found: 4, judged: 14, unjudged: 0, forgotten: 0 });
      const [first] = all.late_records;
      expect(first).to.deep.include({ event_time: at(5), watermark: at(0), max_lateness_seconds: 3_600, lane: 'push' });
      expect(first?.values).to.deep.equal(order('bob', 'late 5', 5));
      expect(first?.reason).to.contain('18000 s before').and.contain('more than maxLateness, 3600 s');
      expect(await late(), 'asked again, nothing is judged twice').to.deep.equal(all);
    });

    it('are found by entity and by event time, both ends included', async () => {
      expect(ids(await late({ entity_id: 'ann' }))).to.deep.equal(['late 5', 'late 2']);
      expect(ids(await late({ entity_id: 'ann', from: at(5), to: at(5) }))).to.deep.equal(['late 5']);
      expect(ids(await late({ 'entity.user_id': 'ann', from: at(4.9) }))).to.deep.equal(['late 2']);
      expect(await late({ entity_id: 'nobody' })).to.deep.include({ late_records: [], found: 0 });
      const short = await late({ limit: '1' });
      expect([ids(short), short.found]).to.deep.equal([['late 5'], 4]);
      await push([order('ann', 'late 3', 3)]);
      expect(ids(await late({ entity_id: 'ann' }))).to.deep.equal(['late 3', 'late 5', 'late 2']);
    });

    it('are for admins alone, of datasets that there are, and gone once their entity is erased (S26)', async () => {
      const url = `${platform.url}/api/v1/late-records?dataset=Order`;
      expect((await request(url)).status).to.equal(401);
      const { body } = await platform.client.post('/api/v1/keys', { name: 'writes', scopes: ['read', 'write'] });
      const key = (body as { readonly key: string }).key;
      expect((await request(url, { headers: { authorization: `Bearer ${key}` } })).status).to.equal(403);
      const { detail } = jsonOf(await request(`${platform.url}/api/v1/late-records?dataset=Ordr`, { headers: headers() }), 404);
      expect(detail).to.contain('Order');
      jsonOf(await post(`${platform.url}/api/v1/erase`, { dataset: 'Order', entity_ids: ['ann'] }, headers()));
      expect(ids(await late({ entity_id: 'ann' }))).to.deep.equal([]);
      expect(ids(await late())).to.deep.equal(['late 5', 'late 2']);
    });
  });
}
