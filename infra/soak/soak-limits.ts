import type { Limit } from './slope.js';

const MIB = 2 ** 20;

export type SeriesKind = 'heap' | 'rss' | 'descriptors' | 'read p50' | 'read p99' | 'lag p99';

interface SeriesLimit extends Limit {
  readonly unit: string;
  /** Of the unit in the figure's own. */
  readonly scale: number;
}

/** What a process holds that has just started, and its code's share of what lies outside of the heap. */
const BARE_HEAP = 56 * MIB;
const BARE_RSS = 128 * MIB;
/** The newest records of the log (TAIL_BYTES_MAX), and of two partitions' change batches (RECENT_BYTES_MAX), with what each costs beside its bytes. */
const OWNER_CACHES = (64 + 2 * 16) * MIB * 1.25;
/** LevelDB's: of each store two write buffers and a block cache (libs/store/level-store.ts); three stores a process here. */
const LEVEL_CACHES = 3 * (2 * 16 + 32) * MIB;

/** Some growth is state and not a leak: each commit keeps its revision, and each note is an entity that comes once. */
const heap = { perHourMax: 48 * MIB, noise: 6 * MIB, unit: 'MiB', scale: MIB };
const rss = { perHourMax: 128 * MIB, noise: 48 * MIB, unit: 'MiB', scale: MIB };

const LIMITS: Readonly<Record<SeriesKind, SeriesLimit>> = {
  heap: { ...heap, fillsTo: BARE_HEAP },
  rss: { ...rss, fillsTo: BARE_RSS + LEVEL_CACHES },
  // LevelDB keeps its tables open, up to its own bound; sockets and timers must come and go.
  descriptors: { perHourMax: 120, noise: 12, fillsTo: 64, unit: '', scale: 1 },
  'read p50': { perHourMax: 5, noise: 5, fillsTo: 5, unit: 'ms', scale: 1 },
  'read p99': { perHourMax: 50, noise: 100, fillsTo: 50, unit: 'ms', scale: 1 },
  'lag p99': { perHourMax: 250, noise: 1_000, fillsTo: 1_000, unit: 'ms', scale: 1 },
};

/** What a series may grow by: `<process>: <kind>`, or a kind alone. */
export function limitOf(name: string): SeriesLimit {
  const limit = LIMITS[(name.split(': ').at(-1) ?? name) as SeriesKind]; // as soak.ts names them
  const caches = /^owner: (heap|rss)$/.test(name) ? OWNER_CACHES : 0;
  return { ...limit, fillsTo: limit.fillsTo + caches };
}
