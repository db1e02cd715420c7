// What a replica says of itself while it is cut off, and how it comes back (DESIGN 5, R4).
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.js';
import type { Ordeal } from './round.js';
import { report, type Findings } from './questions.js';
import { Relay } from './relay.js';
import { restClient, until, readFresh } from './rest.js';
import { Sampler, untruths, type Sample } from './truth.js';

export const WARM_UP_MS = 1_500;
const AWAY_MS = 4_000;
/** Beyond CUT_OFF_US of libs/replica/replica-lag.ts, from when on a replica says that it cannot tell. */
export const STOPPED_MS = 12_500;
/** Between two heartbeats nobody can know better. */
const HEARTBEAT_US = 1_500_000;
const BACK_DEADLINE_MS = 30_000;
const FRESH_US = 2_000_000;

/** A query service that hears nothing for seconds and then is too late for the changes: a snapshot, while reads go on. */
export const away: Ordeal = async ({ cluster, findings, journal }) => {
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
    if (relay.snapshots < cluster.partitions)
      report(findings, `${relay.snapshots} snapshots were taken, and ${cluster.partitions} partitions needed one`);
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

/**
 * An owner that stands still: replicas answer on, and say for how long they have heard nothing. Nobody can take
 * its place meanwhile, since its log is held by the process and not by what it last did (A3).
 */
export const stopped: Ordeal = async ({ cluster, findings, journal }) => {
  const sampler = new Sampler(cluster.restUrl);
  try {
    await sleep(WARM_UP_MS);
    const stoppedMs = Date.now();
    cluster.child('owner').signal('SIGSTOP');
    await Promise.all([sleep(STOPPED_MS), expectLocked(cluster, findings)]);
    const samples = sampler.since(stoppedMs);
    cluster.child('owner').signal('SIGCONT');
    expectGrowth(samples, stoppedMs, findings);
    if (samples.at(-1)?.lagUs !== undefined)
      report(findings, `after ${STOPPED_MS} ms without a word the replica still gives a lag: ${JSON.stringify(samples.at(-1))}`);
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
export const lost: Ordeal = async ({ cluster }) => {
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

/** A second owner of the same folder must end, and say why. */
async function expectLocked(cluster: Cluster, findings: Findings): Promise<void> {
  const rival = cluster.startRival();
  if ((await rival.ready) !== undefined) {
    report(findings, 'two owners run on one data folder');
    rival.signal('SIGKILL');
  }
  const { code } = await rival.ended;
  if (code === 0 || !rival.errors.join('\n').includes('in use by another process'))
    report(findings, `a second owner ended with ${String(code)}, and said: ${rival.errors.join(' | ')}`);
}

/**
 * Every answer's lag is at least the silence before it, less a heartbeat; it never shrinks for one entity: each
 * partition has a line of its own.
 */
export function expectGrowth(samples: readonly Sample[], cutMs: number, findings: Findings): void {
  if (samples.length === 0) report(findings, 'nothing was answered while the replica was cut off');
  const highest = new Map<string, number>();
  for (const { atMs, asOfUs, lagUs, payer } of samples) {
    if (lagUs === undefined) continue;
    const silenceUs = asOfUs - cutMs * 1_000;
    if (lagUs < silenceUs - HEARTBEAT_US)
      report(findings, `${(atMs - cutMs) / 1_000} s after the last word, an answer says that it lags ${lagUs} µs`);
    const before = highest.get(payer) ?? 0;
    if (lagUs < before && silenceUs > HEARTBEAT_US)
      report(findings, `the lag shrank from ${before} to ${lagUs} µs without a word from the owner`);
    highest.set(payer, lagUs);
  }
}

/** Until it shows what was there at this moment. */
export async function untilFresh(restUrl: string, nowMs: number): Promise<void> {
  await until('a fresh answer', BACK_DEADLINE_MS, async () => {
    const { asOfUs, lagUs } = await readFresh(restClient(restUrl), 'PayerSignals', 'payer_0');
    return lagUs !== undefined && lagUs < FRESH_US && asOfUs - lagUs >= nowMs * 1_000 ? true : undefined;
  });
}
