import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { TEST_INTERNAL_KEY } from '../support/test-keys.js';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly atMs: number;
}

/** Lines of standard error that are kept: enough to say why, not so much that a loop of errors fills the memory. */
const ERROR_LINES_MAX = 200;

/** A process of the platform, as its supervisor sees it: the ready line, what it said on standard error, its end. */
export class Child {
  readonly name: string;
  readonly process: ChildProcess;
  /** Resolves with the ready line, or with undefined when it ended before. */
  readonly ready: Promise<string | undefined>;
  readonly ended: Promise<Ended>;
  readonly errors: string[] = [];
  readonly startedMs = Date.now();
  #end: Ended | undefined;

  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.name = name;
    this.process = spawn(process.execPath, [...args], {
      env: { ...process.env, THYME_INTERNAL_KEY: TEST_INTERNAL_KEY, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.process;
    if (stdout === null || stderr === null) throw new Error('a child has pipes');
    createInterface({ input: stderr }).on('line', (line) => {
      this.errors.push(line);
      if (this.errors.length > ERROR_LINES_MAX) this.errors.shift();
    });
    this.ended = once(this.process, 'close').then(([code, signal]) => (this.#end = { code, signal, atMs: Date.now() } as Ended)); // as documented
    const line = new Promise<string>((resolve) =>
      createInterface({ input: stdout }).on('line', (text) => {
        if (text.startsWith('thyme ready')) resolve(text);
      }),
    );
    this.ready = Promise.race([line, this.ended.then(() => undefined)]);
  }

  /** How it ended; undefined while it runs. */
  get end(): Ended | undefined {
    return this.#end;
  }

  isRunning(): boolean {
    return this.#end === undefined;
  }

  get pid(): number {
    const { pid } = this.process;
    if (pid === undefined) throw new Error(`${this.name} could not be started`);
    return pid;
  }

  /** Whether it died of this crash point, and of nothing else (the void rule). */
  diedAt(point: string): boolean {
    return this.#end?.signal === 'SIGKILL' && this.errors.includes(`crash point ${point}: kill`);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#end === undefined) this.process.kill(signal);
  }
}
