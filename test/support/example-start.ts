import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const DEADLINE_MS = 120_000;
const READY = /^thyme ready rest=(\S+)/m;

/** `npm start`, by npm or as the process that npm becomes, with all that it has written. */
export class ExampleStart {
  readonly child: ChildProcess;
  /** Resolves with the exit code, or the signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  text = '';

  constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    const [file = '', ...args] = command;
    const inherited = Object.entries(process.env).filter(([name]) => !/^(THYME|npm)_/.test(name));
    this.child = spawn(file, args, {
      env: { ...Object.fromEntries(inherited), THYME_REST_PORT: '0', THYME_GRPC_PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (part: string) => (this.text += part));
    }
    this.ended = once(this.child, 'close').then(() => this.child.exitCode ?? this.child.signalCode);
  }

  get url(): string {
    return READY.exec(this.text)?.[1] ?? '';
  }

  /** Resolves once what it has written matches. */
  async prints(pattern: RegExp): Promise<void> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const { stdout, stderr } = this.child;
    while (!pattern.test(this.text)) {
      if (this.child.exitCode !== null || stdout === null || stderr === null)
        throw new Error(`it ended without ${String(pattern)}:\n${this.text}`);
      await Promise.race([once(stdout, 'data', { signal }), once(stderr, 'data', { signal }), this.ended]);
    }
  }

  ready(): Promise<void> {
    return this.prints(READY);
  }

  /** Up to the line that ends the greeting; the process goes on. */
  greeted(): Promise<void> {
    return this.prints(/^Ctrl-C/m);
  }

  /** The signal goes to this process alone, and not to those that it has started. */
  async signal(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    this.child.kill(signal);
    return this.ended;
  }

  /** Ends all that is left of it. */
  async end(): Promise<void> {
    try {
      if (this.child.pid !== undefined) process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // Nothing is left.
    }
    await this.ended;
  }
}
