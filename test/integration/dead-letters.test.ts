// Dead letters over REST: read with their content by admins alone, and pushed again once they are mended, each counted once.
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { jsonOf, post, request } from '../support/http.js';

interface Letter {
  readonly id: string;
  readonly reason: string;
  readonly at: string;
  readonly record: string;
  readonly producer_id: string | null;
  readonly sequence: number | null;
  readonly pipeline: string | null;
}

interface LetterPage {
  readonly dead_letters: readonly Letter[];
  readonly next_cursor: string | null;
}

describe('dead letters over REST (S12, S13)', function () {
  this.timeout(120_000);
  let platform: EmbeddedPlatform;
  const at = new Date().toISOString();
  const order = { user_id: 'ann', order_id: 'o1', amount: 10, ordered_at: at };

  before(async () => {
    platform = await startEmbeddedPlatform({ partitions: 3 });
    await commitFile('infra/examples/fraud.ts', platform.context);
  });
  after(() => platform.stop());

  const admin = (): Readonly<Record<string, string>> => ({ authorization: `Bearer ${platform.adminKey}` });
  const push = (events: readonly object[], more: object = {}) => post(`${platform.url}/api/v1/log`, { dataset: 'Order', events, ...more });
  const pushAgain = (id: string, event: unknown, more: object = {}) =>
    post(`${platform.url}/api/v1/dead-letters/${id}/push`, { dataset: 'Order', event, ...more }, admin());

  async function letters(query: Readonly<Record<string, string>> = {}): Promise<LetterPage> {
    const asked = new URLSearchParams({ dataset: 'Order', ...query }).toString();
    return jsonOf(await request(`${platform.url}/api/v1/dead-letters?${asked}`, { headers: admin() })) as unknown as LetterPage;
  }

  async function ordersOf(user: string, after: string): Promise<unknown> {
    const query = new URLSearchParams({ entity_type: 'UserOrderStats', entity_id: user, field: 'total_spend_24h', after });
    return jsonOf(await request(`${platform.url}/features/rows?${query.toString()}`)).count;
  }

  it('are told with reason and content, newest first, in pages, to admins alone', async () => {
    expect(await letters()).to.deep.equal({ dead_letters: [], next_cursor: null });
    for (let i = 0; i < 7; i++) expect((await push([{ ...order, amount: `n${i}` }])).status).to.equal(422);
    const all = (await letters()).dead_letters;
    expect(all.map(({ record }) => (JSON.parse(record) as { readonly amount: string }).amount)).to.deep.equal([
      'n6',
      'n5',
      'n4',
      'n3',
      'n2',
      'n1',
      'n0',
    ]);
    expect(all[0]).to.include({ producer_id: null, sequence: null, pipeline: null });
    expect(all[0]?.reason).to.match(/^Order\.amount: /);
    const paged: Letter[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page: LetterPage = await letters({ limit: '3', ...(cursor === undefined ? {} : { cursor }) });
      expect(page.dead_letters.length).to.be.at.most(3);
      paged.push(...page.dead_letters);
      cursor = page.next_cursor;
    }
    expect(paged).to.deep.equal(all);
    expect((await request(`${platform.url}/api/v1/dead-letters?dataset=Order`)).status).to.equal(401);
    const { body } = await platform.client.post('/api/v1/keys', { name: 'writes', scopes: ['read', 'write'] });
    const headers = { authorization: `Bearer ${(body as { readonly key: string }).key}` };
    expect((await request(`${platform.url}/api/v1/dead-letters?dataset=Order`, { headers })).status).to.equal(403);
    expect((await post(`${platform.url}/api/v1/dead-letters/0-0/push`, { dataset: 'Order', event: order }, headers)).status).to.equal(403);
  });

  it('are pushed again mended, however often, and count once; what is still wrong is told and is no other letter', async () => {
    const [letter] = (await letters()).dead_letters;
    const before = (await letters()).dead_letters.length;
    const { detail } = jsonOf(await pushAgain(letter?.id ?? '', { ...order, amount: null }), 400);
    expect(detail).to.match(/^event: is still refused: Order\.amount: /);
    expect((await letters()).dead_letters.length).to.equal(before);
    let token = '';
    for (let i = 0; i < 3; i++) token = String(jsonOf(await pushAgain(letter?.id ?? '', { ...order, amount: 6 })).token);
    expect(await ordersOf('ann', token)).to.equal(1);
    // Another letter is another record, also where its content is the same.
    const other = (await letters()).dead_letters[1]?.id ?? '';
    token = String(jsonOf(await pushAgain(other, { ...order, amount: 6 })).token);
    expect(await ordersOf('ann', token)).to.equal(2);
  });

  it('go on as the producer that they came from, so that its own retry of the mended record counts no second time', async () => {
    for (const headers of [{}, admin()]) {
      const user = `bob${Object.keys(headers).length}`;
      const events = [
        { ...order, user_id: user },
        { ...order, user_id: user, amount: 'x' },
        { ...order, user_id: user, amount: 12 },
      ];
      const producer = { producer_id: `till ${user}`, sequence: 0 };
      const send = (sent: readonly object[]) =>
        post(`${platform.url}/api/v1/log`, { dataset: 'Order', events: sent, ...producer }, headers);
      expect((await send(events)).status).to.equal(422);
      const [letter] = (await letters()).dead_letters;
      expect(letter).to.include({ producer_id: `till ${user}`, sequence: 1 });
      await pushAgain(letter?.id ?? '', { ...order, user_id: user, amount: 11 });
      const retried = events.map((event, i) => (i === 1 ? { ...event, amount: 11 } : event));
      const token = String(jsonOf(await send(retried)).token);
      expect(await ordersOf(user, token)).to.equal(3);
    }
  });

  it('are refused where there is none, or where it is not one record, with the field and the fix', async () => {
    for (const id of ['9-0', '0-999', 'x', '0-0-0', '-1-0'])
      expect(jsonOf(await pushAgain(id, order), 404).detail).to.match(/^no dead letter '/);
    for (const event of [[order], 'text', 7, null])
      expect(jsonOf(await pushAgain('0-0', event), 400).detail).to.match(/^event: is no JSON object/);
    expect(jsonOf(await post(`${platform.url}/api/v1/dead-letters/0-0/push`, { dataset: 'Order' }, admin()), 400).detail).to.match(
      /^event: is missing/,
    );
    const strange = await request(`${platform.url}/api/v1/dead-letters?dataset=Ordr`, { headers: admin() });
    expect(jsonOf(strange, 404).detail).to.match(/did you mean 'Order'\?/);
    for (const cursor of ['x', 'W10', Buffer.from('[[9,1]]').toString('base64url')]) {
      const answer = await request(`${platform.url}/api/v1/dead-letters?dataset=Order&cursor=${cursor}`, { headers: admin() });
      if (cursor === 'W10') expect(jsonOf(answer)).to.include({ next_cursor: null });
      else expect(jsonOf(answer, 400).detail).to.match(/^cursor: this is no cursor/);
    }
  });
});
