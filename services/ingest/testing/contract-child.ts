import { fork, type ChildProcess } from 'node:child_process';
import { dirname, extname } from 'node:path';
import type { ContractSource } from './contract-sources.js';
import { until } from './until.js';

interface ChildStatus {
  readonly rows: number;
  readonly cause: string;
}

/** One ingest process over a log folder, which dies at the point that it is given, or is killed. */
export class ContractChild {
  readonly #child: ChildProcess;
  #status: ChildStatus = { rows: 0, cause: '' };
  #stderr = '';
  #signal: NodeJS.Signals | undefined;
  #hasEnded = false;

  /**
   * `crash`: as THYME_CRASH spells it (libs/lifecycle/crash-point.ts). Its temporary files lie beside the folder, since who is killed
   * leaves them there.
   */
  constructor(folder: string, source: ContractSource, crash = '') {
    this.#child = fork(new URL(`./contract-process${extname(import.meta.url)}`, import.meta.url), [folder, JSON.stringify(source)], {
      env: { ...process.env, THYME_CRASH: crash, TMPDIR: dirname(folder) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.on('message', (status) => (this.#status = status as ChildStatus)); // of contract-process.ts
    this.#child.stderr?.on('data', (text: Buffer) => (this.#stderr = `${this.#stderr}${text.toString()}`.slice(-4_000)));
    this.#child.once('exit', (_code, signal) => {
      this.#signal = signal ?? undefined;
      this.#hasEnded = true;
    });
  }

  /** Resolves when the process has died at its point; rejects when it ends otherwise, or does not come to it. */
  async diedAt(point: string): Promise<void> {
    await until(
      () => this.#hasEnded,
      () => `the process comes to ${point}, where it is to die; ${this.#said()}`,
    );
    if (this.#signal !== 'SIGKILL') throw new Error(`the process ended, and not at ${point}; ${this.#said()}`);
  }

  async published(rows: number): Promise<void> {
    await until(
      () => this.#hasEnded || this.#status.rows >= rows,
      () => `${rows} rows are published; ${this.#said()}`,
    );
    if (this.#status.rows < rows) throw new Error(`the process ended before it had published ${rows} rows; ${this.#said()}`);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await until(
      () => this.#hasEnded,
      () => 'the process ends when it is killed',
    );
  }

  #said(): string {
    return `it has published ${this.#status.rows}, its source says '${this.#status.cause}', and the process '${this.#stderr.trim()}'`;
  }
}
