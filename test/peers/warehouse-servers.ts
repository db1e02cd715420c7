import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../infra/local/free-ports.js';

// What stands for BigQuery and Snowflake in tests: programs in Python that really run the SQL, each in a venv that .ci/run makes.

/** They import half of a data stack, on a machine that is busy. */
const READY_DEADLINE_MS = 120_000;
const PYTHON = 'python3.11';

export interface WarehouseServer {
  readonly port: number;
  stop(): Promise<void>;
}

export interface WarehouseServerKind {
  /** What to install, where it is not there. */
  readonly what: string;
  isThere(): boolean;
  start(): Promise<WarehouseServer>;
}

/** Its engine finds an extension in the home folder, so it gets a home of its own. */
export const bqemulator: WarehouseServerKind = {
  what: 'bqemulator (.ci/run makes its venv, thyme-tools/bigquery)',
  isThere: () => existsSync(venv('bigquery', 'bin/bqemulator')) && spatial() !== undefined,
  async start() {
    const home = mkdtempSync(join(tmpdir(), 'thyme-bqemulator-'));
    const extensions = join(home, '.duckdb/extensions/v1.5.5/linux_amd64');
    mkdirSync(extensions, { recursive: true });
    symlinkSync(spatial() ?? '', join(extensions, 'spatial.duckdb_extension'));
    const port = await freePort();
    const args = ['start', '--rest-port', String(port), '--grpc-port', '0', '--project', 'p', '--data-dir', home, '--log-level', 'error'];
    const server = await started(venv('bigquery', 'bin/bqemulator'), args, { port, home });
    return {
      port,
      async stop() {
        await server.stop();
        rmSync(home, { recursive: true, force: true });
      },
    };
  },
};

/** Behind fakesnow_rows.py, which says its answers as the driver for Node reads them. */
export const fakesnow: WarehouseServerKind = {
  what: 'fakesnow (.ci/run makes its venv, thyme-tools/snowflake)',
  isThere: () => existsSync(venv('snowflake', 'bin/python')),
  async start() {
    const home = mkdtempSync(join(tmpdir(), 'thyme-fakesnow-'));
    const port = await freePort();
    const beside = fileURLToPath(new URL('fakesnow_rows.py', import.meta.url));
    const script = existsSync(beside) ? beside : fileURLToPath(new URL('../../../test/peers/fakesnow_rows.py', import.meta.url)); // compiled
    const server = await started(venv('snowflake', 'bin/python'), [script, String(port)], { port, home });
    return {
      port,
      async stop() {
        await server.stop();
        rmSync(home, { recursive: true, force: true });
      },
    };
  },
};

function spatial(): string | undefined {
  for (const python of [PYTHON, 'python3.12', 'python3.13']) {
    const path = venv('bigquery', `lib/${python}/site-packages/duckdb_extension_spatial/extensions/v1.5.5/spatial.duckdb_extension`);
    if (existsSync(path)) return path;
  }
  return undefined;
}

function venv(name: string, path: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'thyme-tools', name, path);
}

async function started(
  program: string,
  args: readonly string[],
  { port, home }: { readonly port: number; readonly home: string },
): Promise<{ stop(): Promise<void> }> {
  const env = { ...process.env, HOME: home, TMPDIR: home };
  const server: ChildProcess = spawn(program, args, { stdio: 'ignore', env, cwd: home });
  const exited = once(server, 'exit');
  const deadline = Date.now() + READY_DEADLINE_MS;
  while (!(await answers(port))) {
    if (server.exitCode !== null || Date.now() > deadline) throw new Error(`${program} does not answer`);
    await pause(100);
  }
  return {
    async stop() {
      server.kill('SIGKILL'); // all that it has is in memory
      await exited;
    },
  };
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false, // not yet
  );
}
