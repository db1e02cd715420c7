// Faults of a fleet that are no kills: owners that stand still, a broker that dies, answers that get lost, disks too.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LostPart } from '../../infra/kafka/kafka-proxy.js';
import { API_KEYS } from '../../libs/log/kafka/driver.js';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import { readHistory, type History } from './kafka-end.js';
import { WORKERS, type Fleet, type WorkerName } from './kafka-fleet.js';
import type { FleetOrdeal } from './kafka-round.js';
import type { KillResult } from './killer.js';
import { noFindings, report, type Findings } from './questions.js';
import { until } from './rest.js';
import { listTasks } from './settle.js';

const WARM_UP_MS = 1_500;
/** Above a session, a generation of the group, and the replay. */
const TAKEOVER_DEADLINE_MS = 60_000;
/** Twice for each worker. */
const ZOMBIES: readonly WorkerName[] = [...WORKERS, ...WORKERS];
/** Each with some chance to hit a transaction between its decision and its markers. */
const BROKER_KILLS = 5;
const LOSSES: readonly LostPart[] = ['answer', 'request', 'answer', 'request', 'answer', 'request'];
const LOSS_DEADLINE_MS = 30_000;

/** An owner that is stopped for longer than its session, and goes on when its partitions are another's (L4). */
const zombies: FleetOrdeal = async ({ fleet, recovery, findings }) => {
  await recovery.untilServing();
  for (const zombie of ZOMBIES) {
    const child = fleet.child(zombie);
    const other = WORKERS.find((name) => name !== zombie) ?? zombie;
    await untilBalanced(fleet);
    const [before, owned] = [await historyOf(fleet), await partitionsOf(fleet, zombie)];
    child.signal('SIGSTOP');
    await until(`${other} to take over from ${zombie}`, TAKEOVER_DEADLINE_MS, async () =>
      (await partitionsOf(fleet, other)).length === fleet.partitions ? true : undefined,
    );
    const taken = await historyOf(fleet);
    expectOneTakeover(before, taken, owned, findings);
    child.signal('SIGCONT');
    await recovery.untilServing();
    if (!child.isRunning()) report(findings, `${zombie} did not live on after it had stood still: ${child.errors.slice(-3).join(' | ')}`);
  }
  await untilBalanced(fleet);
  return [];
};

/** A broker without time to write anything, back at once, under load. */
const broker: FleetOrdeal = async ({ kafka, recovery }) => {
  const results: KillResult[] = [];
  for (let i = 0; i < BROKER_KILLS; i++) {
    await sleep(WARM_UP_MS);
    const diedMs = Date.now();
    await kafka.kill(0);
    await kafka.restart(0);
    results.push({ target: 'broker', where: 'random', observed: true, recoveryMs: (await recovery.untilServing()) - diedMs });
  }
  return results;
};

/** The request that decides a transaction, or its answer: the writer cannot know, its successor can (L2, L4). */
const answers: FleetOrdeal = async ({ kafka, recovery, findings }) => {
  await recovery.untilServing();
  for (const part of LOSSES) {
    const lost = kafka.proxied?.proxy.lose(API_KEYS.EndTxn, part).then(() => true);
    if ((await Promise.race([lost, sleep(LOSS_DEADLINE_MS, false, { ref: false })])) !== true)
      report(findings, `no ${part} of EndTxn came by to be lost within ${LOSS_DEADLINE_MS} ms`);
    await recovery.untilServing();
  }
  return [];
};

/** Disks that are lost: a worker's stores come back from the standby's snapshot and the changelog, a standby's from the owners. */
const disks: FleetOrdeal = async ({ fleet, recovery }) => {
  const results: KillResult[] = [];
  for (const [name, folder] of [
    ['worker-b', 'store'],
    ['standby', 'replica'],
    ['worker-a', 'store'],
  ] as const) {
    await sleep(WARM_UP_MS);
    await fleet.kill(name);
    const diedMs = Date.now();
    await rm(join(fleet.folderOf(name), folder), { recursive: true });
    await fleet.start(name).ready;
    results.push({ target: name, where: 'random', observed: true, recoveryMs: (await recovery.untilServing()) - diedMs });
  }
  return results;
};

/** Each for a deployment of its own. */
export const FLEET_SCENARIOS: ReadonlyMap<string, { readonly ordeal: FleetOrdeal; readonly proxied: boolean }> = new Map([
  ['zombies', { ordeal: zombies, proxied: false }],
  ['broker', { ordeal: broker, proxied: false }],
  ['answers', { ordeal: answers, proxied: true }],
  ['disks', { ordeal: disks, proxied: false }],
]);

/** Each worker has something to lose. */
async function untilBalanced(fleet: Fleet): Promise<void> {
  await until('partitions of both workers', TAKEOVER_DEADLINE_MS, async () => {
    const owned = await Promise.all(WORKERS.map((name) => partitionsOf(fleet, name)));
    return owned.every((own) => own.length > 0) && owned.flat().length === fleet.partitions ? true : undefined;
  });
}

async function partitionsOf(fleet: Fleet, worker: WorkerName): Promise<readonly number[]> {
  return (await listTasks([fleet.grpc(worker)])).map(({ partition }) => partition);
}

/** What is wrong with it is reported at the end. */
async function historyOf(fleet: Fleet): Promise<readonly History[]> {
  const log = await openKafkaLog({ brokers: fleet.brokers, clientId: 'crash-suite' });
  try {
    return await readHistory(log, fleet, noFindings());
  } finally {
    await log.close();
  }
}

function expectOneTakeover(before: readonly History[], after: readonly History[], taken: readonly number[], findings: Findings): void {
  for (const [partition, { epoch }] of before.entries()) {
    const owners = (after[partition]?.epoch ?? 0) - epoch;
    const expected = taken.includes(partition) ? 1 : 0;
    if (owners !== expected)
      report(findings, `partition ${partition} had ${owners} new owners while a worker stood still, and not ${expected}`);
  }
}
