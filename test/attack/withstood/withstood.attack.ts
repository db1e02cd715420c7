// What was tried and did no harm, so that it stays so.
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { formatApiKeyEntry, generateApiKey } from '../../../libs/config/api-keys.js';
import { Processes, type ThymeProcess } from '../../support/processes.js';
import { request } from '../../support/http.js';
import { expectCalm, startAttacked, underAttack, type AttackedPlatform, type Figures } from '../attack-run.js';

const FLOODS = new URL('./flood-attacks.ts', import.meta.url).href;

describe('withstood', function () {
  this.retries(2); // a pause of the machine is none of the platform's
  const processes = new Processes();
  let attacked: AttackedPlatform;
  const run = (name: string): Promise<Figures> => underAttack(attacked, FLOODS, name);

  before(async () => {
    attacked = await startAttacked(processes, 'attacked');
  });

  after(() => processes.end());

  for (const name of ['continuationFlood', 'settingsFlood', 'pingFlood', 'hpackBomb', 'slowReset'])
    it(`${name} ends its own connection`, async () => {
      const figures = await run(name);
      expect(figures.findings['closedByServer']).to.equal(name === 'hpackBomb' ? figures.findings['closedByServer'] : 1);
      expectCalm(figures, { grownMibMax: 64 });
    });

  for (const name of ['windowUpdateFlood', 'slowloris'])
    it(`${name} costs little`, async () => {
      expectCalm(await run(name), { grownMibMax: 64 });
    });

  for (const name of ['oddNames', 'deepExpressions'])
    it(`${name} are refused by name`, async () => {
      const figures = await run(name);
      expect(figures.findings['statuses']).to.not.match(/\b5\d\d×/);
      expectCalm(figures, { grownMibMax: 96 });
    });
});

describe('scopes × routes × methods', () => {
  const processes = new Processes();
  const read = generateApiKey(['read']);
  let platform: ThymeProcess;

  before(async () => {
    platform = await processes.serve(processes.subfolder('keys'), [], { env: { THYME_API_KEYS: formatApiKeyEntry(read.entry) } });
  });

  after(() => processes.end());

  it('nothing but what is public answers without a key, and no key does what its scope does not say', async () => {
    const { paths } = JSON.parse((await request(`${platform.restUrl}/openapi.json`)).text) as { readonly paths: Record<string, object> };
    const stranger = createHash('sha256').update('nobody').digest('hex');
    for (const [path, methods] of Object.entries(paths)) {
      const url = platform.restUrl + path.replace(/\{\w+\}/, 'x');
      // Whoever asks for the identity without a nonce asks wrongly, with a key or without.
      const publicAnswer = new Map([
        ...['/health', '/metrics', '/openapi.json'].map((one) => [one, 200] as const),
        ['/api/v1/identity', 400] as const,
        ['/api/v1/console/sessions', 400] as const, // what it asks for is the link
      ]).get(path);
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        const options = method === 'POST' ? { method, body: '{}' } : { method };
        const place = `${method} ${path}`;
        const isThere = Object.hasOwn(methods, method.toLowerCase());
        const without = (await request(url, options)).status;
        const forged = (await request(url, { ...options, headers: { authorization: `Bearer thyme_${stranger}` } })).status;
        const reading = (await request(url, { ...options, headers: { authorization: `Bearer ${read.key}` } })).status;
        expect([without, forged], place).to.deep.equal(
          isThere ? (publicAnswer === undefined ? [401, 401] : [publicAnswer, publicAnswer]) : [405, 405],
        );
        expect(reading, place).to.be.below(500);
        if (['/api/v1/commit', '/api/v1/erase', '/api/v1/log'].includes(path) && isThere) expect(reading, place).to.equal(403);
      }
    }
  });
});
