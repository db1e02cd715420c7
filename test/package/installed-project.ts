import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder outside of the repository, where the packed package is used as anybody would. */
export class InstalledProject {
  readonly folder = mkdtempSync(join(tmpdir(), 'thyme-package-'));
  readonly app = join(this.folder, 'app');
  readonly tools = join(this.folder, 'tools');
  #dev: ChildProcess | undefined;

  constructor() {
    for (const folder of [this.app, this.tools]) mkdirSync(folder);
  }

  /** Gives the path of the tarball. */
  async pack(): Promise<string> {
    await this.#must('npm', ['pack', '--silent', '--pack-destination', this.folder], process.cwd());
    const tarball = readdirSync(this.folder).find((name) => name.endsWith('.tgz'));
    if (tarball === undefined) throw new Error('npm pack made no tarball');
    return join(this.folder, tarball);
  }

  /** With what npm itself writes for an empty folder. */
  async install(folder: string, ...packages: readonly string[]): Promise<void> {
    await this.#must('npm', ['init', '-y', '--silent'], folder);
    await this.#must('npm', ['install', '--silent', '--no-audit', '--no-fund', ...packages], folder);
  }

  /** In the app's folder. */
  run(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    return ran(file, args, this.app, { XDG_STATE_HOME: join(this.folder, 'state'), ...env });
  }

  /** Starts `npm run dev`'s command; gives the address once the module is committed. */
  async startDev(): Promise<string> {
    const env = { ...clean(), THYME_REST_PORT: '0', THYME_GRPC_PORT: '0', XDG_STATE_HOME: join(this.folder, 'state') };
    const dev = spawn('node_modules/.bin/thyme', ['dev', 'features.ts'], { cwd: this.app, env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#dev = dev;
    let printed = '';
    return new Promise((resolve, reject) => {
      dev.once('exit', (code) => reject(new Error(`thyme dev ended with ${code}: ${printed}`)));
      dev.stdout.setEncoding('utf8').on('data', (part: string) => {
        printed += part;
        const [, url] = /rest=(\S+)/.exec(printed) ?? [];
        if (url !== undefined && printed.includes('Committed ')) resolve(url);
      });
    });
  }

  async stopDev(): Promise<number | null> {
    const dev = this.#dev;
    if (dev === undefined || dev.exitCode !== null) return dev?.exitCode ?? null;
    dev.removeAllListeners('exit');
    dev.kill('SIGTERM');
    await once(dev, 'exit');
    return dev.exitCode;
  }

  async end(): Promise<void> {
    await this.stopDev();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #must(file: string, args: readonly string[], cwd: string): Promise<void> {
    const { code, stdout, stderr } = await ran(file, args, cwd, {});
    if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  }
}

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

function ran(file: string, args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd, env: { ...clean(), ...env }, maxBuffer: OUTPUT_BYTES_MAX }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    );
  });
}

/** What npm tells its scripts, this test among them, is not to be told to the npm that the test starts. */
function clean(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|NODE_TEST)/i.test(name)));
}
