// `npm run test:crash -- --log kafka`: a fleet on a broker of its own, killed at every named point and at random moments.
//
//   kafka-plan.ts              - what is killed where
//   kafka-fleet.ts             - the processes of one deployment
//   kafka-round.ts             - load, ordeal, recount
//   kafka-killer.ts, kafka-recovery.ts - carries out the kills
//   kafka-scenarios.ts         - zombies, a broker's death, lost answers, lost disks
//   kafka-published.ts         - somebody else's consumer of published rows
//   kafka-verify.ts, kafka-end.ts - stores, books, answers; no transaction hangs, no epoch falls
import { whyNoKafka } from '../../infra/kafka/kafka-jars.js';
import { startKafka } from '../../infra/kafka/kafka.js';
import type { FeedDatabases } from './feed-database.js';
import { planFleet } from './kafka-plan.js';
import { fleetKillsOf, runFleetRound, type FleetOrdeal } from './kafka-round.js';
import { FLEET_SCENARIOS } from './kafka-scenarios.js';
import type { Programs } from './program.js';
import type { RoundResult } from './round.js';

const VERSION = '4.3.1';
/** Most of a round is waiting for a session to end. */
const ROUNDS_AT_ONCE = 2;

export interface FleetRunOptions {
  readonly programs: Programs;
  readonly databases: FeedDatabases;
  readonly seed: number;
  readonly kills: number;
  readonly repeats: number;
  readonly only: string | undefined;
  /** `all`, or names joined by commas. */
  readonly scenarios: string;
  readonly attempt: (what: string, run: () => Promise<RoundResult & { readonly scenario?: string }>) => Promise<void>;
}

/** Why there can be no broker here; undefined where there can. */
export function whyNoFleet(): Promise<string | undefined> {
  return whyNoKafka(VERSION);
}

export async function runFleet({ programs, databases, seed, kills, repeats, only, scenarios, attempt }: FleetRunOptions): Promise<void> {
  const kafka = await startKafka({ version: VERSION, proxied: true });
  let deployments = 0;
  const live = (of: number, proxied: boolean, ordeal: FleetOrdeal): Promise<RoundResult> =>
    runFleetRound({ programs, databases, kafka, name: `crash-${deployments++}`, seed: of, proxied }, ordeal);
  try {
    const plans = planFleet({ seed, kills, repeats, only });
    const left = plans.entries();
    await Promise.all(
      Array.from({ length: ROUNDS_AT_ONCE }, async () => {
        for (const [i, plan] of left) await attempt(`round ${i + 1} of ${plans.length}`, () => live(plan.seed, false, fleetKillsOf(plan)));
      }),
    );
    for (const [name, { ordeal, proxied }] of FLEET_SCENARIOS) {
      if (scenarios !== 'all' && !scenarios.split(',').includes(name)) continue;
      await attempt(name, async () => ({ ...(await live(seed, proxied, ordeal)), scenario: name }));
    }
  } finally {
    await kafka.stop();
  }
}
