// Why a value is what it is: the rows that REST lists are what a person would add up by hand, of whole records that the test pushed itself.
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { eventually } from '../support/eventually.js';
import { jsonOf, request } from '../support/http.js';

const HOUR_MS = 3_600_000;

interface Listed {
  readonly as_of: string;
  readonly window_seconds: number | null;
  readonly value: unknown;
  readonly count: number;
  readonly next_cursor: string | null;
  readonly rows: readonly {
    readonly event_time: string;
    readonly known_at: string;
    readonly counts_from: string | null;
    readonly ended_at: string | null;
    readonly values: Readonly<Record<string, unknown>>;
  }[];
}

describe('the rows of a value over REST (S2, S17, S22, S26)', function () {
  this.timeout(120_000);
  let platform: EmbeddedPlatform;
  let token = '';
  const nowMs = Math.floor(Date.now() / 1_000) * 1_000;
  const at = (hoursAgo: number): string => new Date(nowMs - hoursAgo * HOUR_MS).toISOString().replace('.000', '');

  before(async () => {
    platform = await startEmbeddedPlatform({ partitions: 3 });
    await commitFile('infra/examples/fraud.ts', platform.context);
  });
  after(() => platform.stop());

  async function push(dataset: string, events: readonly object[]): Promise<void> {
    const { body } = await platform.client.post('/api/v1/log', { dataset, events });
    token = String((body as { readonly token: string }).token);
  }

  async function rows(query: Readonly<Record<string, string>>, status = 200): Promise<Listed & { readonly detail: string }> {
    const answer = await request(`${platform.url}/features/rows?${new URLSearchParams({ after: token, ...query }).toString()}`);
    return jsonOf(answer, status) as unknown as Listed & { readonly detail: string };
  }

  const orders = Array.from({ length: 130 }, (_, i) => ({
    user_id: i % 10 === 0 ? 'bob' : 'ann',
    order_id: `o${i}`,
    amount: i % 7 === 0 ? 20_000 + i : i / 4,
    ordered_at: at(i),
  }));
  /** As the definitions say: amounts above 0, of one user, within the window. */
  const within = (user: string, hours: number) =>
    orders
      .filter((order, i) => order.user_id === user && order.amount > 0 && i <= hours)
      .map(({ amount, ordered_at }) => ({ amount, ordered_at }));

  it('add up to the value, over all pages, both ends of the window included', async () => {
    await push('Order', [...orders].reverse()); // oldest first: later than an hour is late (S10)
    const asked = { entity_type: 'UserOrderStats', entity_id: 'ann', timestamp: at(0) };
    const expected = within('ann', 24);
    const spent = await rows({ ...asked, field: 'total_spend_24h', limit: '200' });
    expect(spent.rows.map(({ event_time, values }) => ({ ordered_at: event_time, ...values }))).to.deep.equal(
      expected.map(({ amount, ordered_at }) => ({ ordered_at, amount })),
    );
    expect(spent).to.include({ window_seconds: 86_400, count: expected.length, next_cursor: null });
    expect(spent.value).to.be.closeTo(
      expected.reduce((sum, { amount }) => sum + amount, 0),
      1e-6,
    );
    const counted = await rows({ ...asked, field: 'order_count_1h' });
    expect([counted.value, counted.count, counted.rows.length]).to.deep.equal([1, 1, 1]);
    expect(counted.rows[0]?.values, 'what is only counted has no values').to.deep.equal({});
    const small = within('ann', 168).filter(({ amount }) => amount < 10_000);
    const paged: unknown[] = [];
    let cursor: string | null = '';
    for (; cursor !== null;) {
      const { timestamp: _, ...first } = asked;
      const page: Listed = await rows({
        ...(cursor === '' ? asked : first),
        field: 'total_spend_7d',
        limit: '9',
        ...(cursor === '' ? {} : { cursor }),
      });
      expect(page.as_of, 'a cursor goes on as of the same instant').to.equal(at(0));
      paged.push(...page.rows.map(({ values }) => values['amount']));
      cursor = page.next_cursor;
    }
    expect(paged).to.deep.equal(small.map(({ amount }) => amount));
  });

  it('tell what came later than one knew', async () => {
    const known = new Date().toISOString();
    await push('Order', [{ user_id: 'ann', order_id: 'late', amount: 5.5, ordered_at: at(0.5) }]);
    const asked = { entity_type: 'UserOrderStats', entity_id: 'ann', field: 'order_count_1h', timestamp: at(0), known_at: known };
    const later = await rows({ ...asked, which: 'later' });
    expect(later.rows.map(({ event_time }) => event_time)).to.deep.equal([at(0.5)]);
    expect(Date.parse(later.rows[0]?.known_at ?? '')).to.be.at.least(Date.parse(known));
    expect([later.value, later.count]).to.deep.equal([1, 1]);
    const { known_at: _, ...now } = asked;
    expect(await rows(now)).to.include({ value: 2, count: 2 });
    expect((await rows({ ...now, which: 'later' }, 400)).detail).to.match(/^known_at: is missing: what came later than when/);
  });

  it('refuse what they cannot list, with the field and the fix', async () => {
    const asked = { entity_type: 'UserOrderStats', entity_id: 'ann' };
    expect((await rows(asked, 400)).detail).to.match(/^field: is missing: send one of order_count_1h, /);
    expect((await rows({ ...asked, field: 'order_count_2h' }, 400)).detail).to.match(/did you mean 'order_count_1h'\?/);
    expect((await rows({ ...asked, field: 'order_count_1h', window: '1h' }, 400)).detail).to.match(/^window: .* has a window of its own/);
    expect((await rows({ ...asked, field: 'order_count_1h', which: 'all' }, 400)).detail).to.match(
      /^which: 'all' is none of counted, ended, later/,
    );
    for (const cursor of ['x', 'W10', Buffer.from('[1,2,3,"4"]').toString('base64url'), 'A'.repeat(200)])
      expect((await rows({ ...asked, field: 'order_count_1h', cursor }, 400)).detail).to.match(/^cursor: this is no cursor/);
    expect((await rows({ entity_type: 'Order', entity_id: 'ann' }, 409)).detail).to.match(/give the dataset { index: true }/);
    expect((await rows({ entity_type: 'UserOrderStat', entity_id: 'ann', field: 'x' }, 404)).detail).to.match(
      /did you mean 'UserOrderStats'\?/,
    );
  });
});

describe('the rows of a value that changed (S17, S26)', function () {
  this.timeout(120_000);
  let platform: EmbeddedPlatform;
  let token = '';
  const nowMs = Math.floor(Date.now() / 1_000) * 1_000;
  const at = (hoursAgo: number): string => new Date(nowMs - hoursAgo * HOUR_MS).toISOString().replace('.000', '');

  before(async () => {
    platform = await startEmbeddedPlatform({ partitions: 3 });
    await commitFile('test/support/changes-features.ts', platform.context);
  });
  after(() => platform.stop());

  async function rows(query: Readonly<Record<string, string>>): Promise<Listed> {
    const asked = new URLSearchParams({ after: token, entity_id: 'ann', ...query });
    return jsonOf(await request(`${platform.url}/features/rows?${asked.toString()}`)) as unknown as Listed;
  }

  it('tell what was taken back and when, as of each instant, and of whole records; erased ones are gone', async () => {
    const order = { user_id: 'ann', state: 'open' };
    const events = [
      { ...order, order_id: 'o1', amount: 10, at: at(9), op_time: at(9) },
      { ...order, order_id: 'o2', amount: 50, at: at(8), op_time: at(8) },
      { ...order, order_id: 'o2', amount: 20, at: at(8), op_time: at(6) },
      { order_id: 'o1', op: 'delete', op_time: at(3) },
    ];
    token = String(((await platform.client.post('/api/v1/log', { dataset: 'Order', events })).body as { readonly token: string }).token);
    const spent = { entity_type: 'UserOrders', field: 'spent' };
    const amounts = ({ rows: listed }: Listed): unknown[] => listed.map(({ values }) => values['amount']);
    expect(amounts(await rows({ ...spent, timestamp: at(7) }))).to.deep.equal([50, 10]);
    expect(amounts(await rows({ ...spent, timestamp: at(4) }))).to.deep.equal([20, 10]);
    const now = await rows(spent);
    expect([now.value, now.count, amounts(now)]).to.deep.equal([20, 1, [20]]);
    expect(now.rows[0]?.counts_from).to.equal(at(6));
    const ended = await rows({ ...spent, which: 'ended' });
    expect(ended.rows.map(({ ended_at, values }) => [ended_at, values['amount']])).to.deep.equal([
      [at(3), 10],
      [at(6), 50],
    ]);
    expect(amounts(await rows({ ...spent, which: 'ended', timestamp: at(4) }))).to.deep.equal([50]);
    const ids = async (window: string): Promise<unknown[]> =>
      (await rows({ entity_type: 'Order', window, timestamp: at(1) })).rows.map(({ values }) => values['order_id']);
    expect([await ids('6h'), await ids('7h')]).to.deep.equal([[], ['o2']]);
    const all = await rows({ entity_type: 'Order' });
    expect(all.rows.map(({ values }) => [values['order_id'], values['amount'], values['state']])).to.deep.equal([['o2', 20, 'open']]);
    const last = await rows({ entity_type: 'UserOrders', field: 'newest' });
    expect([last.value, last.rows.map(({ values }) => values['order_id'])]).to.deep.equal(['o2', ['o2']]);
    await platform.client.post('/api/v1/erase', { dataset: 'Order', entity_ids: ['ann'] });
    await eventually(async () => {
      const [gone, taken] = [await rows(spent), await rows({ ...spent, which: 'ended' })];
      return gone.rows.length === 0 && gone.count === 0 && taken.rows.length === 0;
    }, 'erased rows are gone from both lists');
  });
});
