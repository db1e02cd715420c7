import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../../infra/local/free-ports.js';

/** How long a server may take until it answers. */
const READY_DEADLINE_MS = 30_000;

/** A PostgreSQL server of the test's own, on loopback, in a temporary folder. */
export interface Postgres {
  readonly port: number;
  /** As the superuser; another one after a restart. */
  readonly client: pg.Client;
  /** Ends the server, and starts it again on the same port and data. `immediate` is a crash. */
  restart(how: 'fast' | 'immediate'): Promise<void>;
  stop(): Promise<void>;
}

export interface PostgresStart {
  /** Of postgresql.conf, such as `wal_level=logical`. */
  readonly settings?: readonly string[];
  /** Puts files into the data folder before the server starts; gets the user that has to own them. */
  readonly prepare?: (data: string, owner: { readonly uid?: number; readonly gid?: number }) => void;
}

/** The folder of PostgreSQL's programs; undefined where it is not installed (Debian: `apt-get install postgresql`). */
export function postgresPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return undefined;
  const versions = readdirSync(root).filter((version) => existsSync(join(root, version, 'bin', 'initdb')));
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(root, newest, 'bin');
}

export async function startPostgres({ settings = [], prepare }: PostgresStart = {}): Promise<Postgres> {
  const programs = postgresPrograms();
  if (programs === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  const folder = mkdtempSync(join(tmpdir(), 'thyme-postgres-'));
  const owner = serverUser();
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  execFileSync(join(programs, 'initdb'), ['-D', data, '-U', 'thyme', '--auth=trust', '--no-sync', '-E', 'UTF8'], {
    ...owner,
    cwd: folder,
    stdio: 'ignore',
  });
  prepare?.(data, owner);
  return runServer({ programs, folder, data, owner, settings });
}

/** A stand-by that follows the server, with its own copy of the data; `SELECT pg_promote()` makes it a server of its own. */
export async function startStandby({ port }: Postgres, settings: readonly string[] = []): Promise<Postgres> {
  const programs = postgresPrograms();
  if (programs === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  const folder = mkdtempSync(join(tmpdir(), 'thyme-postgres-'));
  const owner = serverUser();
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const from = ['-h', '127.0.0.1', '-p', String(port), '-U', 'thyme', '-D', data, '-R', '--checkpoint=fast', '--no-sync'];
  execFileSync(join(programs, 'pg_basebackup'), from, { ...owner, cwd: folder, stdio: 'ignore' });
  return runServer({ programs, folder, data, owner, settings });
}

interface ServerPlace {
  readonly programs: string;
  /** Removed with the server. */
  readonly folder: string;
  readonly data: string;
  readonly owner: { readonly uid?: number; readonly gid?: number };
  readonly settings: readonly string[];
}

async function runServer({ programs, folder, data, owner, settings }: ServerPlace): Promise<Postgres> {
  const port = await freePort();
  const all = ['fsync=off', `unix_socket_directories=${folder}`, 'listen_addresses=127.0.0.1', 'jit=off', 'work_mem=256MB', ...settings];
  const start = (): ChildProcess =>
    spawn(join(programs, 'postgres'), ['-D', data, '-p', String(port), ...all.flatMap((setting) => ['-c', setting])], {
      ...owner,
      cwd: folder,
      stdio: 'ignore',
    });
  let server = start();
  let client = await connect(port, server);
  const end = async (signal: 'SIGINT' | 'SIGQUIT'): Promise<void> => {
    const exited = new Promise((resolve) => server.once('exit', resolve));
    await client.end().catch(() => undefined); // it may have gone with the server
    server.kill(signal);
    await exited;
  };
  return {
    port,
    get client() {
      return client;
    },
    async restart(how) {
      await end(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
      server = start();
      client = await connect(port, server);
    },
    async stop() {
      await end('SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root; then it runs as the user that its package made. */
function serverUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function connect(port: number, server: ChildProcess): Promise<pg.Client> {
  const deadline = Date.now() + READY_DEADLINE_MS;
  for (;;) {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'thyme', database: 'postgres' });
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (server.exitCode !== null || Date.now() > deadline) throw new Error('PostgreSQL does not answer', { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
