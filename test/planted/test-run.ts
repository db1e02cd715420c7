import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

export type TestRun =
  | { readonly kind: 'passed' }
  /** The test failed: it has noticed. */
  | { readonly kind: 'failed'; readonly test: string }
  /** It did not run at all, ended without a word, or something else than the test failed: nothing was noticed. */
  | { readonly kind: 'broken'; readonly output: string };

/** A test of a suite: its title, or a part of it, which several may have. */
export interface NamedTest {
  readonly suite: string;
  readonly noticedBy: string;
}

interface MochaReport {
  readonly stats: { readonly passes: number };
  readonly failures: readonly { readonly title: string; readonly fullTitle: string }[];
}

/** A bug may also make a test wait for ever; to run out of time is to fail. Far above what a busy machine needs. */
const DEADLINE_MS = 420_000;
const TEST_TIMEOUT_MS = 60_000;
const OUTPUT_LENGTH_MAX = 4_000;
/** The source could not even be loaded: a bug that does not compile proves nothing. */
const NOT_LOADED = /ERR_MODULE_NOT_FOUND|SyntaxError|TransformError/;
/** What mocha calls a hook that failed. */
const HOOK = /^"(before|after) (all|each)" hook/;

/** Runs the tests of the tree that have this title in a process of their own. `env` comes on top of this process's own. */
export async function runTest(folder: string, { suite, noticedBy }: NamedTest, env: Readonly<Record<string, string>>): Promise<TestRun> {
  const reportFile = join(folder, 'report.json');
  await rm(reportFile, { force: true });
  const mocha = ['--import', 'tsx', 'node_modules/mocha/bin/mocha.js', '--no-config', '--exit', '--bail'];
  const options = ['--require', './test/planted/fixed-seed.ts', '--timeout', String(TEST_TIMEOUT_MS), '--fgrep', noticedBy];
  const reporter = ['--reporter', 'json', '--reporter-option', `output=${reportFile}`];
  const child = spawn(process.execPath, [...mocha, ...options, ...reporter, suite], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]; // as documented
  clearTimeout(timer);
  const output = chunks.join('').slice(-OUTPUT_LENGTH_MAX);
  if (NOT_LOADED.test(output)) return { kind: 'broken', output };
  if (signal === 'SIGKILL') return { kind: 'failed', test: `${noticedBy}: it did not end within ${DEADLINE_MS / 1_000} s` };
  const report = await readFile(reportFile, 'utf8').catch(() => undefined);
  return report === undefined ? { kind: 'broken', output } : judge(JSON.parse(report) as MochaReport, output); // of mocha's json reporter
}

function judge({ stats, failures }: MochaReport, output: string): TestRun {
  const [failure] = failures;
  if (failure === undefined) return stats.passes > 0 ? { kind: 'passed' } : { kind: 'broken', output };
  return HOOK.test(failure.title) ? { kind: 'broken', output } : { kind: 'failed', test: failure.fullTitle };
}
