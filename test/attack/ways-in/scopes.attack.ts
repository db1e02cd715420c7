// Every route and method against every kind of caller: what asks for a scope is refused to who has not got it, whatever else he has.
import { expect } from 'chai';
import { formatApiKeyEntry, generateApiKey, SCOPES, type Scope } from '../../../libs/config/api-keys.js';
import { METHOD_SCOPES } from '../../../libs/rpc/method-scopes.js';
import { jsonOf, request } from '../../support/http.js';
import { Processes, type ThymeProcess } from '../../support/processes.js';
import { TEST_INTERNAL_KEY } from '../../support/test-keys.js';
import { rawCall } from './raw-call.js';

const UNAUTHENTICATED = 16;
const PERMISSION_DENIED = 7;
/** All of them, so that every method is served. */
const ROLES = ['--roles', 'registry,ingest,aggregator,store-replica,query,gateway'];
/** Streams that say nothing until something happens: that they are let in shows by no refusal within this. */
const QUIET = /Watch|Subscribe|Snapshot|LogStream|QueryOffline|Reflection/;

interface Described {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly security: readonly { readonly apiKey: readonly string[] }[] }>>>
  >;
}

describe('ways in: scopes', function () {
  this.timeout(300_000);
  const processes = new Processes();
  const keys = new Map(SCOPES.map((scope) => [scope, generateApiKey([scope])]));
  const callers = new Map<string, string | undefined>([
    ['nobody', undefined],
    ['a stranger', 'thyme_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    ...SCOPES.map((scope): [string, string | undefined] => [scope, keys.get(scope)?.key]),
  ]);
  let required: ThymeProcess;
  let open: ThymeProcess;

  before(async () => {
    const entries = [...keys.values()].map(({ entry }) => formatApiKeyEntry(entry)).join(',');
    required = await processes.serve(processes.subfolder('required'), ROLES, {
      env: { THYME_API_KEYS: entries, THYME_INTERNAL_KEY: TEST_INTERNAL_KEY },
    });
    open = await processes.serve(processes.subfolder('open'), ROLES, { env: { THYME_INTERNAL_KEY: TEST_INTERNAL_KEY } });
  });
  after(() => processes.end());

  const isAllowed = (caller: string, scope: string): boolean =>
    scope === 'public' || (scope !== 'internal' && (caller === scope || caller === 'admin'));

  it('hold for every gRPC method, and internal ones for no key at all', async () => {
    for (const [path, scope] of METHOD_SCOPES) {
      for (const [caller, key] of callers) {
        const what = `${path} (${scope}) for ${caller}`;
        const allowed = isAllowed(caller, scope);
        if (allowed && QUIET.test(path)) continue;
        const { code, message } = await rawCall(`http://${required.grpcTarget}`, {
          path,
          headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
        });
        if (allowed) expect(code, `${what}: ${message}`).to.not.be.oneOf([UNAUTHENTICATED, PERMISSION_DENIED]);
        else expect(code, `${what}: ${message}`).to.equal(keys.has(caller as Scope) ? PERMISSION_DENIED : UNAUTHENTICATED);
      }
    }
    const digest = { path: '/thyme.v1.StateService/Digest', headers: { authorization: `Bearer ${TEST_INTERNAL_KEY}` } };
    expect((await rawCall(`http://${required.grpcTarget}`, digest)).code).to.equal(0);
  });

  it('hold for every route', async () => {
    for (const [path, method, scope] of await routes(required)) {
      for (const [caller, key] of callers) {
        const { status, text } = await ask(required, method, path, key);
        const what = `${method} ${path} (${scope}) for ${caller}: ${text.slice(0, 200)}`;
        if (isAllowed(caller, scope)) expect(status, what).to.not.be.oneOf([401, 403]);
        else expect(status, what).to.equal(keys.has(caller as Scope) ? 403 : 401);
      }
      // The key of processes is none of a client's door.
      if (scope !== 'public') expect((await ask(required, method, path, TEST_INTERNAL_KEY)).status, path).to.equal(401);
    }
  });

  it('leave reads and pushes open on the keyless loopback, and nothing else', async () => {
    for (const key of [undefined, callers.get('a stranger')]) {
      for (const [path, method, scope] of await routes(open)) {
        const { status, text } = await ask(open, method, path, key);
        if (scope === 'admin') expect(status, `${path}: ${text}`).to.equal(401);
        else expect(status, `${path}: ${text}`).to.not.be.oneOf([401, 403]);
      }
      for (const [path, scope] of METHOD_SCOPES) {
        if ((scope !== 'admin' && scope !== 'internal') || !path.startsWith('/thyme')) continue;
        const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
        expect((await rawCall(`http://${open.grpcTarget}`, { path, headers })).code, path).to.equal(UNAUTHENTICATED);
      }
    }
    const { code } = await rawCall(`http://${open.grpcTarget}`, {
      path: '/thyme.v1.ReplicationService/Snapshot',
      headers: { authorization: `Bearer ${open.adminKey}` },
    });
    expect(code, 'also to the admin').to.equal(PERMISSION_DENIED);
  });

  it('of a gRPC call are no use under a foreign name, or from a page', async () => {
    const origin = `http://${open.grpcTarget}`;
    const path = '/thyme.v1.RegistryService/List';
    for (const headers of [
      { ':authority': 'evil.example' },
      { ':authority': `evil.example:${open.grpcTarget.split(':')[1] ?? ''}` },
      { origin: 'http://localhost:3000' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      expect((await rawCall(origin, { path, headers })).code, JSON.stringify(headers)).to.equal(PERMISSION_DENIED);
      const withKey = { ...headers, authorization: `Bearer ${open.adminKey}` };
      expect((await rawCall(origin, { path, headers: withKey })).code, JSON.stringify(headers)).to.equal(PERMISSION_DENIED);
    }
    for (const headers of [{}, { ':authority': 'localhost:50051' }, { ':authority': '[::1]:1' }])
      expect((await rawCall(origin, { path, headers })).code, JSON.stringify(headers)).to.equal(0);
  });

  /** Path, method and scope, as the document says. */
  async function routes({ restUrl }: ThymeProcess): Promise<readonly (readonly [string, string, string])[]> {
    const { paths } = jsonOf(await request(`${restUrl}/openapi.json`)) as unknown as Described;
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { security }]) => [path, method.toUpperCase(), security[0]?.apiKey[0] ?? 'public'] as const),
    );
  }

  function ask({ restUrl }: ThymeProcess, method: string, path: string, key: string | undefined) {
    return request(restUrl + path.replace(/\{\w+\}/, 'x'), {
      method,
      ...(method === 'POST' ? { body: '{}' } : {}),
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    });
  }
});
