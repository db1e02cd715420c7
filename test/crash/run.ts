// `npm run test:crash -- --kills N --seed S`: real processes, killed at every named crash point and at random
// moments under load; afterwards a recount from the generator's record must equal every answer (RELIABILITY 2).
//
//   plan.ts, crash-points.ts   - what is killed where; a seed gives the same kills again
//   generator.ts, events.ts    - the load, in a process of its own; journal.ts is its record
//   cluster.ts, child.ts       - the processes of one deployment
//   killer.ts, recovery.ts     - carries out the kills; a kill counts only if it was seen where it was meant
//   scenarios.ts               - other faults: staleness.ts (away, stopped, disks lost), network.ts (bad lines)
//   feeds.ts, feed-writers.ts, feed-database.ts - what sources read: files, and a table of Postgres
//   ticket-maker.ts            - rows that are updated and deleted (S17); entities.ts - who is asked for, and who may be erased (S26)
//   evolutions.ts, extras.ts   - definitions that change meanwhile
//   recount.ts, recount-tickets.ts, lateness.ts - what every answer must be
//   settle.ts, questions.ts, stores.ts - books, answers and digests against that
//   kafka-run.ts               - the same of a fleet on Kafka: `--log kafka`
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { resultFile, writeResult, type CrashResult, type Figures } from '../../infra/report/results.js';
import { CRASH_POINTS, unlistedPoints } from './crash-points.js';
import { startFeedDatabases } from './feed-database.js';
import { FLEET_POINTS } from './kafka-plan.js';
import { runFleet, whyNoFleet } from './kafka-run.js';
import { planRounds } from './plan.js';
import { buildPrograms } from './program.js';
import { killsOf, runRound, type RoundResult } from './round.js';
import { SCENARIOS } from './scenarios.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    repeats: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string' },
    scenarios: { type: 'string', default: 'all' },
    log: { type: 'string', default: 'level' },
    out: { type: 'string' },
  },
});

const startedAt = new Date().toISOString();
const seed = Number(values.seed);
if (values.log !== 'level' && values.log !== 'kafka') throw new RangeError(`--log: '${values.log}' is none of level, kafka`);
const onKafka = values.log === 'kafka';
const out = values.out ?? resultFile(onKafka ? 'crash-kafka' : 'crash');
const listedPoints = new Set((onKafka ? FLEET_POINTS : CRASH_POINTS.filter(({ log }) => log !== 'kafka')).map(({ name }) => name));
say(`seed ${seed}: repeat with --log ${values.log} --seed ${seed} --kills ${values.kills} --repeats ${values.repeats}`);
await exitWithoutKafka();
const unlisted = await unlistedPoints();
if (unlisted.length > 0) throw new Error(`crash points that nothing is killed at: ${unlisted.join(', ')}: list them in crash-points.ts`);
const programs = await buildPrograms();
const databases = await startFeedDatabases(say);
const shared = { programs, databases };
const results: (RoundResult & { readonly scenario?: string })[] = [];
const broken: string[] = [];
const planned = { seed, kills: Number(values.kills), repeats: Number(values.repeats), only: values.only };
try {
  if (onKafka) await runFleet({ ...planned, ...shared, scenarios: values.scenarios, attempt });
  else await runEmbedded();
} finally {
  await databases.stop();
  await rm(dirname(programs.thyme), { recursive: true, force: true });
}
process.exitCode = (await conclude()) ? 0 : 1;

async function runEmbedded(): Promise<void> {
  const rounds = planRounds(planned);
  for (const [i, plan] of rounds.entries()) {
    await attempt(`round ${i + 1} of ${rounds.length}`, () => runRound(shared, plan, killsOf(plan)));
  }
  for (const [name, scenario] of SCENARIOS) {
    if (values.scenarios !== 'all' && !values.scenarios.split(',').includes(name)) continue;
    await attempt(name, async () => ({ ...(await runRound(shared, { topology: 'apart', seed }, scenario)), scenario: name }));
  }
}

/** Where there can be no broker, CI fails and others are told. */
async function exitWithoutKafka(): Promise<void> {
  const reason = onKafka ? await whyNoFleet() : undefined;
  if (reason === undefined) return;
  if (process.env['CI'] === 'true') throw new Error(reason);
  say(`SKIPPED, nothing was killed on Kafka: ${reason}`);
  process.exit(0);
}

/** One that could not be carried out is a failure, and the others are still to be had. */
async function attempt(what: string, run: () => Promise<(typeof results)[number]>): Promise<void> {
  try {
    const result = await run();
    results.push(result);
    tell(what, result);
  } catch (error) {
    broken.push(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    say(`BROKEN ${broken.at(-1) ?? what}`);
  }
}

function tell(what: string, result: RoundResult): void {
  const { topology, kills, findings, acknowledged, raised, erasures, reads, durationMs } = result;
  const voided = kills.filter(({ observed }) => !observed).map(({ where }) => where);
  const seconds = (ms: number | undefined): string => (ms === undefined ? '' : ` ${(ms / 1_000).toFixed(1)} s`);
  const killed = kills.map(({ target, where, recoveryMs }) => `${target}:${where}${seconds(recoveryMs)}`).join(', ');
  say(
    `${what} (${topology}, ${(durationMs / 1_000).toFixed(1)} s): ${killed} | ${raised.meter} upgrades, ${raised.peak} rebuilds, ${acknowledged} records, ${erasures} erasures (bytes of ${findings.rewritten} gone), ${reads} reads, ${findings.answers} answers | lost ${findings.lost}, duplicated ${findings.duplicated}, resurrected ${findings.resurrected}, out of order ${findings.outOfOrder}`,
  );
  if (voided.length > 0) say(`  void, never seen to die there: ${voided.join(', ')}`);
  for (const wrong of findings.wrong) say(`  WRONG ${wrong}`);
  if (result.folder !== undefined) say(`  its folder is kept: ${result.folder}`);
}

/** Writes the result for the report card; gives whether all is well. */
async function conclude(): Promise<boolean> {
  const kills = results.flatMap((result) => result.kills);
  const counted = kills.filter(({ observed }) => observed);
  const sum = (of: (result: RoundResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  const recoveries = kills.flatMap(({ recoveryMs }) => recoveryMs ?? []).sort((a, b) => a - b);
  const pointsHit = new Set(counted.map(({ where }) => where).filter((where) => listedPoints.has(where)));
  const summary: Figures<CrashResult> = {
    suite: 'crash',
    startedAt,
    seed,
    rounds: results.length,
    kills: counted.length,
    randomKills: counted.filter(({ where }) => where === 'random').length,
    voided: kills.length - counted.length,
    crashPoints: { listed: listedPoints.size, hit: [...pointsHit].sort() },
    scenarios: results.flatMap(({ scenario }) => scenario ?? []),
    records: sum(({ acknowledged }) => acknowledged),
    retries: sum(({ retries }) => retries),
    repeats: sum(({ repeats }) => repeats),
    erasures: sum(({ erasures }) => erasures),
    upgrades: sum(({ raised }) => raised.meter),
    rebuilds: sum(({ raised }) => raised.peak),
    reads: sum(({ reads }) => reads),
    answers: sum(({ findings }) => findings.answers),
    digests: sum(({ digests }) => digests),
    lost: sum(({ findings }) => findings.lost),
    duplicated: sum(({ findings }) => findings.duplicated),
    resurrected: sum(({ findings }) => findings.resurrected),
    outOfOrder: sum(({ findings }) => findings.outOfOrder),
    wrong: [...broken, ...results.flatMap(({ findings }) => findings.wrong)],
    recoveryMs: { count: recoveries.length, p50: quantile(recoveries, 0.5), p99: quantile(recoveries, 0.99) },
  };
  await writeResult<CrashResult>(summary, out);
  const { lost, duplicated, resurrected, outOfOrder, recoveryMs, wrong, voided } = summary;
  say(
    `${summary.kills} kills seen (${summary.randomKills} at random, ${pointsHit.size} of ${summary.crashPoints.listed} crash points), ${voided} void; ${summary.upgrades} datasets upgraded, ${summary.rebuilds} publishing pipelines rebuilt, ${summary.records} records, ${summary.erasures} entities erased, ${summary.answers} answers compared; lost ${lost}, duplicated ${duplicated}, resurrected ${resurrected}, out of order ${outOfOrder}; recovery p50 ${recoveryMs.p50} ms, p99 ${recoveryMs.p99} ms`,
  );
  say(`written to ${out}`);
  return voided === 0 && wrong.length === 0;
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
