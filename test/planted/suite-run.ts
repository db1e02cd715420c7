import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

export type SuiteRun =
  | { readonly kind: 'passed'; readonly tests: number }
  /** The titles of the tests that failed: they have noticed. */
  | { readonly kind: 'failed'; readonly tests: readonly string[]; readonly why: string }
  /** It did not run at all, or ended without a word: nothing was noticed. */
  | { readonly kind: 'broken'; readonly output: string };

interface MochaReport {
  readonly stats: { readonly tests: number; readonly passes: number; readonly failures: number };
  readonly failures: readonly { readonly fullTitle: string; readonly err?: { readonly message?: string } }[];
}

/** A bug may also make a suite wait for ever; to run out of time is to fail. Far above what a busy machine needs. */
const DEADLINE_MS = 420_000;
const TEST_TIMEOUT_MS = 60_000;
const OUTPUT_LENGTH_MAX = 4_000;
/** The source could not even be loaded: a bug that does not compile proves nothing. */
const NOT_LOADED = /ERR_MODULE_NOT_FOUND|SyntaxError|TransformError/;

/** Runs test files of the tree in a process of their own, up to the first failure. `env` comes on top of this process's own. */
export async function runSuites(folder: string, files: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<SuiteRun> {
  const reportFile = join(folder, `report-${files.join('-').replaceAll(/[^a-z-]/g, '_').slice(0, 100)}.json`);
  await rm(reportFile, { force: true });
  const args = ['--import', 'tsx', 'node_modules/mocha/bin/mocha.js', '--no-config', '--exit', '--bail', '--require', './test/planted/fixed-seed.ts', '--timeout', String(TEST_TIMEOUT_MS), '--reporter', 'json', '--reporter-option', `output=${reportFile}`];
  const child = spawn(process.execPath, [...args, ...files], { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]; // as documented
  clearTimeout(timer);
  const output = chunks.join('').slice(-OUTPUT_LENGTH_MAX);
  if (NOT_LOADED.test(output)) return { kind: 'broken', output };
  if (signal === 'SIGKILL') return { kind: 'failed', tests: [`it did not end within ${DEADLINE_MS / 1_000} s`], why: output };
  const text = await readFile(reportFile, 'utf8').catch(() => undefined);
  if (text === undefined) return { kind: 'broken', output };
  const { stats, failures } = JSON.parse(text) as MochaReport; // of mocha's json reporter
  if (failures.length > 0) return { kind: 'failed', tests: failures.map(({ fullTitle }) => fullTitle), why: failures[0]?.err?.message ?? '' };
  return stats.passes > 0 ? { kind: 'passed', tests: stats.passes } : { kind: 'broken', output };
}
