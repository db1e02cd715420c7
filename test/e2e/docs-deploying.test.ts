// The page about deploying: its boxes are run by bash, in their order and in one folder a section, with free ports in place of the
// page's. What serves goes on until the section ends; everything else must end well.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { sectionBlocks } from '../support/page-modules.js';

const READY_DEADLINE_MS = 120_000;
const SERVES = /\bnpx thyme serve\b/;
const PORT = /\b(8080|5005\d)\b/g;

describe('the page about deploying', function () {
  this.timeout(400_000);
  const sections = sectionBlocks('deploying').filter((blocks) => blocks.length > 0);
  const folder = mkdtempSync(join(tmpdir(), 'thyme-deploying-'));
  const started: ChildProcess[] = [];

  before(() => {
    mkdirSync(join(folder, 'bin'));
    // What `npx thyme` is in a project: this program. A module's `thyme` is found by where the module lies.
    writeFileSync(join(folder, 'bin', 'npx'), `#!/bin/sh\nshift\nexec node ${resolve('services/program/launch.js')} "$@"\n`);
    chmodSync(join(folder, 'bin', 'npx'), 0o755);
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map(end));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('has boxes of commands alone, some of which serve', () => {
    expect(new Set(sections.flat().map(({ language }) => language))).to.have.all.keys('sh');
    expect(sections.map((blocks) => blocks.filter(({ code }) => SERVES.test(code)).length)).to.deep.equal([1, 1, 3]);
  });

  for (const [i, title] of ['one process', 'TLS', 'roles apart'].entries()) {
    it(`shows commands that do what it says: ${title}`, async () => {
      const home = join(folder, title.replaceAll(' ', '-'));
      mkdirSync(home);
      copyFileSync('infra/examples/fraud.ts', join(home, 'features.ts'));
      writeFileSync(
        join(home, 'orders.ndjson'),
        '{"user_id": "ann", "order_id": "o1", "amount": 30, "ordered_at": "2026-01-31T12:00:00Z"}\n',
      );
      const ports = await freePorts();
      const onFreePorts = (code: string): string =>
        code.replace(PORT, (port) => String(ports.get(port))).replaceAll('--host 0.0.0.0', '--host 127.0.0.1');
      for (const { code } of sections[i] ?? []) {
        const child = bash(onFreePorts(code), home, ports);
        if (SERVES.test(code)) await untilReady(child);
        else {
          const { exit, printed } = await ending(child);
          expect(exit, `${code}\n${printed}`).to.equal(0);
        }
      }
    });
  }

  function bash(code: string, cwd: string, ports: ReadonlyMap<string, number>): ChildProcess {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('THYME_'));
    const own = {
      PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
      XDG_STATE_HOME: join(cwd, 'state'),
      THYME_REST_PORT: String(ports.get('8080')),
      THYME_GRPC_PORT: String(ports.get('50051')),
      THYME_API_URL: `http://127.0.0.1:${String(ports.get('8080'))}`,
      THYME_LOG_LEVEL: 'warn',
    };
    // `exec` of the last command: a signal to bash reaches what serves.
    const script = SERVES.test(code) ? code.replace('npx thyme', 'exec npx thyme') : code;
    const child = spawn('bash', ['-ec', script], {
      cwd,
      env: { ...Object.fromEntries(inherited), ...own },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.push(child);
    return child;
  }
});

interface Ending {
  readonly exit: number | null;
  readonly printed: string;
}

async function ending(child: ChildProcess): Promise<Ending> {
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const [exit] = (await once(child, 'close')) as [number | null];
  return { exit, printed };
}

async function untilReady(child: ChildProcess): Promise<void> {
  let printed = '';
  const deadline = AbortSignal.timeout(READY_DEADLINE_MS);
  await new Promise<void>((ready, fail) => {
    const look = (chunk: Buffer): void => {
      printed += chunk.toString();
      if (/^thyme ready /m.test(printed)) ready();
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.on('exit', () => fail(new Error(`it ended before it was ready: ${printed}`)));
    deadline.addEventListener('abort', () => fail(new Error(`it was not ready in time: ${printed}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

/** For each port of the page one that nobody has at the moment: roles name one another by theirs, so they cannot be any. */
async function freePorts(): Promise<ReadonlyMap<string, number>> {
  const servers = await Promise.all(
    ['8080', '50051', '50052', '50053'].map(async (port) => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return { port, server, free: (server.address() as AddressInfo).port }; // an address of TCP
    }),
  );
  await Promise.all(servers.map(({ server }) => new Promise((closed) => server.close(closed))));
  return new Map(servers.map(({ port, free }) => [port, free]));
}
