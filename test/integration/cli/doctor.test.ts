import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { clockFinding, machineFindings, processFinding } from '../../../libs/cli/doctor-checks.js';
import { tableLines } from '../../../libs/cli/table-lines.js';
import { VERSION } from '../../../libs/cli/version.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { cli } from './cli-run.js';

interface Found {
  readonly check: string;
  readonly state: string;
  readonly detail: string;
  readonly fix: string | null;
}

describe('thyme doctor', function () {
  this.timeout(60_000);
  let platform: EmbeddedPlatform;
  before(async () => {
    platform = await startEmbeddedPlatform();
  });
  after(() => platform.stop());

  async function found(target: Parameters<typeof cli>[0]): Promise<{ readonly code: number; readonly of: ReadonlyMap<string, Found> }> {
    const { code, out } = await cli(target, 'doctor', '--json');
    return { code, of: new Map((JSON.parse(out) as readonly Found[]).map((finding) => [finding.check, finding])) };
  }

  it('finds a platform well, in a table for people, and says what it cannot see', async () => {
    const { code, out, err } = await cli({ url: platform.url, adminKey: platform.adminKey }, 'doctor');
    expect([code, err]).to.deep.equal([0, '']);
    const lines = out.split('\n');
    expect(lines[0]).to.match(/^ +CHECK +FINDING$/);
    expect(lines.filter((line) => /^ok +\w+ +\S/.test(line)).length).to.be.at.least(5);
    const { of } = await found({ url: platform.url, adminKey: platform.adminKey });
    expect([...of.keys()]).to.have.members([
      'version',
      'processes',
      'clock',
      'services',
      'pipelines',
      'disk',
      'descriptors',
      'sources',
      'keys',
    ]);
    expect(of.get('version')?.detail).to.equal(`both are ${VERSION}`);
    expect(of.get('processes')?.detail).to.equal(`3 that answer are all ${VERSION}`);
    expect(of.get('disk')?.detail).to.match(/^\d+\.\d GiB of \d+\.\d GiB are free/);
    expect((await found(platform.url)).of.get('keys')).to.deep.include({ state: 'unknown' });
  });

  it('tells keys that are over or soon will be', async () => {
    const target = { url: platform.url, adminKey: platform.adminKey };
    await cli(target, 'keys', 'create', 'soon', '--expires', '2d');
    await cli(target, 'keys', 'create', 'later', '--expires', '30d');
    const { code, of } = await found(target);
    expect([code, of.get('keys')?.state]).to.deep.equal([0, 'warning']);
    expect(of.get('keys')?.detail).to.match(/^soon expires 20/);
    expect(of.get('keys')?.fix).to.match(/^thyme keys create soon-2/);
  });

  it('judges clocks, disks and descriptors by what is told', () => {
    const date = 'Thu, 01 Jan 1970 00:16:40 GMT'; // 1,000 s
    const judged = (nowS: number): string => clockFinding(date, nowS, nowS + 0.1).state;
    expect([1_000.5, 1_002, 1_010, 990, 1_070, 900].map(judged)).to.deep.equal(['ok', 'ok', 'warning', 'warning', 'failed', 'failed']);
    expect(clockFinding(date, 990, 990.1).detail).to.equal("the deployment's clock is 10 s ahead of this one");
    expect(clockFinding(null, 0, 1).state).to.equal('unknown');
    const states = (metrics: string): readonly string[] => machineFindings(metrics).map(({ state }) => state);
    const metrics = (free: number, open: number, limit: number): string =>
      `thyme_disk_free_bytes ${free}\nthyme_disk_size_bytes 100\nthyme_process_descriptors ${open}\nthyme_process_descriptor_limit ${limit}\n`;
    expect(states(metrics(50, 30, 65_536))).to.deep.equal(['ok', 'ok']);
    expect(states(metrics(10, 30, 1_024))).to.deep.equal(['warning', 'warning']);
    expect(states(metrics(4, 1_000, 1_024))).to.deep.equal(['failed', 'failed']);
    expect(states('')).to.deep.equal(['unknown', 'unknown']);
  });

  it('tells processes of another version, with which to start', () => {
    const of = (role: string, version: string) => ({ role, version, host: 'h' });
    expect(processFinding([of('gateway', '0.9.0'), of('query', '0.10.0'), of('query', '0.10.0')])).to.deep.equal({
      check: 'processes',
      state: 'warning',
      detail: 'the newest is 0.10.0, and gateway on h is 0.9.0',
      fix: 'finish the upgrade: start these with 0.10.0 too, one after the other',
    });
    expect(processFinding([])).to.include({ state: 'unknown' });
  });

  it('fails where something has failed, with what to do, and where nobody answers', async () => {
    const ill = await illDeployment();
    const { port } = ill.address() as AddressInfo;
    const { code, out, err } = await cli(`http://127.0.0.1:${port}`, 'doctor');
    ill.close();
    expect([code, err]).to.deep.equal([1, 'services, pipelines, sources failed']);
    expect(out)
      .to.match(/^warning +version +this program is \S+, the deployment is 9\.9\.9$/m)
      .and.match(/^failed +services +aggregator does not answer$/m)
      .and.match(/^failed +pipelines +A\.count is paused/m)
      .and.match(/^failed +sources +Order is stopped: no such table$/m)
      .and.match(/^warning +sources +Cart is 400 s behind$/m)
      .and.match(/^unknown +keys +/m)
      .and.match(/^version: npm install thyme@9\.9\.9/m)
      .and.match(/^sources: thyme sources test Order$/m);
    const absent = await cli(`http://127.0.0.1:${port}`, 'doctor');
    expect([absent.code, absent.err]).to.deep.equal([1, `no answer from http://127.0.0.1:${port}: is \`thyme serve\` running there?`]);
  });

  it('aligns columns by characters', () => {
    expect(
      tableLines(
        ['A', 'B'],
        [
          ['héé', 'x'],
          ['𝒳', 'yy'],
        ],
      ),
    ).to.deep.equal(['A    B', 'héé  x', '𝒳    yy']);
  });
});

/** Answers as a deployment would in which several things are wrong. */
async function illDeployment(): Promise<Server> {
  const progress = { paused: true, caught_up: false, lag: 5, failed: 1 };
  const source = { cause: null, lag: { seconds: 400 } };
  const answers: Readonly<Record<string, unknown>> = {
    '/openapi.json': { info: { version: '9.9.9' } },
    '/health': { status: 'ok' },
    '/api/v1/status': { unavailable: ['aggregator'], jobs: [{ name: 'A.count', progress }] },
    '/api/v1/sources': [
      { ...source, dataset: 'Order', state: 'stopped', cause: 'no such table' },
      { ...source, dataset: 'Cart', state: 'reading' },
    ],
    '/metrics': '',
  };
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ''];
    response.writeHead(answer === undefined ? 403 : 200, { 'content-type': 'application/json' });
    response.end(answer === undefined ? '{"detail":"this key has no scope admin"}' : JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
