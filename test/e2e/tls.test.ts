// TLS from end to end: roles as processes that speak it with each other, clients that trust the authority or do not.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { ListRequestSchema, RegistryService } from '../../gen/thyme/v1/registry_pb.js';
import { createClient, openChannel, type RpcChannelOptions } from '../../libs/rpc/client.js';
import { loadServeConfig } from '../../services/program/serve-config.js';
import { generateApiKey, formatApiKeyEntry } from '../../libs/config/api-keys.js';
import { startDeployment, type Deployment } from '../support/deployment.js';
import { run } from '../support/http.js';
import { Processes } from '../support/processes.js';

const SHOP = 'test/support/shop-features.ts';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

describe('TLS', function () {
  this.timeout(300_000);
  const processes = new Processes();
  let own: Pair;
  let other: Pair;
  let deployment: Deployment;

  before(async function () {
    if (!hasOpenssl()) {
      if (process.env.CI === 'true') throw new Error('openssl is missing: install it, it makes the certificates');
      process.stderr.write('    NOT TESTED: TLS, since openssl is not installed\n');
      this.skip();
    }
    own = selfSigned('own');
    other = selfSigned('other');
    deployment = await startDeployment(processes, 'tls', 1, { THYME_TLS_CERT: own.cert, THYME_TLS_KEY: own.key, THYME_TLS_CA: own.cert });
  });
  after(() => processes.end());

  function selfSigned(name: string): Pair {
    const [cert, key] = [join(processes.folder, `${name}.crt`), join(processes.folder, `${name}.key`)];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    );
    return { cert, key };
  }

  /** With this authority alone. */
  function curl(url: string, ca: Pair, ...args: readonly string[]): Promise<string> {
    return run('curl', ['-sS', '--max-time', '30', '--cacert', ca.cert, ...args, url]);
  }

  it('carries commits, pushes and reads from the CLI and curl through gateway, query service and owner', async () => {
    const { url } = deployment;
    expect(url).to.match(/^https:\/\/127\.0\.0\.1:\d+$/);
    const env = { THYME_API_URL: url, NODE_EXTRA_CA_CERTS: own.cert };
    const { code, stderr } = await processes.run(['commit', SHOP], { env });
    expect(code, stderr).to.equal(0);
    const push = JSON.stringify({
      dataset: 'Purchase',
      events: [{ user_id: 1, item: 'tea', price: 1.5, paid_at: new Date().toISOString() }],
    });
    const { token } = JSON.parse(await curl(`${url}/api/v1/log`, own, '-H', 'content-type: application/json', '--data-binary', push)) as {
      readonly token: string;
    };
    const answer = JSON.parse(await curl(`${url}/features?featureset=Buyer&entity_id=1&after=${token}`, own)) as {
      readonly features: object;
    };
    expect(answer.features).to.include({ count_1d: 1 });
    const query = await processes.run(['query', 'Buyer', '-e', '1'], { env });
    expect(query.code, query.stderr).to.equal(0);
  });

  it('is spoken by gRPC as well', async () => {
    const featuresets = await listOver({ target: deployment.owner.grpcTarget, tls: { ca: readFileSync(own.cert) } });
    expect(featuresets).to.equal('answered');
  });

  async function listOver(options: RpcChannelOptions): Promise<string> {
    const channel = openChannel(options);
    try {
      await createClient(RegistryService, channel).list(create(ListRequestSchema), { signal: AbortSignal.timeout(30_000) });
      return 'answered';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      channel.close();
    }
  }

  it('refuses plain text, and clients see that a certificate is not trusted', async () => {
    const { url, owner, gateway } = deployment;
    const failureOf = (work: Promise<string>): Promise<string> => work.then(() => 'no failure', String);
    expect(await failureOf(run('curl', ['-sS', '--max-time', '30', url.replace('https:', 'http:')]))).to.not.equal('no failure');
    expect(await failureOf(curl(url, other))).to.match(/certificate/i);
    expect(await listOver({ target: owner.grpcTarget })).to.not.equal('answered');
    expect(await listOver({ target: owner.grpcTarget, tls: { ca: readFileSync(other.cert) } })).to.not.equal('answered');
    const status = await processes.run(['status'], { env: { THYME_API_URL: url } });
    expect(status.code).to.equal(1);
    expect(status.stderr).to.match(
      /the certificate of https:\/\/127\.0\.0\.1:\d+ is not trusted \(\w+\): name its authority by NODE_EXTRA_CA_CERTS=FILE/,
    );
    expect(JSON.parse(await curl(`${url}/health`, own)), 'it goes on').to.deep.equal({ status: 'ok' });
    expect(gateway.stderr() + owner.stderr()).to.not.match(/"level":"error"/);
  });

  it('refuses files that do not fit at the start, by their variables', () => {
    const rubbish = join(processes.folder, 'rubbish.pem');
    writeFileSync(rubbish, 'no PEM\n');
    const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
      [{ THYME_TLS_CERT: own.cert }, /^THYME_TLS_KEY: must be set beside THYME_TLS_CERT/],
      [{ THYME_TLS_KEY: own.key }, /^THYME_TLS_CERT: must be set beside THYME_TLS_KEY/],
      [{ THYME_TLS_CERT: `${own.cert}.not`, THYME_TLS_KEY: own.key }, /^THYME_TLS_CERT: '.*own\.crt\.not' cannot be read: ENOENT/],
      [{ THYME_TLS_CERT: rubbish, THYME_TLS_KEY: own.key }, /^THYME_TLS_CERT: holds no certificate in PEM/],
      [{ THYME_TLS_CERT: own.cert, THYME_TLS_KEY: own.cert }, /^THYME_TLS_KEY: holds no private key in PEM/],
      [{ THYME_TLS_CERT: own.cert, THYME_TLS_KEY: other.key }, /^THYME_TLS_KEY: is not the key of the certificate in THYME_TLS_CERT/],
      [{ THYME_TLS_CA: own.key }, /^THYME_TLS_CA: holds no certificate in PEM/],
    ];
    for (const [env, words] of cases) expect(() => loadServeConfig([], env)).to.throw(words);
  });

  it('lets a process listen beyond this machine, where callers need keys as well', () => {
    const tls = { THYME_TLS_CERT: own.cert, THYME_TLS_KEY: own.key };
    expect(() => loadServeConfig(['--host', '0.0.0.0'], tls)).to.throw(/THYME_HOST: .* API keys are missing/);
    const keys = { THYME_API_KEYS: formatApiKeyEntry(generateApiKey(['admin']).entry) };
    expect(() => loadServeConfig(['--host', '0.0.0.0'], keys)).to.throw(/THYME_HOST: .* a TLS certificate is missing/);
    expect(loadServeConfig(['--host', '0.0.0.0'], { ...tls, ...keys }).host).to.equal('0.0.0.0');
  });
});

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
