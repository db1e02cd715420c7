// What a page in the user's browser can make that browser send to the keyless default on loopback (SECURITY.md), replayed header by header.
import { expect } from 'chai';
import { post, jsonOf, request, run } from '../../support/http.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { rawRequest, type RawRequest } from './raw-request.js';

const COMMIT = '/api/v1/commit';
const PUSH = '/api/v1/log';
const FORM = 'application/x-www-form-urlencoded';
const EVENT = JSON.stringify({ dataset: 'Nothing', events: [] });

interface Attack extends Pick<RawRequest, 'method' | 'path' | 'body'> {
  readonly title: string;
  readonly headers: (host: string) => Readonly<Record<string, string>>;
  readonly status?: number;
}

const CHROME = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36' };
const FIREFOX = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' };
const SAFARI = {
  'user-agent': 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.6 Safari/605.1.15',
};

/** Chrome and Firefox say where a page is; Safari before 16.4 says only its origin, and that not on GET. */
const BROWSERS = [
  { name: 'Chrome', agent: CHROME, says: (site: string, mode: string) => ({ 'sec-fetch-site': site, 'sec-fetch-mode': mode }) },
  { name: 'Firefox', agent: FIREFOX, says: (site: string, mode: string) => ({ 'sec-fetch-site': site, 'sec-fetch-mode': mode }) },
  { name: 'Safari', agent: SAFARI, says: () => ({}) },
] as const;

const ATTACKS: readonly Attack[] = BROWSERS.flatMap(({ name, agent, says }) => [
  {
    title: `${name}: a form of another site is posted`,
    method: 'POST',
    path: COMMIT,
    body: 'bundle=process.exit()',
    headers: (host) => ({ host, ...agent, origin: 'https://evil.example', 'content-type': FORM, ...says('cross-site', 'navigate') }),
  },
  {
    title: `${name}: a form in a sandboxed frame, whose origin is null`,
    method: 'POST',
    path: COMMIT,
    body: 'bundle=process.exit()',
    headers: (host) => ({ host, ...agent, origin: 'null', 'content-type': FORM, ...says('cross-site', 'navigate') }),
  },
  {
    title: `${name}: fetch no-cors with a Blob, which has no content type, from another port of this machine`,
    method: 'POST',
    path: COMMIT,
    body: '\n\u0000',
    headers: (host) => ({ host, ...agent, origin: 'http://127.0.0.1:3000', ...says('same-site', 'no-cors') }),
  },
  {
    title: `${name}: simple text/plain that is JSON`,
    method: 'POST',
    path: PUSH,
    body: EVENT,
    headers: (host) => ({
      host,
      ...agent,
      origin: 'http://localhost:3000',
      'content-type': 'text/plain;charset=UTF-8',
      ...says('cross-site', 'no-cors'),
    }),
  },
  {
    title: `${name}: the question before JSON is sent (CORS preflight)`,
    method: 'OPTIONS',
    path: PUSH,
    headers: (host) => ({
      host,
      ...agent,
      origin: 'http://localhost:3000',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
      ...says('cross-site', 'cors'),
    }),
  },
  {
    title: `${name}: DNS rebinding, where the page is of the same origin as its requests`,
    method: 'POST',
    path: COMMIT,
    body: '{}',
    headers: (host) => {
      const rebound = `evil.example:${host.split(':')[1] ?? ''}`;
      return { host: rebound, ...agent, origin: `http://${rebound}`, 'content-type': 'application/json', ...says('same-origin', 'cors') };
    },
  },
  {
    title: `${name}: DNS rebinding, reading`,
    path: '/api/v1/status',
    headers: (host) => ({ host: `rebound.evil.example:${host.split(':')[1] ?? ''}`, ...agent, ...says('same-origin', 'cors') }),
  },
  {
    title: `${name}: a WebSocket of another site`,
    path: '/features',
    headers: (host) => ({
      host,
      ...agent,
      connection: 'Upgrade',
      upgrade: 'websocket',
      origin: 'https://evil.example',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    }),
  },
  ...(name === 'Safari'
    ? []
    : [
        {
          title: `${name}: an image of another site, which is a GET`,
          path: '/features?featureset=F&entity_id=1',
          headers: (host: string) => ({ host, ...agent, ...says('cross-site', 'no-cors'), 'sec-fetch-dest': 'image' }),
        },
        {
          title: `${name}: a script from another port of this machine`,
          path: '/query-runs',
          headers: (host: string) => ({ host, ...agent, ...says('same-site', 'no-cors'), 'sec-fetch-dest': 'script' }),
        },
      ]),
]);

describe('ways in: a web page', function () {
  this.timeout(120_000);
  let platform: EmbeddedPlatform;
  let host: string;

  before(async () => {
    platform = await startEmbeddedPlatform();
    ({ host } = new URL(platform.url));
  });
  after(() => platform.stop());

  for (const { title, headers, ...sent } of ATTACKS) {
    it(`is refused: ${title}`, async () => {
      const { status, text } = await rawRequest(platform.url, { ...sent, headers: headers(host) });
      expect(status, text).to.equal(403);
      expect(text).to.not.match(/access-control-allow/i);
    });
  }

  it('is refused also with the right key, which a page cannot have', async () => {
    const headers = { host: 'evil.example', authorization: `Bearer ${platform.adminKey}`, 'content-type': 'application/json' };
    expect((await rawRequest(platform.url, { method: 'POST', path: COMMIT, body: '{}', headers })).status).to.equal(403);
  });

  for (const type of ['', 'text/plain', 'multipart/form-data; boundary=x', FORM, 'application/jsonx']) {
    it(`cannot send a body of type '${type}', whatever it says of itself`, async () => {
      for (const path of [COMMIT, PUSH, '/api/v1/plan', '/features', '/features/batch', '/features/offline', '/api/v1/keys']) {
        const headers = { host, authorization: `Bearer ${platform.adminKey}`, ...(type === '' ? {} : { 'content-type': type }) };
        const { status, text } = await rawRequest(platform.url, { method: 'POST', path, body: EVENT, headers });
        expect(status, `${path}: ${text}`).to.equal(415);
      }
    });
  }

  it('named otherwise than by loopback is refused, by every spelling', async () => {
    for (const name of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'evil.example#127.0.0.1',
      '127.0.0.1@evil.example',
      'evil.example.',
      '192.0.2.7',
      '[2001:db8::1]',
      '2130706433',
      'localhost, evil.example',
      '',
    ]) {
      const { status } = await rawRequest(platform.url, { path: '/health', headers: { host: name } });
      expect(status, name).to.be.oneOf([400, 403]);
    }
  });

  it('does not keep out who is at the machine: names of loopback, curl, probes and the pages of a server itself', async () => {
    const { port } = new URL(platform.url);
    for (const name of [`127.0.0.1:${port}`, `localhost:${port}`, 'LocalHost', 'localhost.', `[::1]:${port}`, '127.0.0.1', '127.9.9.9'])
      expect((await rawRequest(platform.url, { path: '/health', headers: { host: name } })).status, name).to.equal(200);
    const own = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
    expect((await rawRequest(platform.url, { path: '/health', headers: own })).status).to.equal(200);
    expect((await rawRequest(platform.url, { path: '/health', headers: { host, 'sec-fetch-site': 'none' } })).status).to.equal(200);
    expect(await run('curl', ['-sS', '--max-time', '30', `${platform.url}/health`])).to.equal('{"status":"ok"}');
    expect(jsonOf(await post(`${platform.url}/api/v1/log`, { dataset: 'Nothing', events: [] }), 404).detail).to.match(/no dataset/);
    expect((await request(`${platform.url}/api/v1/status`)).status).to.equal(200);
  });
});
