import type { ProcessName, Topology } from './cluster.js';
import { CRASH_POINTS, type CrashPoint } from './crash-points.js';
import type { Evolution } from './extras.js';
import { Random } from './random.js';

/** One death of one process. */
export interface Kill {
  readonly target: ProcessName;
  /** Where; at a random moment when undefined. */
  readonly point: CrashPoint | undefined;
  /** At which pass of the point. */
  readonly nth: number;
  /** For a random moment: so long after the process is up, or was started. */
  readonly delayMs: number;
  /** What is committed meanwhile: of a point that needs a commit that one, and before a random moment now and then. */
  readonly evolution: Evolution | undefined;
}

/** One deployment's life: some kills under load, then the recount. */
export interface RoundPlan {
  readonly topology: Topology;
  readonly seed: number;
  readonly kills: readonly Kill[];
}

export interface PlanOptions {
  readonly seed: number;
  /** Kills at random moments. */
  readonly kills: number;
  /** Kills at each crash point. */
  readonly repeats: number;
  /** Only points whose name holds this. */
  readonly only: string | undefined;
}

/** Few enough that a failure points somewhere, many enough that starting a deployment does not cost more than the kills. */
const KILLS_PER_ROUND = 8;
const RANDOM_DELAY_MS_MAX = 1_500;

const EVOLUTIONS: readonly Evolution[] = ['extra', 'upgrade', 'rebuild'];

/** What is committed for a point to be passed: one after another by the points, so that a seed's kills are what they were without. */
export function evolutionAt(point: CrashPoint): Evolution | undefined {
  return point.need === 'commit' ? EVOLUTIONS[CRASH_POINTS.indexOf(point) % EVOLUTIONS.length] : undefined;
}

/** Before every second death at a random moment: so few that each can be built in its time, and of six both kinds. */
export function evolutionBefore(i: number): Evolution | undefined {
  return i % 2 === 0 ? undefined : (['upgrade', 'rebuild'] as const)[((i - 1) / 2) % 2];
}

export function planRounds({ seed, kills, repeats, only }: PlanOptions): readonly RoundPlan[] {
  const random = new Random(seed);
  const byTopology = new Map<Topology, Kill[]>([
    ['one', []],
    ['apart', []],
  ]);
  const points = CRASH_POINTS.filter(({ name, log }) => log !== 'kafka' && (only === undefined || name.includes(only)));
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [i, point] of points.entries()) {
      // Who serves a snapshot and who takes it die apart only where they are apart.
      const topology: Topology = point.role === 'reader' || point.need === 'divergence' || (i + repeat) % 2 === 0 ? 'apart' : 'one';
      byTopology.get(topology)?.push(...pointKills(point, topology, random));
    }
  }
  const rounds = [...byTopology].flatMap(([topology, all]) => split(all, topology, random));
  const randomKills = Array.from({ length: kills }, (_, i): [Topology, Kill] => {
    const topology: Topology = Math.floor(i / KILLS_PER_ROUND) % 2 === 0 ? 'apart' : 'one';
    const target = topology === 'one' ? 'all' : random.pick<ProcessName>(['owner', 'owner', 'reader', 'standby']);
    const delayMs = random.integer(0, RANDOM_DELAY_MS_MAX);
    return [topology, { target, point: undefined, nth: 0, delayMs, evolution: evolutionBefore(i) }];
  });
  for (const topology of ['apart', 'one'] as const)
    rounds.push(
      ...split(
        randomKills.flatMap(([of, kill]) => (of === topology ? [kill] : [])),
        topology,
        random,
      ),
    );
  return rounds;
}

function pointKills(point: CrashPoint, topology: Topology, random: Random): readonly Kill[] {
  const target = topology === 'one' ? 'all' : point.role;
  const evolution = evolutionAt(point);
  const kill: Kill = { target, point, nth: random.integer(1, point.nthMax), delayMs: 0, evolution };
  if (point.need !== 'unapplied') return [kill];
  const before = CRASH_POINTS.find(({ name }) => name === 'aggregator.afterCommit');
  return [{ target, point: before, nth: random.integer(1, 20), delayMs: 0, evolution: undefined }, kill];
}

function split(kills: readonly Kill[], topology: Topology, random: Random): RoundPlan[] {
  const rounds: RoundPlan[] = [];
  for (let start = 0; start < kills.length;) {
    let end = Math.min(kills.length, start + KILLS_PER_ROUND);
    // A kill and the one that makes it possible stay together.
    if (kills[end]?.point?.need === 'unapplied') end++;
    rounds.push({ topology, seed: random.integer(1, 1_000_000), kills: kills.slice(start, end) });
    start = end;
  }
  return rounds;
}
