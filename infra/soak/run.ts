// `npm run soak -- --minutes N [--kills K] [--rate R] [--seed S]`: a deployment of real processes under writes, reads
// and commits; what grows without end is found by its slope over the second half (RELIABILITY 7).
//
//   soak.ts             - samples, commits, kills; test/crash has the processes, the load and the recount
//   soak-reads.ts       - reads: latency, age, and the same question asked again
//   memory-probe.ts     - in each process: its heap after a collection; process-sample.ts asks it, and /proc
//   slope.ts, soak-limits.ts - what counts as growth
//
// Ends with a table, a JSON line, and code 1 where something grows beyond its limit or an answer is wrong.
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { startFeedDatabases } from '../../test/crash/feed-database.js';
import { buildPrograms } from '../../test/crash/program.js';
import { runRound } from '../../test/crash/round.js';
import { resultFile, writeResult, type Figures, type SoakResult } from '../report/results.js';
import { limitOf, LOAD_PER_CPU_MAX } from './soak-limits.js';
import { judge, quantile, secondHalf, type Point } from './slope.js';
import { Soak } from './soak.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    kills: { type: 'string', default: '0' },
    rate: { type: 'string', default: '250' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    out: { type: 'string', default: resultFile('soak') },
  },
});

const startedAt = new Date().toISOString();
const [seed, minutes, kills, rate] = [positive(values.seed), positive(values.minutes), positive(values.kills), positive(values.rate)];
const programs = await buildPrograms();
const databases = await startFeedDatabases(say);
let soak: Soak | undefined;
try {
  process.env['NODE_OPTIONS'] = `--import=${pathToFileURL(await buildProbe(dirname(programs.thyme))).href}`;
  say(`seed ${seed}: ${minutes} minutes of ${rate} events a second of each dataset, ${kills} kills in the first half`);
  const result = await runRound({ programs, databases }, { topology: 'apart', seed, rate }, async (round) => {
    soak = new Soak(round, { minutes, seed, kills, tell: say });
    return soak.run();
  });
  await conclude(result, soak);
} finally {
  await databases.stop();
  await rm(dirname(programs.thyme), { recursive: true, force: true });
}

async function conclude(
  { acknowledged, reads, findings, kills: killed, folder }: Awaited<ReturnType<typeof runRound>>,
  done: Soak | undefined,
): Promise<void> {
  const series = [...(done?.series ?? [])];
  const loadPerCpu =
    quantile(
      secondHalf(done?.machineLoad ?? []).map(({ value }) => value),
      0.5,
    ) / availableParallelism();
  const slopes = series.map(([name, points]) => row(name, points, loadPerCpu));
  const figures: Figures<SoakResult> = {
    suite: 'soak',
    startedAt,
    seed,
    minutes,
    kills: killed.filter(({ observed }) => observed).length,
    commits: done?.commits ?? 0,
    records: acknowledged,
    reads: reads + (done?.reads.reads ?? 0),
    refused: done?.reads.refused ?? 0,
    pairs: done?.reads.pairs ?? 0,
    answers: findings.answers,
    wrong: findings.wrong,
    slopes,
    loadPerCpu,
    readP50Ms: median(series, 'read p50'),
    readP99Ms: median(series, 'read p99'),
  };
  await writeResult<SoakResult>(figures, values.out);
  for (const wrong of findings.wrong) say(`WRONG ${wrong}`);
  if (folder !== undefined) say(`its folder is kept: ${folder}`);
  say(
    `load of the machine: ${loadPerCpu.toFixed(1)} per processor${loadPerCpu > LOAD_PER_CPU_MAX ? `, above ${LOAD_PER_CPU_MAX}: times are not judged` : ''}`,
  );
  say(
    `${figures.records} records, ${figures.reads} reads, ${figures.refused} refused, ${figures.pairs} asked again, ${figures.answers} answers recounted, ${figures.commits} commits, ${figures.kills} kills`,
  );
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  process.exitCode = findings.wrong.length === 0 && slopes.every(({ verdict }) => verdict !== 'grows') ? 0 : 1;
}

/** A line of the table, and the same for the result. */
function row(name: string, points: readonly Point[], loadPerCpu: number): SoakResult['slopes'][number] {
  const limit = limitOf(name);
  const { unit, scale, perHourMax, fillsTo } = limit;
  const { first, last, perHour, holds } = judge(points, limit);
  const verdict = holds ? 'holds' : limit.isTime === true && loadPerCpu > LOAD_PER_CPU_MAX ? 'not judged' : 'grows';
  const shown = (value: number): string => (value / scale).toFixed(1);
  say(
    `${name.padEnd(22)} ${shown(first).padStart(9)} → ${shown(last).padStart(9)} ${unit.padEnd(4)} ${shown(perHour).padStart(9)} an hour, at most ${shown(perHourMax)} above ${shown(fillsTo)}${verdict === 'holds' ? '' : `   ${verdict.toUpperCase()}`}`,
  );
  return { name, last, fillsTo, perHour, perHourMax, verdict };
}

function median(series: readonly (readonly [string, readonly Point[]])[], name: string): number {
  const points = series.find(([other]) => other === name)?.[1] ?? [];
  return quantile(
    secondHalf(points).map(({ value }) => value),
    0.5,
  );
}

/** Beside the programs, so that it goes with them. */
async function buildProbe(folder: string): Promise<string> {
  const outfile = join(folder, 'memory-probe.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./memory-probe.ts', import.meta.url))],
    outfile,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  return outfile;
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number < 0)
    throw new RangeError(`${text} is no number of at least 0: give --minutes, --kills, --rate and --seed one`);
  return number;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
