// What processes of a deployment tell one another, and how: the internal key, certificates, and what is never sent in plain text.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { DigestRequestSchema, StateService } from '../../../gen/thyme/v1/state_pb.js';
import { GetRequestSchema, RegistryService, WatchRequestSchema } from '../../../gen/thyme/v1/registry_pb.js';
import { ThymeError } from '../../../libs/errors/errors.js';
import { createClient, openChannel, type RpcChannelOptions } from '../../../libs/rpc/client.js';
import { PeerChannels } from '../../../services/program/peer-channels.js';
import { loadServeConfig } from '../../../services/program/serve-config.js';
import { startEmbeddedPlatform } from '../../support/embedded-platform.js';
import { commitFile } from '../../../libs/cli/commit-command.js';
import { jsonOf, post, request } from '../../support/http.js';
import { startDeployment, startStandby } from '../../support/deployment.js';
import { Processes } from '../../support/processes.js';
import { TEST_INTERNAL_KEY } from '../../support/test-keys.js';

const SHOP = 'test/support/shop-features.ts';
const live = () => ({ signal: AbortSignal.timeout(30_000) });

async function failureOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    return error instanceof ThymeError ? error.status : String(error);
  }
}

describe('ways in: between processes', function () {
  this.timeout(300_000);
  const processes = new Processes();
  after(() => processes.end());

  it('a bundle is told to admin and to processes, and to no reader', async () => {
    const platform = await startEmbeddedPlatform();
    try {
      await commitFile(SHOP, platform.context);
      const codeFor = async (apiKey: string | undefined): Promise<readonly string[]> => {
        const channel = openChannel({ target: platform.grpcTarget, ...(apiKey === undefined ? {} : { apiKey }) });
        try {
          const registry = createClient(RegistryService, channel);
          const { revision } = await registry.get(create(GetRequestSchema), live());
          for await (const watched of registry.watch(create(WatchRequestSchema, { fromRevision: 1n }), live()))
            return [revision?.bundle?.code ?? '', watched.revision?.bundle?.code ?? ''];
          return [];
        } finally {
          channel.close();
        }
      };
      expect(await codeFor(undefined)).to.deep.equal(['', '']);
      for (const key of [platform.adminKey, TEST_INTERNAL_KEY]) for (const code of await codeFor(key)) expect(code).to.contain('Purchase');
      const made = jsonOf(
        await post(
          `${platform.url}/api/v1/keys`,
          { name: 'r', scopes: ['read', 'write'] },
          { authorization: `Bearer ${platform.adminKey}` },
        ),
      );
      expect(await codeFor(String(made.key))).to.deep.equal(['', '']);
    } finally {
      await platform.stop();
    }
  });

  it('roles apart on loopback find one another untold, with a folder each; a stranger with another key does not', async () => {
    const { owner, url, query, gateway } = await startDeployment(processes, 'untold', 1);
    const committed = await processes.run(['commit', SHOP], { env: { THYME_API_URL: url } });
    expect(committed.code, committed.stderr).to.equal(0);
    const events = [{ user_id: 1, item: 'tea', price: 1, paid_at: new Date().toISOString() }];
    const { token } = jsonOf(await post(`${url}/api/v1/log`, { dataset: 'Purchase', events }));
    expect(jsonOf(await request(`${url}/features?featureset=Buyer&entity_id=1&after=${String(token)}`)).features).to.include({
      count_1d: 1,
    });
    for (const { stderr } of [owner, query, gateway]) expect(stderr()).to.not.contain(processes.internalKey());
    const stranger = await processes.run(['serve', '--roles', 'store-replica', '--owner', owner.grpcTarget], {
      env: {
        THYME_DATA_DIR: processes.subfolder('stranger'),
        THYME_GRPC_PORT: '0',
        THYME_INTERNAL_KEY: 'not_the_key_of_this_deployment_0123456789',
      },
      before: 'set -- timeout 20 "$@"', // it would go on asking
    });
    expect(stranger.stdout).to.equal('');
    expect(stranger.stderr).to.match(/a replica lost its stream.*THYME_INTERNAL_KEY must be the same in all of them/);
  });

  it('a key is not sent in plain text to another machine, unless --insecure says so, in the log too', async () => {
    const env = { THYME_INTERNAL_KEY: TEST_INTERNAL_KEY };
    const apart = ['--roles', 'gateway', '--owner', '192.0.2.1:50051', '--query', '127.0.0.1:1'];
    expect(() => loadServeConfig(apart, env)).to.throw(/THYME_TLS_CA: must be set where a process at 192\.0\.2\.1:50051 is called/);
    expect(() => loadServeConfig(apart, {})).to.throw(/THYME_INTERNAL_KEY: must be set/);
    expect(loadServeConfig([...apart, '--insecure'], env).insecure).to.equal(true);
    const channels = new PeerChannels({ peerTls: undefined, insecure: false, internalKey: () => TEST_INTERNAL_KEY });
    for (const target of ['10.1.2.3:50051', 'aggregator-0.example:50051', '[2001:db8::1]:1'])
      expect(() => channels.to(target), target).to.throw(/is not sent to .* in plain text/);
    for (const target of ['127.0.0.1:1', 'localhost:1', '[::1]:1']) channels.to(target);
    await channels.stop();
    const loud = await processes.serve(processes.subfolder('loud'), ['--insecure']);
    expect(loud.stderr()).to.match(/--insecure: keys and records may pass between machines in plain text/);
  });

  it('with THYME_TLS_CLIENT_CA the internal key is of no use without a certificate, and old ciphers of none at all', async function () {
    const ca = certificate('ca');
    if (ca === undefined) this.skip();
    const [own, foreign] = [certificate('own', ca), certificate('foreign')];
    if (own === undefined || foreign === undefined) return;
    const env = {
      THYME_TLS_CERT: own.cert,
      THYME_TLS_KEY: own.key,
      THYME_TLS_CA: ca.cert,
      THYME_TLS_CLIENT_CA: ca.cert,
      THYME_INTERNAL_KEY: TEST_INTERNAL_KEY,
    };
    const deployment = await startDeployment(processes, 'mutual', 1, env);
    const standby = await startStandby(processes, 'mutual', deployment.owner, env);
    const shown = (pair: Pair | undefined): RpcChannelOptions['tls'] => ({
      ca: readFileSync(ca.cert),
      ...(pair === undefined ? {} : { own: { key: readFileSync(pair.key), certificate: readFileSync(pair.cert) } }),
    });
    const digest = async (pair: Pair | undefined): Promise<string> => {
      const channel = openChannel({ target: standby.grpcTarget, apiKey: TEST_INTERNAL_KEY, ...tlsOption(shown(pair)) });
      try {
        return await failureOf(Promise.resolve(createClient(StateService, channel).digest(create(DigestRequestSchema), live())));
      } finally {
        channel.close();
      }
    };
    expect(await digest(own)).to.equal('none');
    expect(await digest(undefined)).to.equal('PERMISSION_DENIED');
    expect(await digest(foreign)).to.not.equal('none');
    const [grpc, rest] = [standby.grpcTarget, new URL(deployment.url).host];
    for (const address of [grpc, rest]) {
      expect(
        await handshake(address, {
          maxVersion: 'TLSv1.2',
          ciphers: 'ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA',
        }),
        address,
      ).to.equal('refused');
      expect(await handshake(address, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }), address).to.equal(
        'refused',
      );
      expect(await handshake(address, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }), address).to.equal('TLSv1.2');
      expect(await handshake(address, {}), address).to.equal('TLSv1.3');
    }
  });

  interface Pair {
    readonly cert: string;
    readonly key: string;
  }

  function tlsOption(tls: RpcChannelOptions['tls']): Pick<RpcChannelOptions, 'tls'> {
    return tls === undefined ? {} : { tls };
  }

  /** For 127.0.0.1, by `issuer` or by itself; undefined without openssl, which CI has. */
  function certificate(name: string, issuer?: Pair): Pair | undefined {
    const [cert, key] = [join(processes.folder, `${name}.crt`), join(processes.folder, `${name}.key`)];
    const by = issuer === undefined ? [] : ['-CA', issuer.cert, '-CAkey', issuer.key];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
    try {
      execFileSync('openssl', ['req', '-x509', ...curve, ...names, ...by, '-keyout', key, '-out', cert], { stdio: 'ignore' });
      return { cert, key };
    } catch (error) {
      if (process.env.CI === 'true') throw error;
      process.stderr.write('    NOT TESTED: mutual TLS, since openssl 3 is not installed\n');
      return undefined;
    }
  }
});

/** The version that was agreed on, or that it was refused. */
function handshake(address: string, options: object): Promise<string> {
  const [host = '', port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'], ...options });
    socket.once('secureConnect', () => {
      resolve(socket.getProtocol() ?? 'none');
      socket.destroy();
    });
    socket.once('error', () => resolve('refused'));
  });
}
