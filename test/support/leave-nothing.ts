// Loaded in front of all suites. Every run has a folder of its own for temporary files, and every process of Mocha one below it, as TMPDIR:
// what a file of tests leaves there fails it by name, and what a run leaves that was killed goes at the next one.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import type { Context, RootHookObject, Suite } from 'mocha';
import { removeTemporaryFolders } from './temporary-folder.js';

const RUN_VARIABLE = 'THYME_TEST_RUN';
const RUN_PREFIX = 'thyme-run-';
/** What a process that has just ended may take to remove its own. */
const REMOVAL_DEADLINE_MS = 5_000;
/** Caches that are shared by all runs: without the first each process would compile the sources anew. */
const SHARED = /^tsx-\d+$/;

const run = process.env[RUN_VARIABLE] ?? beginRun();
const own = join(run, String(process.pid));
mkdirSync(own, { recursive: true });
for (const cache of readdirSync(join(run, '..')).filter((name) => SHARED.test(name))) symlinkSync(join(run, '..', cache), join(own, cache));
process.env['TMPDIR'] = own;

/** In the first process of a run: removes what killed runs have left, and its own when it ends. */
function beginRun(): string {
  const parent = realpathSync(tmpdir());
  for (const name of readdirSync(parent)) {
    const pid = new RegExp(`^${RUN_PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(parent, name), { recursive: true, force: true });
  }
  const folder = mkdtempSync(join(parent, `${RUN_PREFIX}${process.pid}-`));
  chmodSync(folder, 0o755); // servers that run as another user have their folders below
  process.env[RUN_VARIABLE] = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function leftovers(): Promise<readonly string[]> {
  return (await readdir(own)).filter((name) => !SHARED.test(name));
}

/** Of the suites that this hook comes behind: those of one file where files run beside each other. */
function filesOf({ suites }: Suite): readonly string[] {
  return [...new Set(suites.flatMap(({ file }) => (file === undefined ? [] : [relative(process.cwd(), file)])))];
}

export const mochaHooks: RootHookObject = {
  // Here too, since Mocha forgets between files what a module has asked of it once.
  afterEach: removeTemporaryFolders,
  async afterAll(this: Context) {
    const endMs = performance.now() + REMOVAL_DEADLINE_MS;
    let left = await leftovers();
    while (left.length > 0 && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      left = await leftovers();
    }
    for (const name of left) rmSync(join(own, name), { recursive: true, force: true });
    const files = this.test?.parent === undefined ? [] : filesOf(this.test.parent);
    if (left.length > 0)
      throw new Error(`${files.join(', ')} left ${left.map((name) => basename(name)).join(', ')} in the temporary folder`);
  },
};
