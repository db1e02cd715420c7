import type { AppliedState } from '../change/applied-state.js';
import type { Applier } from '../change/applier.js';
import type { CommitRecord } from '../change/change.js';
import type { StoreSnapshot } from '../store/store.js';
import type { PageShelf } from '../timeline/page-shelf.js';
import type { PageReader } from '../timeline/page-access.js';

/**
 * One tick of one partition (S15): all that is asked of it is of the same commit, however many have come since. It reads
 * plainly, which is good for the synchronous block it was taken in, until `hold`; from then on until `close`.
 */
export interface ReplicaTick extends PageReader {
  readonly partition: number;
  /** Undefined before the first batch. */
  readonly commit: CommitRecord | undefined;
  /** How far the replica lay behind its owner when the tick was taken, µs; undefined when it was cut off. */
  readonly lagUs: number | undefined;
  isReady(timelineId: number): boolean;
  /** The timeline's horizon, µs; -Infinity when nothing was trimmed (S20). */
  horizonUs(timelineId: number): number;
  /** Must be called in the synchronous block that the tick was taken in: only there a snapshot shows it. */
  hold(): void;
  /** Lets go of what is held. */
  close(): void;
}

/** The tick that an applier shows at the moment. */
export class AppliedTick implements ReplicaTick {
  readonly #applier: Applier;
  readonly #state: AppliedState;
  #reader: PageReader;
  #snapshot: StoreSnapshot | undefined;

  constructor(
    applier: Applier,
    readonly partition: number,
    readonly lagUs: number | undefined,
  ) {
    this.#applier = applier;
    this.#state = applier.state;
    this.#reader = applier.reader();
  }

  get commit(): CommitRecord | undefined {
    return this.#state.commit;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#reader.get(key);
  }

  /** What is held shares the decoded pages of others until another tick is applied. */
  shelf(headKey: Uint8Array): PageShelf | undefined {
    if (this.#snapshot === undefined) return this.#reader.shelf?.(headKey);
    return this.#applier.state === this.#state ? this.#applier.reader().shelf?.(headKey) : undefined;
  }

  damaged(cause: Error): void {
    this.#applier.foundDamage(cause);
  }

  isReady(timelineId: number): boolean {
    return this.#state.ready.has(timelineId);
  }

  horizonUs(timelineId: number): number {
    return this.#state.horizons.get(timelineId) ?? Number.NEGATIVE_INFINITY;
  }

  hold(): void {
    this.#snapshot ??= this.#applier.snapshot();
    this.#reader = this.#snapshot;
  }

  close(): void {
    this.#snapshot?.close();
    this.#snapshot = undefined;
  }
}
