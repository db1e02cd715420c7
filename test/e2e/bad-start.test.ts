// Processes that may not start, disks that are full, and callers without the right key.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../libs/time/clock.js';
import { formatApiKeyEntry, generateApiKey, type Scope } from '../../libs/config/api-keys.js';
import { jsonOf, post, request, type HttpAnswer } from '../support/http.js';
import { Processes, type StartOptions, type ThymeProcess } from '../support/processes.js';
import { startDeployment } from '../support/deployment.js';
import { grpcTool, RpcFailure } from '../support/grpc-tool.js';

const SHOP = 'test/support/shop-features.ts';
const MIB = 1_024 * 1_024;

describe('processes that may not start, full disks and wrong keys', function () {
  this.timeout(300_000);
  const processes = new Processes();
  after(() => processes.end());

  async function commitShop(url: string, env: StartOptions['env'] = {}): Promise<void> {
    const { code, stderr } = await processes.run(['commit', SHOP], { env: { THYME_API_URL: url, ...env } });
    expect(code, stderr).to.equal(0);
  }

  function purchases(count: number, note = ''): unknown {
    return {
      dataset: 'Purchase',
      events: Array.from({ length: count }, () => ({ user_id: 1, item: 'tea', price: 1.5, note, paid_at: new Date().toISOString() })),
    };
  }

  async function countOf(url: string, after?: unknown): Promise<number> {
    const { features } = jsonOf(
      await request(`${url}/features?featureset=Buyer&entity_id=1${after === undefined ? '' : `&after=${String(after)}`}`),
    );
    return Number((features as { readonly count_1d: number }).count_1d);
  }

  it('says in one line why it does not start, with exit code 1', async () => {
    const first = await processes.serve(processes.subfolder('first'));
    await commitShop(first.restUrl);
    const file = join(processes.folder, 'a-file');
    writeFileSync(file, '');
    const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1);
    const refusals: readonly (readonly [readonly string[], Readonly<Record<string, string>>, RegExp])[] = [
      [
        ['--data-dir', join(processes.folder, 'first')],
        {},
        /first\/log is in use by another process: stop that one, or give this one a data directory of its own/,
      ],
      [
        [],
        { THYME_REST_PORT: portOf(first.restUrl) },
        /cannot listen on 127\.0\.0\.1:\d+: another process listens there: .*set THYME_REST_PORT to another/,
      ],
      [[], { THYME_GRPC_PORT: portOf(first.grpcTarget) }, /cannot listen on 127\.0\.0\.1:\d+: .*set THYME_GRPC_PORT to another/],
      [
        ['--roles', 'registry,ingest,aggregator'],
        { THYME_METRICS_PORT: portOf(first.restUrl) },
        /cannot listen on 127\.0\.0\.1:\d+: .*set THYME_METRICS_PORT to another/,
      ],
      [
        ['--host', '0.0.0.0'],
        {},
        /THYME_HOST: '0\.0\.0\.0' is reachable from other machines and a TLS certificate and API keys are missing: .*--insecure/,
      ],
      [['--host', '192.0.2.1', '--insecure'], {}, /cannot listen on 192\.0\.2\.1:0: this machine has no such address/],
      [['--data-dir', file], {}, /THYME_DATA_DIR: '.*a-file' cannot be made a folder/],
      // A parent that exists and takes no folders; Node's own recursive mkdir never comes back from it.
      [['--data-dir', '/proc/thyme/data'], {}, /THYME_DATA_DIR: '\/proc\/thyme\/data' cannot be made a folder: ENOENT/],
      [
        ['--roles', 'query', '--owner', first.grpcTarget, '--data-dir', '/proc/thyme'],
        {},
        /THYME_DATA_DIR: '\/proc\/thyme' cannot be made a folder/,
      ],
      [['--data-dir', join(file, 'below')], {}, /THYME_DATA_DIR: '.*below' cannot be made a folder/],
      [['--partitions', '0'], {}, /THYME_PARTITIONS: '0' is no integer from 1 to 1024/],
      [['--roles', 'querry'], {}, /--roles: 'querry' is none of all, registry/],
      [['--roles', 'ingest'], {}, /--roles: on the LevelDB log, which one process owns, registry, ingest, aggregator go together/],
      [['--roles', 'query'], {}, /THYME_OWNER: must name host:port/],
      [['--roles', 'query', '--owner', 'owner'], {}, /THYME_OWNER: 'owner' is not host:port/],
      [[], { THYME_API_KEYS: 'thyme_secret' }, /THYME_API_KEYS: entry 1 is not '<sha256 in hex>:<scopes joined by \+>'/],
    ];
    for (const [args, env, words] of refusals) {
      const { code, stdout, stderr } = await processes.run(['serve', ...args], {
        env: {
          THYME_REST_PORT: '0',
          THYME_GRPC_PORT: '0',
          THYME_DATA_DIR: join(processes.folder, 'other'),
          THYME_LOG_LEVEL: 'error',
          ...env,
        },
      });
      expect({ code, stdout }, stderr).to.deep.equal({ code: 1, stdout: '' });
      expect(stderr)
        .to.match(words)
        .and.not.match(/thyme_secret/);
      expect(stderr.trimEnd().split('\n'), stderr).to.have.length(1);
    }
    const { token } = jsonOf(await post(`${first.restUrl}/api/v1/log`, purchases(2)));
    expect(await countOf(first.restUrl, token), 'the first is unharmed').to.equal(2);
    expect(await first.stop()).to.equal(0);
  });

  it('refuses another number of partitions than its data has, and starts with the right one', async () => {
    const folder = processes.subfolder('partitions');
    const first = await processes.serve(folder, ['--partitions', '2']);
    await first.stop();
    const { code, stderr } = await processes.run(['serve', '--partitions', '3'], {
      env: { THYME_REST_PORT: '0', THYME_GRPC_PORT: '0', THYME_DATA_DIR: folder },
    });
    expect(code).to.equal(1);
    expect(stderr).to.match(/has 2 partitions, not 3: keys would move; configure 2/);
    await (await processes.serve(folder, ['--partitions', '2'])).stop();
  });

  it('S13: a write that fails is not acknowledged, reads go on, writes are taken again without a restart, and what was acknowledged is there after one', async () => {
    const folder = processes.subfolder('limited');
    const thyme = await processes.serve(folder, [], { before: 'ulimit -f 4096' }); // blocks of 1,024 bytes, for each file
    await commitShop(thyme.restUrl);
    let acknowledged = 0;
    let refused: HttpAnswer | undefined;
    for (let i = 0; i < 60 && refused === undefined; i++) {
      const answer = await post(`${thyme.restUrl}/api/v1/log`, purchases(500, 'x'.repeat(200)));
      if (answer.status === 200) acknowledged += 500;
      else refused = answer;
    }
    expect(jsonOf(refused as HttpAnswer, 503).detail).to.match(/failed to write and takes no more writes until it is opened again/);
    expect(acknowledged).to.be.above(500);
    expect((await request(`${thyme.restUrl}/features?featureset=Buyer&entity_id=1`)).status).to.equal(200);
    const deadline = AbortSignal.timeout(20_000);
    while ((await post(`${thyme.restUrl}/api/v1/log`, purchases(1))).status !== 200) {
      deadline.throwIfAborted();
      await systemClock.sleep(50, deadline);
    }
    acknowledged += 1; // a file of its own has room again
    expect(thyme.isRunning, thyme.stderr()).to.be.true;
    await thyme.kill();
    const again = await processes.serve(folder);
    const { token } = jsonOf(await post(`${again.restUrl}/api/v1/log`, purchases(1)));
    // The refused batch may have been written in part or whole; nobody was told so.
    expect(await countOf(again.restUrl, token)).to.be.within(acknowledged + 1, acknowledged + 501);
    expect(jsonOf(await request(`${again.restUrl}/api/v1/status`)).latest_commit).to.include({ id: '1' });
    await again.stop();
  });

  it('refuses new records while the disk is nearly full, and takes them again when it has room', async function () {
    const folder = processes.subfolder('disk');
    if (!mounted(folder)) {
      if (process.env.CI === 'true') throw new Error('a tmpfs cannot be mounted here: run as root, where mounting is allowed');
      process.stderr.write('    NOT TESTED: a full disk, since a tmpfs cannot be mounted here\n');
      this.skip();
    }
    try {
      const thyme = await processes.serve(join(folder, 'data'));
      await commitShop(thyme.restUrl);
      execFileSync('fallocate', ['-l', '80M', join(folder, 'filler')]);
      const { accepted, answer } = await pushUntil(thyme, ({ status }) => status !== 200);
      expect(jsonOf(answer, 429).detail).to.match(
        /the disk has room only for what was accepted before: free some, or add a disk, and send this again/,
      );
      expect((await request(`${thyme.restUrl}/features?featureset=Buyer&entity_id=1`)).status).to.equal(200);
      rmSync(join(folder, 'filler'));
      const later = await pushUntil(thyme, ({ status }) => status === 200);
      expect(await countOf(thyme.restUrl, jsonOf(later.answer).token)).to.equal(accepted + 1);
      expect(await thyme.stop()).to.equal(0);
    } finally {
      execFileSync('umount', ['-l', folder]);
    }
  });

  /** One record at a time. The disk is looked at every two seconds, and each push takes a while of its own. */
  async function pushUntil(
    { restUrl }: ThymeProcess,
    isWanted: (answer: HttpAnswer) => boolean,
  ): Promise<{ readonly accepted: number; readonly answer: HttpAnswer }> {
    const deadline = AbortSignal.timeout(30_000);
    for (let accepted = 0; ; accepted++) {
      const answer = await post(`${restUrl}/api/v1/log`, purchases(1));
      if (isWanted(answer) || deadline.aborted) return { accepted, answer };
      if (answer.status !== 200) accepted--;
    }
  }

  it('asks for the key and the scope that a method declares, here and through processes of their own', async () => {
    const keys = new Map((['read', 'write', 'admin'] as const).map((scope: Scope) => [scope, generateApiKey([scope])]));
    const keyOf = (scope: Scope): string => keys.get(scope)?.key ?? '';
    const env = {
      THYME_API_KEYS: [...keys.values()].map(({ entry }) => formatApiKeyEntry(entry)).join(','),
      THYME_API_KEY: keyOf('admin'),
    };
    const { url, owner, query, gateway } = await startDeployment(processes, 'keys', 1, env);
    const bearer = (key: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${key}` });

    const stranger = await request(`${url}/features?featureset=Buyer&entity_id=1`);
    expect(jsonOf(stranger, 401).detail).to.equal('send a valid API key as `Authorization: Bearer KEY`');
    expect(stranger.headers.get('www-authenticate')).to.equal('Bearer');
    expect((await request(`${url}/features?featureset=Buyer&entity_id=1`, { headers: bearer('thyme_wrong') })).status).to.equal(401);
    for (const path of ['/health', '/metrics', '/openapi.json']) expect((await request(url + path)).status, path).to.equal(200);

    const refused = await processes.run(['commit', SHOP], { env: { THYME_API_URL: url, THYME_API_KEY: keyOf('read') } });
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.match(/this API key has no 'admin' scope/);
    await commitShop(url, { THYME_API_KEY: keyOf('admin') });
    expect(jsonOf(await post(`${url}/api/v1/log`, purchases(1), bearer(keyOf('read'))), 403).detail).to.equal(
      "this API key has no 'write' scope",
    );
    expect((await request(`${url}/features?featureset=Buyer&entity_id=1`, { headers: bearer(keyOf('write')) })).status).to.equal(403);
    const { token } = jsonOf(await post(`${url}/api/v1/log`, purchases(1), bearer(keyOf('write'))));
    const answer = jsonOf(
      await request(`${url}/features?featureset=Buyer&entity_id=1&after=${String(token)}`, { headers: bearer(keyOf('read')) }),
    );
    expect(answer.features).to.include({ count_1d: 1 });

    for (const [target, method] of [
      [owner.grpcTarget, 'IngestService/Log'],
      [query.grpcTarget, 'QueryService/Query'],
    ] as const) {
      const failure: unknown = await grpcTool()
        .call(target, `thyme.v1.${method}`, {})
        .then(
          () => undefined,
          (error: unknown) => error,
        );
      // Reflection asks for the key as well, so that a stranger does not even learn what there is.
      expect(failure instanceof RpcFailure ? failure.code : String(failure)).to.match(/Unauthenticated/);
    }
    for (const { stderr } of [owner, query, gateway]) for (const { key } of keys.values()) expect(stderr()).to.not.contain(key);
  });
});

function mounted(folder: string): boolean {
  try {
    // Above the 512 MiB that ingest keeps free, by less than the test then fills.
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${580 * MIB}`, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
