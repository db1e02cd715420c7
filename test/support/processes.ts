import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folderKeyOf } from './test-keys.js';

const SOURCE_LAUNCHER = fileURLToPath(new URL('../../services/program/launch.js', import.meta.url));
/** Compiled, the program runs as it is. */
const LAUNCHER = existsSync(SOURCE_LAUNCHER) ? SOURCE_LAUNCHER : fileURLToPath(new URL('../../services/program/thyme.js', import.meta.url));

/** From the start to the ready line; a cold start takes two seconds, and several may share a busy core. */
const READY_DEADLINE_MS = 120_000;
/** From SIGTERM to the exit: above the 10 s that a server gives to what is in flight. */
const STOP_DEADLINE_MS = 30_000;
const READY_LINE = /^thyme ready(?: rest=(\S+))? grpc=(\S+)$/m;

export interface ThymeProcess {
  readonly pid: number;
  /** Empty where the process has no gateway. */
  readonly restUrl: string;
  readonly grpcTarget: string;
  /** A key of scope admin, in its data folder; empty where it was told of other keys. */
  readonly adminKey: string;
  /** Standard error so far: JSON lines. */
  stderr(): string;
  readonly isRunning: boolean;
  /** Resolves once what it has written, to either stream, matches; rejects when it ends before, or does not in time. */
  prints(pattern: RegExp): Promise<void>;
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code, or rejects when it does not end in time. */
  stop(): Promise<number | null>;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Run by bash in front of the program, for limits such as `ulimit -f`. */
  readonly before?: string;
}

/** Processes of the real program, with one folder for all that they write; `end` stops them and removes it. */
export class Processes {
  readonly folder = mkdtempSync(join(tmpdir(), 'thyme-processes-'));
  readonly #running = new Set<Child>();
  readonly #folderOf = new Map<string, string>();

  /** A new folder below the one that `end` removes. */
  subfolder(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** What they call one another with, unless they were told something else. */
  internalKey(): string {
    return readFileSync(join(this.folder, 'state', 'thyme', 'internal.key'), 'utf8').trim();
  }

  /** `thyme serve`, on free ports unless told otherwise; resolves at its ready line. */
  async serve(dataDir: string, args: readonly string[] = [], { env = {}, before }: StartOptions = {}): Promise<ThymeProcess> {
    const child = this.#start(['serve', ...args], {
      env: { THYME_REST_PORT: '0', THYME_GRPC_PORT: '0', THYME_DATA_DIR: dataDir, THYME_LOG_LEVEL: 'warn', ...env },
      ...(before === undefined ? {} : { before }),
    });
    return this.#ready(child, dataDir);
  }

  /** `thyme dev`, on free ports; resolves at its ready line. */
  async dev(dataDir: string, file: string): Promise<ThymeProcess> {
    return this.#ready(
      this.#start(['dev', file], { env: { THYME_REST_PORT: '0', THYME_GRPC_PORT: '0', THYME_DATA_DIR: dataDir } }),
      dataDir,
    );
  }

  /** Any command, to its end. What calls a process of ours is told its folder, in which it finds the admin key. */
  async run(args: readonly string[], { env = {}, ...options }: StartOptions = {}): Promise<Ended> {
    const dataDir = this.#folderOf.get(env.THYME_API_URL ?? '');
    const child = this.#start(withoutTypes(args), {
      ...options,
      env: { ...(dataDir === undefined ? {} : { THYME_DATA_DIR: dataDir }), ...env },
    });
    await child.ended;
    return { code: child.process.exitCode, stdout: child.stdout, stderr: child.stderrText };
  }

  async end(): Promise<void> {
    await Promise.all([...this.#running].map((child) => child.kill()));
    await rm(this.folder, { recursive: true, force: true });
  }

  async #ready(child: Child, dataDir: string): Promise<ThymeProcess> {
    const ready = await child.ready(dataDir);
    this.#folderOf.set(ready.restUrl, dataDir);
    return ready;
  }

  #start(args: readonly string[], { env = {}, ...options }: StartOptions): Child {
    // What the processes of one user share is shared by those of one test.
    const child = new Child(args, { ...options, env: { XDG_STATE_HOME: join(this.folder, 'state'), ...env } });
    this.#running.add(child);
    void child.ended.then(() => this.#running.delete(child));
    return child;
  }
}

class Child {
  readonly process: ChildProcess;
  readonly ended: Promise<void>;
  stdout = '';
  stderrText = '';

  constructor(args: readonly string[], { env = {}, before }: StartOptions) {
    const command = [process.execPath, LAUNCHER, ...args];
    const [file = '', ...rest] = before === undefined ? command : ['bash', '-c', `${before}; exec "$@"`, 'bash', ...command];
    this.process = spawn(file, rest, { env: { ...inherited(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stdout?.setEncoding('utf8').on('data', (part: string) => (this.stdout += part));
    this.process.stderr?.setEncoding('utf8').on('data', (part: string) => (this.stderrText += part));
    // `close` comes after `exit`, when both streams have been read to their ends.
    this.ended = once(this.process, 'close').then(() => undefined);
  }

  async ready(dataDir: string): Promise<ThymeProcess> {
    const signal = AbortSignal.timeout(READY_DEADLINE_MS);
    const { process: child } = this;
    while (!READY_LINE.test(this.stdout)) {
      if (hasExited(child)) throw new Error(`thyme serve ended with ${String(child.exitCode ?? child.signalCode)}:\n${this.stderrText}`);
      await Promise.race([once(child.stdout ?? child, 'data', { signal }), this.ended]);
    }
    const [, restUrl = '', grpcTarget = ''] = READY_LINE.exec(this.stdout) ?? [];
    return {
      pid: child.pid ?? 0,
      restUrl,
      grpcTarget,
      adminKey: folderKeyOf(dataDir) ?? '',
      stderr: () => this.stderrText,
      prints: (pattern) => this.#prints(pattern),
      ended: this.ended,
      get isRunning() {
        return !hasExited(child);
      },
      kill: () => this.kill(),
      stop: () => this.#stop(),
    };
  }

  async kill(): Promise<void> {
    if (!hasExited(this.process)) this.process.kill('SIGKILL');
    await this.ended;
  }

  async #prints(pattern: RegExp): Promise<void> {
    const signal = AbortSignal.timeout(READY_DEADLINE_MS);
    const { stdout, stderr } = this.process;
    while (!pattern.test(this.stdout + this.stderrText)) {
      if (hasExited(this.process) || stdout === null || stderr === null)
        throw new Error(`it ended without printing ${String(pattern)}:\n${this.stdout}${this.stderrText}`);
      await Promise.race([once(stdout, 'data', { signal }), once(stderr, 'data', { signal }), this.ended]);
    }
  }

  async #stop(): Promise<number | null> {
    if (!hasExited(this.process)) this.process.kill('SIGTERM');
    const late = once(AbortSignal.timeout(STOP_DEADLINE_MS), 'abort').then(async () => {
      await this.kill();
      throw new Error(`thyme serve did not stop within ${STOP_DEADLINE_MS} ms`);
    });
    await Promise.race([this.ended, late]);
    return this.process.exitCode;
  }
}

function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** The environment without what would configure the program behind the test's back. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('THYME_')));
}

/** The types of modules that lie in this repository are looked at with all others, and would cost each of these commits seconds. */
function withoutTypes([name, file, ...more]: readonly string[]): readonly string[] {
  const isOwn = name === 'commit' && file !== undefined && !isAbsolute(file);
  return [name, file, ...more, isOwn ? '--no-typecheck' : undefined].filter((word) => word !== undefined);
}
