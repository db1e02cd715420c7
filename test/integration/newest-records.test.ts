// The newest records of a dataset over REST: what was taken in last, of whichever entity, to admins alone; nothing of who was erased.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { jsonOf, post, request } from '../support/http.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const SHOP = `import { dataset, field, key, t, timestamp } from 'thyme';
@dataset({ version: 1, index: true }) export class Order { @key(t.string) user; @field(t.int) euros; @timestamp() at; }
@dataset({ version: 1, index: true, cdc: 'upsert', rowKey: ['id'] }) export class Account {
  @key(t.string) user; @field(t.string) id; @field(t.int) euros; @timestamp() at;
}`;

interface Newest {
  readonly records: readonly { readonly lane: string; readonly deleted: boolean; readonly values: Readonly<Record<string, unknown>> }[];
}

describe('newest records over REST (S17, S26)', function () {
  this.timeout(120_000);
  let platform: EmbeddedPlatform;
  const at = new Date(Math.floor(Date.now() / 1_000) * 1_000 - 60_000).toISOString().replace('.000', '');

  before(async () => {
    platform = await startEmbeddedPlatform({ partitions: 3 });
    const file = join(temporaryFolder(), 'shop.ts');
    writeFileSync(file, SHOP);
    await commitFile(file, platform.context);
  });
  after(() => platform.stop());

  const headers = (): Readonly<Record<string, string>> => ({ authorization: `Bearer ${platform.adminKey}` });
  const push = async (dataset: string, events: readonly object[]): Promise<unknown> =>
    jsonOf(await post(`${platform.url}/api/v1/log`, { dataset, events }));

  async function newest(dataset: string, limit?: string): Promise<Newest['records']> {
    const query = new URLSearchParams({ dataset, ...(limit === undefined ? {} : { limit }) }).toString();
    const { records } = jsonOf(await request(`${platform.url}/api/v1/newest-records?${query}`, { headers: headers() }));
    return records as Newest['records']; // as OpenAPI promises
  }

  it('are the last that came in, over all partitions, and no more than are asked for', async () => {
    expect(await newest('Order')).to.deep.equal([]);
    for (let i = 0; i < 30; i++) await push('Order', [{ user: `u${i}`, euros: i, at }]);
    const euros = (await newest('Order')).map(({ values }) => values['euros']);
    expect(euros).to.deep.equal(Array.from({ length: 20 }, (_, i) => 29 - i));
    const [first, ...others] = await newest('Order', '1');
    expect(others).to.deep.equal([]);
    expect(first).to.deep.include({ lane: 'push', deleted: false, values: { user: 'u29', euros: 29, at } });
  });

  it('tell of a row that was deleted that it was', async () => {
    await push('Account', [{ user: 'ann', id: 'a1', euros: 5, at }]);
    await push('Account', [{ op: 'delete', id: 'a1' }]);
    expect((await newest('Account')).map(({ deleted, values }) => [deleted, values['id']])).to.deep.equal([
      [true, 'a1'],
      [false, 'a1'],
    ]);
  });

  it('show nothing of an entity that was erased, and what came of it since', async () => {
    await push('Order', [{ user: 'gone', euros: 1, at }]);
    await push('Account', [{ user: 'gone', id: 'g1', euros: 1, at }]);
    for (const dataset of ['Order', 'Account'])
      jsonOf(await post(`${platform.url}/api/v1/erase`, { dataset, entity_ids: ['gone'] }, headers()));
    await push('Order', [{ user: 'gone', euros: 2, at }]);
    const shown = async (dataset: string): Promise<unknown[]> =>
      (await newest(dataset, '5')).flatMap(({ values }) => (values['user'] === 'gone' ? [values['euros']] : []));
    expect(await shown('Order')).to.deep.equal([2]);
    expect(await shown('Account')).to.deep.equal([]);
  });

  it('are for admins alone, and of datasets that there are', async () => {
    const url = `${platform.url}/api/v1/newest-records?dataset=Order`;
    expect((await request(url)).status).to.equal(401);
    const { body } = await platform.client.post('/api/v1/keys', { name: 'writes', scopes: ['read', 'write'] });
    const key = (body as { readonly key: string }).key;
    expect((await request(url, { headers: { authorization: `Bearer ${key}` } })).status).to.equal(403);
    const unknown = await request(`${platform.url}/api/v1/newest-records?dataset=Ordr`, { headers: headers() });
    expect(jsonOf(unknown, 404).detail).to.contain('Order');
  });
});
