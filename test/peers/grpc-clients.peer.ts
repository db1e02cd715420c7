// Clients in Python and Go, generated from the exported protos, and grpcurl, which knows none: against a platform that needs keys.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { componentOrSkip } from '../support/component.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { run } from '../support/http.js';
import { CLIENT_TOOLS } from '../support/python.js';

/** Where .ci/run puts protoc-gen-go, protoc-gen-go-grpc and grpcurl. */
const GO_TOOLS = dirname(dirname(CLIENT_TOOLS));
/** The standard library of Go and grpc-go are compiled where the cache is cold. */
const COLD_BUILD_MS = 600_000;

describe('gRPC clients of the exported protos', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'thyme-grpc-clients-'));
  const path = process.env['PATH'];
  let platform: EmbeddedPlatform;

  before(async () => {
    process.env['PATH'] = [GO_TOOLS, path].join(delimiter);
    platform = await startEmbeddedPlatform({ partitions: 2, keysRequired: true });
    await commitFile('infra/examples/fraud.ts', platform.context);
  });
  after(async () => {
    process.env['PATH'] = path;
    await platform.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('runs the scenario in Python', async function () {
    const python = join(CLIENT_TOOLS, 'python');
    componentOrSkip(this, canRun(python, ['-c', 'import grpc_tools, google.rpc']), 'grpcio-tools for Python');
    const generated = join(folder, 'python');
    mkdirSync(generated);
    const protos = readdirSync('proto/thyme/v1').map((name) => `proto/thyme/v1/${name}`);
    const protoc = ['-m', 'grpc_tools.protoc', '-I', 'proto', `--python_out=${generated}`, `--grpc_python_out=${generated}`];
    await run(python, [...protoc, ...protos]);
    cpSync('infra/clients/python/scenario.py', join(generated, 'scenario.py')); // beside the code: no PYTHONPATH
    expect(await run(python, [join(generated, 'scenario.py'), platform.grpcTarget, platform.adminKey])).to.equal('done\n');
  });

  it('runs the scenario in Go', async function () {
    this.timeout(COLD_BUILD_MS);
    const isThere =
      canRun('go', ['version']) && existsSync(join(GO_TOOLS, 'protoc-gen-go')) && existsSync(join(GO_TOOLS, 'protoc-gen-go-grpc'));
    componentOrSkip(this, isThere, 'Go with protoc-gen-go and protoc-gen-go-grpc');
    const module = join(folder, 'go');
    cpSync('infra/clients/go', module, { recursive: true, filter: (source) => !source.endsWith('/gen') });
    const template = ['--template', 'infra/clients/go/buf.gen.yaml', '--path', 'proto/thyme', '-o', module];
    await run('node_modules/.bin/buf', ['generate', 'proto', ...template]);
    const program = join(folder, 'scenario');
    await run('go', ['build', '-C', module, '-o', program, './scenario']);
    expect(await run(program, [platform.grpcTarget, platform.adminKey])).to.equal('done\n');
  });

  it('shows grpcurl the health service, and the code that an error carries', async function () {
    componentOrSkip(this, canRun('grpcurl', ['-version']), 'grpcurl');
    const ask = (...args: readonly string[]) => run('grpcurl', ['-plaintext', ...args]);
    expect((await ask(platform.grpcTarget, 'list')).split('\n')).to.include.members(['grpc.health.v1.Health', 'thyme.v1.QueryService']);
    expect(JSON.parse(await ask(platform.grpcTarget, 'grpc.health.v1.Health/Check'))).to.deep.equal({ status: 'SERVING' });
    const request = JSON.stringify({
      featureset: 'FraudSignals',
      entity: { values: [{ stringValue: 'a' }] },
      timestamp: '2099-01-01T00:00:00Z',
    });
    const call = ['-H', `authorization: Bearer ${platform.adminKey}`, '-d', request, platform.grpcTarget, 'thyme.v1.QueryService/Query'];
    const refused = await ask(...call).catch(String);
    expect(refused).to.match(/Code: InvalidArgument[^]*Details:[^]*google\.rpc\.ErrorInfo[^]*"reason": ?"THYME_INVALID_ARGUMENT"/);
    expect(refused).to.match(/google\.rpc\.BadRequest[^]*"field": ?"timestamp"/);
  });
});

function canRun(file: string, args: readonly string[]): boolean {
  try {
    execFileSync(file, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
