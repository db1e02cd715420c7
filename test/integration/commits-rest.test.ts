// Commits over REST: what was committed when, what each changed, and the code of it for admins alone.
import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { jsonOf, request } from '../support/http.js';
import { temporaryFolder } from '../support/temporary-folder.js';

interface CodeAnswer {
  readonly id: string;
  readonly functions: readonly { readonly name: string; readonly code: string; readonly before: string | null }[];
}

describe('commits over REST', function () {
  this.timeout(120_000);
  let platform: EmbeddedPlatform;

  before(async () => {
    platform = await startEmbeddedPlatform();
    const source = readFileSync('infra/examples/fraud.ts', 'utf8');
    const path = join(temporaryFolder(), 'fraud.ts');
    writeFileSync(path, source);
    await commitFile(path, platform.context);
    writeFileSync(path, source.replace('order_count_1h > 5', 'order_count_1h > 6').replace('One row per order', 'A row for each order'));
    await commitFile(path, platform.context);
  });
  after(() => platform.stop());

  const get = async (path: string, status = 200, headers: Readonly<Record<string, string>> = {}) =>
    jsonOf(await request(`${platform.url}${path}`, { headers }), status);
  const asAdmin = (): Readonly<Record<string, string>> => ({ authorization: `Bearer ${platform.adminKey}` });

  it('are listed, newest first, and tell what each changed', async () => {
    const { commits } = (await get('/api/v1/commits')) as { readonly commits: readonly { readonly id: string }[] };
    expect(commits.map(({ id }) => id)).to.deep.equal(['2', '1']);
    expect(commits[0]).to.include({ datasets: 2, pipelines: 1, featuresets: 1 });
    expect((await get('/api/v1/commits?limit=1'))['commits']).to.have.length(1);
    const first = (await get('/api/v1/commits/1')) as { readonly changes: readonly { readonly kind: string; readonly subject: string }[] };
    expect(first.changes.every(({ kind }) => kind === 'added')).to.equal(true);
    expect(first.changes.map(({ subject }) => subject)).to.include.members(['Order', 'UserOrderStats', 'FraudSignals']);
    const latest = await get('/api/v1/commits/latest');
    expect(latest).to.include({ id: '2', code_changed: true });
    expect(latest['changes']).to.deep.include({ kind: 'changed', subject: 'Order', detail: 'description' });
  });

  it('give the code of what changed, and of one function, to admins alone, before and after', async () => {
    const changed = (await get('/api/v1/commits/2/code', 200, asAdmin())) as unknown as CodeAnswer;
    expect(changed.functions.map(({ name }) => name)).to.deep.equal(['FraudSignals.suspicious']);
    expect(changed.functions[0]?.code).to.include('order_count_1h > 6');
    expect(changed.functions[0]?.before).to.include('order_count_1h > 5');
    const one = (await get('/api/v1/commits/latest/code?name=UserOrderStats.stats', 200, asAdmin())) as unknown as CodeAnswer;
    expect(one.functions[0]?.code).to.match(/^static stats\(orders\) \{\n {2}return orders\.filter/);
    expect(one.functions[0]?.before).to.equal(one.functions[0]?.code);
    await get('/api/v1/commits/2/code', 401);
    const { body } = await platform.client.post('/api/v1/keys', { name: 'reads', scopes: ['read', 'write'] });
    await get('/api/v1/commits/2/code', 403, { authorization: `Bearer ${(body as { readonly key: string }).key}` });
  });

  it('are refused where there is none, with what is known', async () => {
    expect((await get('/api/v1/commits/9', 404))['detail']).to.match(/9/);
    for (const id of ['0', '-1', 'first', '1.5'])
      expect((await get(`/api/v1/commits/${id}`, 400))['detail']).to.match(/^id: '.*' is no commit/);
    expect((await get('/api/v1/commits/2/code?name=FraudSignals.suspicous', 400, asAdmin()))['detail']).to.match(
      /^name: .*did you mean 'FraudSignals\.suspicious'\?/,
    );
  });
});
