import { CRASH_POINTS, type CrashPoint } from './crash-points.js';
import { WORKERS, type FleetName } from './kafka-fleet.js';
import type { Evolution } from './extras.js';
import { evolutionAt, evolutionBefore } from './plan.js';
import { Random } from './random.js';

/** One death of one process of a fleet. */
export interface FleetKill {
  readonly target: FleetName;
  /** Where; at a random moment when undefined. */
  readonly point: CrashPoint | undefined;
  /** At which pass of the point. */
  readonly nth: number;
  /** For a random moment: so long after the kill before it. */
  readonly delayMs: number;
  /** Whether the next waits until all is served again: else it comes while partitions have no owner. */
  readonly awaits: boolean;
  /** What is committed meanwhile: of a point that needs a commit that one, and before a random moment now and then. */
  readonly evolution: Evolution | undefined;
}

export interface FleetPlan {
  readonly seed: number;
  readonly kills: readonly FleetKill[];
}

export interface FleetPlanOptions {
  readonly seed: number;
  readonly kills: number;
  readonly repeats: number;
  readonly only: string | undefined;
}

const KILLS_PER_ROUND = 10;
const RANDOM_DELAY_MS_MAX = 1_500;
/** Every second random kill finds the fleet whole, the others whatever the one before has left. */
const AWAITED = 0.5;
/** The workers' deaths are those that move partitions. */
const RANDOM_TARGETS: readonly FleetName[] = ['worker-a', 'worker-a', 'worker-b', 'worker-b', 'reader', 'standby', 'gateway'];

/** The steps that a fleet passes. Those of the embedded log's writes are not among them. */
export const FLEET_POINTS: readonly CrashPoint[] = CRASH_POINTS.filter(({ log }) => log !== 'level');

export function planFleet({ seed, kills, repeats, only }: FleetPlanOptions): readonly FleetPlan[] {
  const random = new Random(seed);
  const groups: FleetKill[][] = [];
  const points = FLEET_POINTS.filter(({ name }) => only === undefined || name.includes(only));
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const point of points) groups.push(pointKills(point, random));
  }
  for (let i = 0; i < kills; i++) {
    groups.push([
      {
        target: random.pick(RANDOM_TARGETS),
        point: undefined,
        nth: 0,
        delayMs: random.integer(0, RANDOM_DELAY_MS_MAX),
        awaits: random.next() < AWAITED,
        evolution: evolutionBefore(i),
      },
    ]);
  }
  return split(groups, random);
}

/** The gateway pushes and commits through worker-a alone; partitions are any worker's. */
function pointKills(point: CrashPoint, random: Random): FleetKill[] {
  const isOfGateway = point.name.startsWith('ingest.') || point.name.startsWith('registry.');
  const target: FleetName = point.role === 'reader' ? 'reader' : isOfGateway ? 'worker-a' : random.pick(WORKERS);
  const evolution = evolutionAt(point);
  const kill: FleetKill = { target, point, nth: random.integer(1, passesMax(point)), delayMs: 0, awaits: true, evolution };
  if (point.need !== 'unapplied') return [kill];
  const before = FLEET_POINTS.find(({ name }) => name === 'aggregator.afterCommit');
  return [{ ...kill, point: before, nth: random.integer(1, 20), awaits: false, evolution: undefined }, kill];
}

/** A worker may have one partition, which it acquires once, and in which a commit is adopted once. */
function passesMax({ nthMax }: CrashPoint): number {
  return nthMax <= 2 ? 1 : nthMax;
}

/** A kill and the one that makes it possible stay together. */
function split(groups: readonly (readonly FleetKill[])[], random: Random): readonly FleetPlan[] {
  const rounds: FleetKill[][] = [];
  for (const group of groups) {
    const last = rounds.at(-1);
    if (last === undefined || last.length + group.length > KILLS_PER_ROUND) rounds.push([...group]);
    else last.push(...group);
  }
  return rounds.map((kills) => ({ seed: random.integer(1, 1_000_000), kills }));
}
