// What one client can do to the answers and the sequences of others.
import { expect } from 'chai';
import { commitFile } from '../../../libs/cli/commit-command.js';
import { jsonOf, post, request, type HttpAnswer } from '../../support/http.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';

const SHOP = 'test/support/shop-features.ts';

describe('ways in: tokens and producers', function () {
  this.timeout(180_000);
  let platform: EmbeddedPlatform;
  let other: EmbeddedPlatform;
  let user = 100;

  before(async () => {
    [platform, other] = await Promise.all([startEmbeddedPlatform(), startEmbeddedPlatform()]);
    for (const { context } of [platform, other]) await commitFile(SHOP, context);
  });
  after(() => Promise.all([platform, other].map((each) => each?.stop())));

  interface Pushed {
    readonly producer_id?: string;
    readonly sequence?: number;
    readonly userId?: number;
  }

  function push({ userId = user, ...producer }: Pushed, key?: string, { url }: EmbeddedPlatform = platform): Promise<HttpAnswer> {
    const events = [{ user_id: userId, item: 'tea', price: 1, paid_at: new Date().toISOString() }];
    const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
    return post(`${url}/api/v1/log`, { dataset: 'Purchase', events, ...producer }, headers);
  }

  const read = (after: string): Promise<HttpAnswer> =>
    request(`${platform.url}/features?featureset=Buyer&entity_id=${user}&after=${encodeURIComponent(after)}`);

  async function count(token: unknown): Promise<unknown> {
    return (jsonOf(await read(String(token))).features as { readonly count_1d: unknown }).count_1d;
  }

  async function newKey(name: string, scopes: readonly string[] = ['write']): Promise<string> {
    const { body } = await platform.client.post('/api/v1/keys', { name, scopes });
    return (body as { readonly key: string }).key;
  }

  it('a token that was made up, changed, or of another deployment is 400 at once, on every read, and lifts no instant', async () => {
    const genuine = String(jsonOf(await push({})).token);
    const foreign = String(jsonOf(await push({}, undefined, other)).token);
    const made = (version: number): string =>
      Buffer.from(JSON.stringify([version, Date.now() * 1_000 + 30e6, [['thyme.Purchase.v1', 0, 1_000_000]]])).toString('base64url');
    const [payload = '', mac = ''] = genuine.split('.');
    const forged = [made(1), made(2), `${made(2)}.${mac}`, `${made(2)}.`, payload, `${payload}.${mac.slice(1)}`, foreign, `${genuine}.`];
    for (const token of forged) {
      for (const answer of [
        await read(token),
        await request(`${platform.url}/features?entity_type=Purchase&entity_id=1&after=${encodeURIComponent(token)}`),
        await post(`${platform.url}/features`, { featureset: 'Buyer', entity_id: user, after: token }),
        await post(`${platform.url}/features/batch`, { featureset: 'Buyer', entity_ids: [user], after: token }),
      ])
        expect(jsonOf(answer, 400).detail, token).to.match(/^after: /);
    }
    expect(await count(genuine)).to.equal(1);
  });

  it("a client cannot use up another's sequences: with a key, without one, or by a name that looks like it", async () => {
    const [a, b] = [await newKey('a'), await newKey('b')];
    user++;
    for (const key of [a, undefined]) jsonOf(await push({ producer_id: 'till-1', sequence: 2 ** 52, userId: 1 }, key));
    const victim = { producer_id: 'till-1', sequence: 7 };
    const { token } = jsonOf(await push(victim, b));
    expect(await count(token)).to.equal(1);
    const fingerprint = (await fingerprints()).get('b') ?? '';
    for (const mark of ['\u0001', '\u0002'])
      expect((await push({ producer_id: `${mark}${fingerprint}:till-1`, sequence: 2 ** 52 }, a)).status).to.equal(400);
    // What b repeats is a repeat, and what it goes on with is new.
    expect(await count(jsonOf(await push(victim, b)).token)).to.equal(1);
    expect(await count(jsonOf(await push({ ...victim, sequence: 8 }, b)).token)).to.equal(2);
  });

  it('a repeat without a key is one as ever', async () => {
    user++;
    const first = { producer_id: 'plain', sequence: 1 };
    jsonOf(await push(first));
    expect(await count(jsonOf(await push(first)).token)).to.equal(1);
  });

  it('a sequence that jumps by more than 2^32 is refused, and moves nothing', async () => {
    user++;
    const from = (sequence: number) => push({ producer_id: 'jumper', sequence });
    jsonOf(await from(5));
    expect(jsonOf(await from(5 + 2 ** 32 + 1), 400).detail).to.match(/^sequence: .* more than 2\^32 beyond 5/);
    expect(jsonOf(await from(Number.MAX_SAFE_INTEGER - 1), 400).detail).to.match(/^sequence: /);
    jsonOf(await from(6));
    const { token } = jsonOf(await from(6 + 2 ** 32));
    expect(await count(token)).to.equal(3);
  });

  it('a key of a client shows nowhere but in the answer that made it', async () => {
    const key = await newKey('secretive', ['read']);
    jsonOf(await request(`${platform.url}/features?featureset=Buyer&entity_id=1`, { headers: { authorization: `Bearer ${key}` } }));
    const admin = { authorization: `Bearer ${platform.adminKey}` };
    for (const path of ['/api/v1/keys', '/api/v1/status', '/api/v1/events', '/query-runs', '/metrics', '/openapi.json'])
      expect((await request(platform.url + path, { headers: admin })).text, path).to.not.contain(key);
  });

  async function fingerprints(): Promise<ReadonlyMap<string, string>> {
    const { body } = await platform.client.get('/api/v1/keys');
    const { keys } = body as { readonly keys: readonly { readonly name: string; readonly fingerprint: string }[] };
    return new Map(keys.map(({ name, fingerprint }) => [name, fingerprint]));
  }
});
