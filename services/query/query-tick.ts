import { partitionOf } from '../../libs/codec/slot.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { PartitionState, StateAccess } from '../../libs/feature/state-access.js';
import type { CommitRecord } from '../../libs/change/change.js';
import type { ReplicaTick } from '../../libs/replica/replica-tick.js';
import type { ReplicaViews } from '../../libs/replica/replica-view.js';
import type { PageShelf } from '../../libs/timeline/page-shelf.js';
import type { Freshness } from './answers.js';

const NONE: ReadonlySet<number> = new Set();

/**
 * The state that one query reads: of each partition the tick at which the query first touched it
 * (S15). Until `hold`, through plain readers, which are good for the synchronous block they were taken
 * in; from then on through snapshots. Whoever makes it closes it.
 */
export class QueryTick implements StateAccess {
  readonly #views: ReplicaViews;
  readonly #known: ReadonlySet<number>;
  readonly #isReady: (timelineId: number) => boolean;
  readonly #partitions: PartitionTick[] = [];
  #discovered: Set<number> | undefined;
  #phase: 'reading' | 'held' | 'closed' = 'reading';
  /** How many values were found: none means that nothing was ever recorded of what was asked. */
  found = 0;
  #foundUnready = false;

  /** `known` are timelines that are ready, and known to be read. */
  constructor(views: ReplicaViews, known: ReadonlySet<number>, isReady: (timelineId: number) => boolean) {
    this.#views = views;
    this.#known = known;
    this.#isReady = isReady;
  }

  /** What extractors looked up beyond what was known. */
  get discovered(): ReadonlySet<number> {
    return this.#discovered ?? NONE;
  }

  /** One of them is not ready: whatever the extractor made of that is no answer (S18). */
  get foundUnready(): boolean {
    return this.#foundUnready;
  }

  partitionOf(slot: number): PartitionTick {
    if (this.#phase === 'closed')
      throw new ThymeError(
        'THYME_QUERY_ENDED',
        'FAILED_PRECONDITION',
        'the query has been answered: await what an extractor does before it returns',
      );
    const partition = partitionOf(slot, this.#views.partitionCount);
    // A list, since most queries touch one.
    for (const tick of this.#partitions) if (tick.replica.partition === partition) return tick;
    const tick = new PartitionTick(this.#views.view(partition).tick(), this);
    if (this.#phase === 'held') tick.replica.hold();
    this.#partitions.push(tick);
    return tick;
  }

  requireReady(timelineId: number): void {
    if (this.#known.has(timelineId)) return;
    (this.#discovered ??= new Set()).add(timelineId);
    // Ready now, and in what is held: that may be of a tick before.
    if (this.#isReady(timelineId) && this.#partitions.every(({ replica }) => replica.isReady(timelineId))) return;
    this.#foundUnready = true;
    throw new ThymeError('THYME_NOT_READY', 'FAILED_PRECONDITION', 'what is looked up is still being built from history: ask again later');
  }

  /** Must be called in the synchronous block of the reads so far: only there a snapshot shows their tick. */
  hold(): void {
    if (this.#phase !== 'reading') return;
    this.#phase = 'held';
    for (const { replica } of this.#partitions) replica.hold();
  }

  freshness(): Freshness {
    const timelineIds = this.#discovered === undefined ? this.#known : new Set([...this.#known, ...this.#discovered]);
    let watermarkUs = Number.POSITIVE_INFINITY;
    let lagUs: number | undefined = 0;
    for (const { replica } of this.#partitions) {
      watermarkUs = Math.min(watermarkUs, watermarkOf(replica.commit, timelineIds));
      lagUs = lagUs === undefined || replica.lagUs === undefined ? undefined : Math.max(lagUs, replica.lagUs);
    }
    return { watermarkUs: Number.isFinite(watermarkUs) ? watermarkUs : undefined, lagUs };
  }

  close(): void {
    this.#phase = 'closed';
    for (const { replica } of this.#partitions) replica.close();
  }
}

class PartitionTick implements PartitionState {
  readonly #query: QueryTick;

  constructor(
    readonly replica: ReplicaTick,
    query: QueryTick,
  ) {
    this.#query = query;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const value = this.replica.get(key);
    if (value !== undefined) this.#query.found++;
    return value;
  }

  shelf(headKey: Uint8Array): PageShelf | undefined {
    const shelf = this.replica.shelf?.(headKey);
    if (shelf?.head != null) this.#query.found++;
    return shelf;
  }

  damaged(cause: Error): void {
    this.replica.damaged?.(cause);
  }

  horizonUs(timelineId: number): number {
    return this.replica.horizonUs(timelineId);
  }
}

/** The oldest watermark of the timelines' readers that have seen a record; Infinity where none has. */
function watermarkOf(commit: CommitRecord | undefined, timelineIds: ReadonlySet<number>): number {
  let oldestUs = Number.POSITIVE_INFINITY;
  for (const { readerId, watermarkUs } of commit?.counters ?? []) {
    if (watermarkUs < oldestUs && watermarkUs !== Number.NEGATIVE_INFINITY && timelineIds.has(readerId)) oldestUs = watermarkUs;
  }
  return oldestUs;
}
