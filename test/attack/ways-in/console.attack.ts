// The console brings a page to the port, and a link that is worth an admin's key. Neither may be of use to anybody else.
import { expect } from 'chai';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { jsonOf, post, request, type HttpAnswer } from '../../support/http.js';
import { rawRequest } from './raw-request.js';

const LINKS = '/api/v1/console/links';
const SESSIONS = '/api/v1/console/sessions';
const JSON_TYPE = { 'content-type': 'application/json' };

describe('ways in: the console', function () {
  this.timeout(120_000);
  let platform: EmbeddedPlatform;
  let host: string;

  before(async () => {
    platform = await startEmbeddedPlatform({ keysRequired: true });
    ({ host } = new URL(platform.url));
  });
  after(() => platform.stop());

  const bearer = (key: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${key}` });
  const makeLink = async (): Promise<string> => String(jsonOf(await post(platform.url + LINKS, {}, bearer(platform.adminKey))).link);
  const exchange = (link: unknown): Promise<HttpAnswer> => post(platform.url + SESSIONS, { link });

  it('exchanges a link once, whoever is first, also when many try at the same moment', async () => {
    const link = await makeLink();
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(link)));
    const [first, ...others] = answers.filter(({ status }) => status === 200);
    expect(others).to.deep.equal([]);
    expect(answers.filter(({ status }) => status === 401)).to.have.length(19);
    const { key } = jsonOf(first ?? (await exchange(link))) as { readonly key: string };
    expect(key).to.match(/^thyme_[\w-]{43}$/);
    expect((await request(`${platform.url}/api/v1/keys`, { headers: bearer(key) })).status).to.equal(200);
    // The link itself is no key, and neither is one of another length or type.
    expect((await request(`${platform.url}/api/v1/status`, { headers: bearer(link) })).status).to.equal(401);
    for (const wrong of ['', link.slice(1), `${link}A`, 'A'.repeat(link.length), 1, null, [link], { link }])
      expect((await exchange(wrong)).status, JSON.stringify(wrong)).to.be.oneOf([400, 401]);
  });

  it('makes no link for who is not admin, and forgets the oldest rather than keep any number', async () => {
    const { key } = jsonOf(
      await post(`${platform.url}/api/v1/keys`, { name: 'writes', scopes: ['read', 'write'] }, bearer(platform.adminKey)),
    ) as { readonly key: string };
    expect((await post(platform.url + LINKS, {})).status).to.equal(401);
    expect((await post(platform.url + LINKS, {}, bearer(key))).status).to.equal(403);
    const oldest = await makeLink();
    for (let i = 0; i < 16; i += 1) await makeLink();
    expect((await exchange(oldest)).status).to.equal(401);
  });

  it('gives a page of another origin neither the page, nor a key for a link that it learned, nor a frame', async () => {
    const link = await makeLink();
    for (const [origin, site] of [
      ['http://127.0.0.1:3000', 'same-site'],
      ['http://localhost:3000', 'cross-site'],
      ['https://evil.example', 'cross-site'],
      ['null', 'cross-site'],
    ] as const) {
      const headers = { host, origin, 'sec-fetch-site': site, ...JSON_TYPE };
      expect((await rawRequest(platform.url, { method: 'POST', path: SESSIONS, body: JSON.stringify({ link }), headers })).status).to.equal(
        403,
      );
      const framed = { host, 'sec-fetch-site': site, 'sec-fetch-dest': 'iframe' };
      for (const path of ['/', '/console/page.js'])
        expect((await rawRequest(platform.url, { path, headers: framed })).status, path).to.equal(403);
    }
    const own = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin', ...JSON_TYPE };
    const answer = await rawRequest(platform.url, { method: 'POST', path: SESSIONS, body: JSON.stringify({ link }), headers: own });
    expect(answer.status, 'the refused ones had not used it up').to.equal(200);
    expect(answer.text).to.not.match(/set-cookie/i);
  });

  it('holds its page to a policy without inline scripts, other origins or frames', async () => {
    const { status, headers, text } = await request(`${platform.url}/`);
    expect(status).to.equal(200);
    const policy = new Map((headers.get('content-security-policy') ?? '').split('; ').map((rule) => [rule.split(' ')[0], rule]));
    expect(policy.get('default-src')).to.equal("default-src 'none'");
    expect(policy.get('frame-ancestors')).to.equal("frame-ancestors 'none'");
    for (const name of ['script-src', 'style-src', 'connect-src']) expect(policy.get(name)).to.equal(`${name} 'self'`);
    expect(headers.get('content-security-policy')).to.not.match(/unsafe|\*|http/);
    expect(text).to.not.match(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/);
  });
});
