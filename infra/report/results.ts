// What a suite leaves behind for the report card: one JSON file each, in results/, which git does not keep.
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commitId, machine } from '../bench/bench-report.js';

/** Which source ran when, and on what. */
export interface ResultHead {
  /** Ends in `+` where the product's source was not what the commit holds. */
  readonly commit: string;
  readonly machine: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly endedAt: string;
}

export interface CrashResult extends ResultHead {
  readonly suite: 'crash';
  readonly seed: number;
  readonly rounds: number;
  /** Those that were seen where they were meant; of them, at random moments. */
  readonly kills: number;
  readonly randomKills: number;
  readonly voided: number;
  readonly crashPoints: { readonly listed: number; readonly hit: readonly string[] };
  readonly scenarios: readonly string[];
  /** Acknowledged; pushes sent again because no answer came; pushes sent again on purpose. */
  readonly records: number;
  readonly retries: number;
  readonly repeats: number;
  /** Entities erased meanwhile (S26). */
  readonly erasures: number;
  /** Versions raised meanwhile: of a dataset that is pushed to (S19a), of what a pipeline publishes (S25a). */
  readonly upgrades: number;
  readonly rebuilds: number;
  readonly reads: number;
  readonly answers: number;
  readonly digests: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Rows that counted though they had been deleted (S17) or erased (S26). */
  readonly resurrected: number;
  readonly outOfOrder: number;
  readonly wrong: readonly string[];
  readonly recoveryMs: { readonly count: number; readonly p50: number; readonly p99: number };
}

export interface PlantedResult extends ResultHead {
  readonly suite: 'planted';
  readonly seed: number;
  readonly planted: number;
  readonly caught: number;
  readonly bugs: readonly { readonly name: string; readonly rules: string; readonly caught: boolean; readonly by: string }[];
}

export interface FuzzResult extends ResultHead {
  readonly suite: 'fuzz';
  readonly seed: number;
  /** Inputs for each route and RPC. */
  readonly runs: number;
  readonly routes: number;
  readonly rpcs: number;
  /** In all; of them, nearly right by their descriptions, and bytes. */
  readonly inputs: number;
  readonly structured: number;
  readonly raw: number;
  /** Tests that found one. */
  readonly faults: number;
  readonly wrong: readonly string[];
}

export interface SoakResult extends ResultHead {
  readonly suite: 'soak';
  readonly seed: number;
  readonly minutes: number;
  readonly kills: number;
  readonly commits: number;
  readonly records: number;
  readonly reads: number;
  /** Reads that were answered 503 and the like: none without kills. */
  readonly refused: number;
  /** Questions asked again, about the same instant. */
  readonly pairs: number;
  readonly answers: number;
  readonly wrong: readonly string[];
  /** Growth over the second half, and what was allowed above the level to which caches fill. */
  readonly slopes: readonly {
    readonly name: string;
    readonly last: number;
    readonly fillsTo: number;
    readonly perHour: number;
    readonly perHourMax: number;
    readonly verdict: 'holds' | 'grows' | 'not judged';
  }[];
  /** Load average of the machine, in the median. */
  readonly loadPerCpu: number;
  readonly readP50Ms: number;
  readonly readP99Ms: number;
}

export type SuiteResult = CrashResult | PlantedResult | FuzzResult | SoakResult;
export type SuiteName = SuiteResult['suite'];
export type Figures<Result extends SuiteResult> = Omit<Result, 'commit' | 'machine' | 'endedAt'>;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const RESULTS_FOLDER = join(ROOT, 'infra', 'report', 'results');
/** What a result is about; a change to a document or a test's text is none to it. */
const PRODUCT = ['libs', 'services', 'gen', 'proto', 'package-lock.json'];

/** A suite's file; those on Kafka are of the same kinds as those without. */
export type ResultName = SuiteName | 'crash-kafka' | 'planted-kafka';

export function resultFile(name: ResultName): string {
  return join(RESULTS_FOLDER, `${name}.json`);
}

/** Writes the file, and what the figures do not say: commit, machine, time. */
export async function writeResult<Result extends SuiteResult>(figures: Figures<Result>, file = resultFile(figures.suite)): Promise<void> {
  const head = { commit: sourceId(), machine: machine(), endedAt: new Date().toISOString() };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ ...figures, ...head }, undefined, 2)}\n`);
}

/** Undefined where the suite has not run. */
export async function readResult<Result extends SuiteResult>(name: ResultName, folder = RESULTS_FOLDER): Promise<Result | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as Result; // by writeResult
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function sourceId(): string {
  const id = commitId();
  try {
    return execFileSync('git', ['status', '--porcelain', '--', ...PRODUCT], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }) === ''
      ? id
      : `${id}+`;
  } catch {
    return id; // git is not there to tell
  }
}
