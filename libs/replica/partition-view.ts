import type { AppliedState } from '../change/applied-state.js';
import type { Applier } from '../change/applier.js';
import type { CommitRecord } from '../change/change.js';
import { groupKeysOf } from '../change/group-keys.js';
import type { Revision } from '../definition/revision.js';
import { ThymeError } from '../errors/errors.js';
import { AppliedTick, type ReplicaTick } from './replica-tick.js';
import type { ReplicaView } from './replica-view.js';

interface Waiter {
  readonly reached: (applied: CommitRecord) => boolean;
  readonly resolve: () => void;
}

/**
 * What readers see of a partition, through whatever applier keeps it: a recovery or a bootstrap puts
 * another one in its place, and reads go on. Refuses reads until the first is there.
 */
export class PartitionView implements ReplicaView {
  readonly #lagUs: () => number | undefined;
  readonly #waiters = new Set<Waiter>();
  #applier: Applier | undefined;

  constructor(
    readonly partition: number,
    lagUs: () => number | undefined,
  ) {
    this.#lagUs = lagUs;
  }

  /** Undefined while the store is being opened again. */
  attach(applier: Applier | undefined): void {
    this.#applier = applier;
    this.committed();
  }

  /** Wakes those who wait, after each commit of the applier. */
  committed(): void {
    const commit = this.#applier?.state.commit;
    if (commit === undefined || this.#waiters.size === 0) return;
    for (const waiter of this.#waiters) {
      if (!waiter.reached(commit)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  tick(): ReplicaTick {
    return new AppliedTick(this.#ready(), this.partition, this.#lagUs());
  }

  applied(): CommitRecord | undefined {
    return this.#applier?.state.commit;
  }

  revisions(): readonly Revision[] {
    return this.#applier?.state.revisions ?? [];
  }

  isReady(timelineId: number): boolean {
    return this.#applier?.state.ready.has(timelineId) ?? false;
  }

  groupKeys(range: Parameters<ReplicaView['groupKeys']>[0]): AsyncIterable<Uint8Array> {
    return groupKeysOf(this.#ready().store, range);
  }

  lagUs(): number | undefined {
    return this.#lagUs();
  }

  state(): AppliedState | undefined {
    return this.#applier?.state;
  }

  async waitFor(reached: (applied: CommitRecord) => boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const commit = this.applied();
    if (commit !== undefined && reached(commit)) return;
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiters.delete(waiter);
        reject(signal.reason instanceof Error ? signal.reason : new Error('the wait was aborted'));
      };
      const waiter: Waiter = {
        reached,
        resolve: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #ready(): Applier {
    if (this.#applier === undefined) {
      throw new ThymeError(
        'THYME_REPLICA_NOT_READY',
        'UNAVAILABLE',
        `partition ${this.partition} is being restored: retry, or ask another replica`,
      );
    }
    return this.#applier;
  }
}
