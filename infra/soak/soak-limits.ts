import type { Limit } from './slope.js';

const MIB = 2 ** 20;

/** `heap`: objects of JavaScript; `buffers`: what hangs on them outside of its heap; `rss`: all that is in RAM. */
export type ProcessKind = 'heap' | 'buffers' | 'rss' | 'descriptors';
export type SeriesKind = ProcessKind | 'read p50' | 'read p99' | 'lag p99';

interface SeriesLimit extends Limit {
  readonly unit: string;
  /** How many of the figure's own units make one of these. */
  readonly scale: number;
  /** It says as much about the machine: not judged while others keep that busy. */
  readonly isTime?: true;
}

/** What a process holds that has just started: its code, and what serves requests. */
const BARE = { heap: 48 * MIB, buffers: 16 * MIB, rss: 128 * MIB };
/** Two partitions' newest heads (HEAD_CACHE_BYTES), in whatever process applies changes. */
const APPLIER_CACHES = 2 * 32 * MIB;
/** The newest records of the log (TAIL_BYTES_MAX), and of two partitions' change batches (RECENT_BYTES_MAX). */
const OWNER_CACHES = (64 + 2 * 16) * MIB;
/** Objects that say where in the caches something lies: about a fifth of the bytes. */
const OBJECTS_SHARE = 0.2;
/** LevelDB's: of each store two write buffers and a block cache (libs/store/level-store.ts); three stores a process here. */
const LEVEL_CACHES = 3 * (2 * 16 + 32) * MIB;

/** Some growth is state and not a leak: each commit keeps its revision, and each note is an entity that comes once. */
const heap = { perHourMax: 48 * MIB, noise: 6 * MIB, unit: 'MiB', scale: MIB };
const buffers = { perHourMax: 16 * MIB, noise: 8 * MIB, unit: 'MiB', scale: MIB };
const rss = { perHourMax: 128 * MIB, noise: 48 * MIB, unit: 'MiB', scale: MIB };

/** Load average per processor, in the median, from which on times are not judged: the deployment itself makes less than one. */
export const LOAD_PER_CPU_MAX = 1.75;

const LIMITS: Readonly<Record<SeriesKind, SeriesLimit>> = {
  heap: { ...heap, fillsTo: BARE.heap + OBJECTS_SHARE * APPLIER_CACHES },
  buffers: { ...buffers, fillsTo: BARE.buffers + APPLIER_CACHES },
  rss: { ...rss, fillsTo: BARE.rss + (1 + OBJECTS_SHARE) * APPLIER_CACHES + LEVEL_CACHES },
  // LevelDB keeps its tables open, up to its own bound; sockets and timers must come and go.
  descriptors: { perHourMax: 120, noise: 12, fillsTo: 64, unit: '', scale: 1 },
  'read p50': { perHourMax: 5, noise: 5, fillsTo: 5, unit: 'ms', scale: 1, isTime: true },
  'read p99': { perHourMax: 50, noise: 100, fillsTo: 50, unit: 'ms', scale: 1, isTime: true },
  'lag p99': { perHourMax: 250, noise: 1_000, fillsTo: 1_000, unit: 'ms', scale: 1, isTime: true },
};

/** What a series may grow by: `<process>: <kind>`, or a kind alone. */
export function limitOf(name: string): SeriesLimit {
  const limit = LIMITS[(name.split(': ').at(-1) ?? name) as SeriesKind]; // as soak.ts names them
  const share = OWNER_SHARE.get(name) ?? 0;
  return { ...limit, fillsTo: limit.fillsTo + share * OWNER_CACHES };
}

/** How much of what only an owner caches lies where. */
const OWNER_SHARE: ReadonlyMap<string, number> = new Map([
  ['owner: heap', OBJECTS_SHARE],
  ['owner: buffers', 1],
  ['owner: rss', 1 + OBJECTS_SHARE],
]);
