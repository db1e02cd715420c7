// What a replica says of itself while it is cut off, and how it comes back (DESIGN 5, R4).
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ordeal } from './round.js';
import { report, type Findings } from './questions.js';
import { Relay } from './relay.js';
import { restClient, until, readFresh } from './rest.js';
import { Sampler, untruths, type Sample } from './truth.js';

const WARM_UP_MS = 1_500;
const AWAY_MS = 4_000;
/** Beyond CUT_OFF_US of libs/replica/replica-lag.ts, from when on a replica says that it cannot tell. */
const STOPPED_MS = 12_500;
/** Between two heartbeats nobody can know better. */
const HEARTBEAT_US = 1_500_000;
const BACK_DEADLINE_MS = 30_000;
const FRESH_US = 2_000_000;

/** A query service that hears nothing for seconds and then is too late for the changes: a snapshot, while reads go on. */
const away: Ordeal = async ({ cluster, findings, journal }) => {
  const relay = new Relay(cluster.grpc('owner'), 0);
  cluster.useOwner('second', await relay.start());
  const second = cluster.start('second');
  if ((await second.ready) === undefined) throw new Error(`the second query service did not start: ${second.errors.join('\n')}`);
  const sampler = new Sampler(cluster.secondRestUrl);
  try {
    await sleep(WARM_UP_MS);
    const cutMs = Date.now();
    relay.held = true;
    await sleep(AWAY_MS);
    expectGrowth(sampler.since(cutMs), cutMs, findings);
    relay.forget(cluster.partitions);
    await untilFresh(cluster.secondRestUrl, Date.now());
    if (relay.snapshots < cluster.partitions) report(findings, `${relay.snapshots} snapshots were taken, and ${cluster.partitions} partitions needed one`);
    for (const refusal of sampler.refusals) report(findings, `a read was refused while the replica was away: ${refusal}`);
  } finally {
    await sampler.stop();
  }
  for (const untruth of await untruths(sampler.samples, journal, cluster.partitions)) report(findings, untruth);
  cluster.useOwner('second', undefined);
  await cluster.kill('second'); // its store is compared like any replica's
  await relay.stop();
  return [];
};

/** An owner that stands still: replicas answer on, and say for how long they have heard nothing. */
const stopped: Ordeal = async ({ cluster, findings, journal }) => {
  const sampler = new Sampler(cluster.restUrl);
  try {
    await sleep(WARM_UP_MS);
    const stoppedMs = Date.now();
    cluster.child('owner').signal('SIGSTOP');
    await sleep(STOPPED_MS);
    const samples = sampler.since(stoppedMs);
    cluster.child('owner').signal('SIGCONT');
    expectGrowth(samples, stoppedMs, findings);
    if (samples.at(-1)?.lagUs !== undefined) report(findings, `after ${STOPPED_MS} ms without a word the replica still gives a lag: ${JSON.stringify(samples.at(-1))}`);
    await untilFresh(cluster.restUrl, Date.now());
    for (const refusal of sampler.refusals) report(findings, `a read was refused while the owner stood still: ${refusal}`);
  } finally {
    cluster.child('owner').signal('SIGCONT');
    await sampler.stop();
  }
  for (const untruth of await untruths(sampler.samples, journal, cluster.partitions)) report(findings, untruth);
  return [];
};

/** Disks that are lost: the owner's stores come back from the changelog, a standby's from the stream (DESIGN 4). */
const lost: Ordeal = async ({ cluster }) => {
  await sleep(WARM_UP_MS);
  await cluster.kill('owner');
  await rm(join(cluster.ownerFolder, 'store'), { recursive: true });
  await cluster.start('owner').ready;
  await sleep(WARM_UP_MS);
  await cluster.kill('standby');
  await rm(join(cluster.folder, 'standby', 'replica'), { recursive: true });
  await cluster.start('standby').ready;
  return [
    { target: 'owner', where: 'random', observed: true, recoveryMs: undefined },
    { target: 'standby', where: 'random', observed: true, recoveryMs: undefined },
  ];
};

export const SCENARIOS: ReadonlyMap<string, Ordeal> = new Map([['away', away], ['stopped', stopped], ['lost', lost]]);

/** Every answer's lag is at least the silence before it, less a heartbeat; it never shrinks. */
function expectGrowth(samples: readonly Sample[], cutMs: number, findings: Findings): void {
  if (samples.length === 0) report(findings, 'nothing was answered while the replica was cut off');
  let before = 0;
  for (const { atMs, asOfUs, lagUs } of samples) {
    if (lagUs === undefined) continue;
    const silenceUs = asOfUs - cutMs * 1_000;
    if (lagUs < silenceUs - HEARTBEAT_US) report(findings, `${(atMs - cutMs) / 1_000} s after the last word, an answer says that it lags ${lagUs} µs`);
    if (lagUs < before && silenceUs > HEARTBEAT_US) report(findings, `the lag shrank from ${before} to ${lagUs} µs without a word from the owner`);
    before = lagUs;
  }
}

/** Until it shows what was there at this moment. */
async function untilFresh(restUrl: string, nowMs: number): Promise<void> {
  await until('a fresh answer', BACK_DEADLINE_MS, async () => {
    const { asOfUs, lagUs } = await readFresh(restClient(restUrl), 'PayerSignals', 'payer_0');
    return lagUs !== undefined && lagUs < FRESH_US && asOfUs - lagUs >= nowMs * 1_000 ? true : undefined;
  });
}
