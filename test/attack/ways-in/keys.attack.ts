// The admin key of a folder, and keys that are created and taken back, over the real program.
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { startDeployment } from '../../support/deployment.js';
import { jsonOf, post, request, type HttpAnswer } from '../../support/http.js';
import { Processes, type ThymeProcess } from '../../support/processes.js';

const SHOP = 'test/support/shop-features.ts';
const REVOKED_WITHIN_MS = 1_000;

describe('ways in: keys', function () {
  this.timeout(300_000);
  const processes = new Processes();
  let thyme: ThymeProcess;
  let folder: string;
  after(() => processes.end());

  before(async () => {
    folder = processes.subfolder('data');
    thyme = await processes.serve(folder, [], { env: { THYME_LOG_LEVEL: 'debug' } });
  });

  const bearer = (key: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${key}` });
  const thymeAs = (args: readonly string[], env: Readonly<Record<string, string>>) =>
    processes.run(args, { env: { THYME_API_URL: thyme.restUrl, ...env } });

  it('of a folder are made once, for its owner alone, and never written anywhere else', async () => {
    const file = join(folder, 'admin.key');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(readdirSync(folder).filter((name) => name.startsWith('admin.key'))).to.deep.equal(['admin.key']);
    expect(thyme.adminKey).to.match(/^thyme_[\w-]{43}$/);
    expect(thyme.stderr()).to.not.contain(thyme.adminKey.slice(6));
    const again = processes.subfolder('again');
    await (await processes.serve(again)).stop();
    const first = readFileSync(join(again, 'admin.key'), 'utf8');
    await (await processes.serve(again)).stop();
    expect(readFileSync(join(again, 'admin.key'), 'utf8')).to.equal(first);
  });

  it('are found by the command that names the same folder, and by no other', async () => {
    const found = await thymeAs(['commit', SHOP], {});
    expect(found.code, found.stderr).to.equal(0);
    const elsewhere = await thymeAs(['keys', 'list'], { THYME_DATA_DIR: processes.subfolder('elsewhere') });
    expect(elsewhere.code).to.equal(1);
    expect(elsewhere.stderr).to.match(/admin\.key in the platform's data folder/);
    // What was said explicitly wins, though it is of no use.
    const explicit = await thymeAs(['keys', 'list'], { THYME_API_KEY: 'thyme_wrong' });
    expect(explicit.code, explicit.stdout).to.equal(1);
    expect(found.stderr + elsewhere.stderr + explicit.stderr).to.not.contain(thyme.adminKey);
  });

  it('are not sent to who listens on a port and is not the platform of the folder, nor to one who asks it', async () => {
    const seen: string[] = [];
    for (const relays of [false, true]) {
      const impostor = await listen(async (path, headers) => {
        seen.push(JSON.stringify(headers));
        if (!relays) return { status: 200, headers: new Map(), text: '{"proof":"guessed"}' };
        return request(thyme.restUrl + path, { headers: { host: new URL(thyme.restUrl).host } });
      });
      const url = `http://127.0.0.1:${(impostor.address() as AddressInfo).port}`; // of a server that listens
      await processes.run(['status'], { env: { THYME_API_URL: url, THYME_DATA_DIR: folder } });
      impostor.close();
    }
    expect(seen.length).to.be.above(2);
    expect(seen.join('\n')).to.not.contain(thyme.adminKey);
  });

  it('of scope read, write and admin are made by the admin alone, shown once, and kept as hashes', async () => {
    const refused = await post(`${thyme.restUrl}/api/v1/keys`, { name: 'x', scopes: ['admin'] });
    expect(refused.status).to.equal(401);
    const { code, stdout, stderr } = await thymeAs(['keys', 'create', 'web', '--scopes', 'read'], {});
    expect(code, stderr).to.equal(0);
    const key = stdout.trim();
    expect(key).to.match(/^thyme_[\w-]{43}$/);
    const listed = await thymeAs(['keys', 'list'], {});
    expect(listed.stdout)
      .to.match(/^web +[0-9a-f]{8} +read +20/m)
      .and.not.contain(key);
    expect(thyme.stderr()).to.not.contain(key);
    expect(grepFolder(folder, key)).to.deep.equal([]);
    // A reader makes none, least of all of a higher rank.
    expect((await post(`${thyme.restUrl}/api/v1/keys`, { name: 'y', scopes: ['admin'] }, bearer(key))).status).to.equal(403);
    for (const body of [
      { name: 'web', scopes: ['read'] },
      { name: '../x', scopes: ['read'] },
      { name: 'z', scopes: ['internal'] },
      { name: 'z', scopes: [] },
    ])
      expect((await post(`${thyme.restUrl}/api/v1/keys`, body, bearer(thyme.adminKey))).status, JSON.stringify(body)).to.be.oneOf([
        400, 409,
      ]);
  });

  it('that expired or were revoked are refused, in every process within a second, and stay so', async () => {
    const env = { THYME_KEYS: 'required' };
    const { owner, query, gateway, url } = await startDeployment(processes, 'apart', 1, env);
    const admin = bearer(gateway.adminKey);
    const create = async (name: string, expires?: string): Promise<string> =>
      String(jsonOf(await post(`${url}/api/v1/keys`, { name, scopes: ['read'], expires_at: expires }, admin)).key);
    const status = async (key: string): Promise<number> => (await request(`${url}/api/v1/featuresets`, { headers: bearer(key) })).status;
    const key = await create('app');
    await until(async () => (await status(key)) === 200, 10_000);
    const brief = await create('brief', new Date(Date.now() + 3_000).toISOString());
    await until(async () => (await status(brief)) === 401, 20_000);
    const revoked = jsonOf(await post(`${url}/api/v1/keys/app/revoke`, {}, admin));
    expect(revoked.revoked_at).to.be.a('string');
    await until(async () => (await status(key)) === 401, REVOKED_WITHIN_MS * 5); // a busy machine; the wait itself is a push
    expect((await request(`${url}/api/v1/featuresets`)).status, 'reads need one here').to.equal(401);
    for (const { stderr } of [owner, query, gateway]) expect(stderr()).to.not.contain(key);
    await owner.kill();
    expect(await status(key), 'also while the owner is away').to.equal(401);
  });
});

async function listen(answer: (path: string, headers: object) => Promise<HttpAnswer>): Promise<Server> {
  const server = createServer((asked, response) => {
    void answer(asked.url ?? '', asked.headers).then(({ status, text }) => response.writeHead(status).end(text));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

async function until(isSo: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = AbortSignal.timeout(withinMs);
  while (!(await isSo())) if (deadline.aborted) throw new Error(`not within ${withinMs} ms`);
}

/** Files below the folder that hold the text. */
function grepFolder(folder: string, text: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile() && readFileSync(file).includes(text));
}
