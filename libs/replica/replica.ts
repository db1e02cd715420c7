// A replica: a partition's state kept by following the change stream, and read from as if it were the owner's.
//
//   replication-source.ts  - what it follows: the owner in the same process, or a service
//   replica.ts             - applies batches in order, and decides what to do when that cannot go on
//   bootstrap.ts           - builds a store from a snapshot, beside the one that is read
//   replica-stores.ts      - where stores lie, and which of them is in use
//   partition-view.ts      - what readers see; replica-tick.ts - and one query of it
//   replica-lag.ts         - how old that may be
//
// Invariants (with C1–C4 of libs/change/change.ts):
//   R1. Batches are applied in order and whole; a repeat is dropped, a gap is asked for again.
//   R2. What a lower epoch sends is never applied: a stale owner does not become the truth.
//   R3. A replica that disagrees with the stream about a seq, or whose disk has damaged its store, is wiped and
//       built anew.
//   R4. Reads go on through everything but the very first bootstrap.

import { applyBatch } from '../change/apply-batch.js';
import { Applier } from '../change/applier.js';
import { decodeBatch, type EncodedBatch } from '../change/batch-codec.js';
import { encodeCommit } from '../change/commit-codec.js';
import { crashPoint } from '../lifecycle/crash-point.js';
import { digestStore, type StateDigest } from '../change/digest.js';
import { COMMIT_KEY } from '../change/state-keys.js';
import { dispositionOf, ThymeError } from '../errors/errors.js';
import { createCompletion } from '../lifecycle/service.js';
import type { RangeOptions, Store } from '../store/store.js';
import { Backoff, type Random, systemRandom } from '../time/backoff.js';
import type { Clock } from '../time/clock.js';
import { bootstrap } from './bootstrap.js';
import { PartitionView } from './partition-view.js';
import { ReplicaLag } from './replica-lag.js';
import type { ReplicaStores } from './replica-stores.js';
import type { ReplicationSource, SnapshotEntry, StreamMessage } from './replication-source.js';
import { snapshotChunks } from './snapshot-chunks.js';

export interface ReplicaOptions {
  readonly partition: number;
  readonly source: ReplicationSource;
  readonly stores: ReplicaStores;
  readonly clock: Clock;
  /** Spreads the pauses between attempts. */
  readonly random?: Random;
  /** Told of every failure that is retried. */
  readonly onFailure: (partition: number, cause: unknown) => void;
}

/** How following the stream ended. */
type FollowOutcome =
  | { readonly kind: 'stopped' }
  /** A gap, or the owner ended the stream in order: ask again at once. */
  | { readonly kind: 'resubscribe' }
  | { readonly kind: 'retryable'; readonly cause: unknown }
  /** The changes are gone, or contradict what is here, or what is here is damaged (R3). */
  | { readonly kind: 'bootstrap'; readonly cause: unknown }
  /** A change that this process does not know (C3), or a store or a log that is newer than it. */
  | { readonly kind: 'fatal'; readonly cause: unknown };

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 5_000;
/** Rebuilds in a row, none of which was sound for BATCHES_SOUND: after them, what the owner gives is damaged too. */
const REBUILDS_MAX = 3;
const BATCHES_SOUND = 1_000;

export class Replica {
  readonly view: PartitionView;
  readonly #options: ReplicaOptions;
  readonly #lag: ReplicaLag;
  #applier: Applier | undefined;
  /** The highest that was ever heard of (R2). */
  #epoch = 0;
  readonly #pause: Backoff;
  /** Since the state was last sound. */
  #rebuilds = 0;
  #batchesApplied = 0;
  readonly #caughtUp = createCompletion();

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#pause = new Backoff({ minMs: RETRY_MS_MIN, maxMs: RETRY_MS_MAX, random: options.random ?? systemRandom });
    this.#lag = new ReplicaLag(() => options.clock.nowUs());
    this.view = new PartitionView(options.partition, () => this.#lag.lagUs());
  }

  /** Resolves when it has once shown all that its owner had: before that its answers may be of any age. */
  get caughtUp(): Promise<void> {
    return this.#caughtUp.promise;
  }

  /** Follows until the signal aborts; rejects when it cannot go on. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) await (this.#applier === undefined ? this.#open(signal) : this.#live(signal));
    } finally {
      await this.#close();
    }
  }

  /** SHA-256 over the partition's entries; replicas at the same seq have the same (C2). */
  async digest(): Promise<StateDigest> {
    return digestStore(this.#held().store);
  }

  /** Entries of the range in key order, as of the call. */
  entries(range: RangeOptions): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    return this.#held().store.entries(range);
  }

  /** The whole store as of one seq, for another replica or a backup. */
  snapshot(signal: AbortSignal): AsyncIterable<readonly SnapshotEntry[]> {
    return snapshotChunks(this.#held().store, signal);
  }

  /** Grows with erasures (S26); of those before a start it says that there were some. */
  get erasures(): number {
    const counted = this.#applier?.state.commit?.counters.reduce((sum, { erased }) => sum + erased, 0) ?? 0;
    return counted + (this.#applier?.erasedRows ?? 0);
  }

  /** The entities that were erased since this was asked last. */
  takeErasedKeys(): readonly Uint8Array[] {
    return this.#applier?.takeErasedKeys() ?? [];
  }

  /** Writes the store's files anew, without what was erased. */
  async compact(): Promise<void> {
    await this.#applier?.store.compact?.();
  }

  /** The store in use, or, where that is damaged or not to be trusted, another. */
  async #open(signal: AbortSignal): Promise<void> {
    let store: Store | undefined;
    try {
      store = await this.#options.stores.openCurrent();
      this.#attach(await Applier.open(store));
    } catch (cause) {
      await store?.close();
      if (dispositionOf(cause) === 'stop') throw cause;
      this.#options.onFailure(this.#options.partition, cause);
      if (dispositionOf(cause) === 'retry') return this.#backOff(signal);
      while (!signal.aborted && this.#applier === undefined) await this.#bootstrap(signal, { isDamaged: true });
    }
  }

  /** It takes no more writes, or nobody knows what is wrong with it: its opening compares it with its checksums. */
  async #close(): Promise<void> {
    const store = this.#applier?.store;
    this.#applier = undefined;
    this.view.attach(undefined);
    await store?.close();
  }

  /** The applier of now; a bootstrap puts another in its place. */
  #held(): Applier {
    if (this.#applier === undefined)
      throw new ThymeError('THYME_REPLICA_NOT_READY', 'UNAVAILABLE', `partition ${this.#options.partition} is not held here yet`);
    return this.#applier;
  }

  /** One subscription, and what its end asks for. */
  async #live(signal: AbortSignal): Promise<void> {
    const outcome = await this.#follow(signal);
    switch (outcome.kind) {
      case 'stopped':
        return;
      case 'fatal':
        throw outcome.cause;
      case 'bootstrap':
        this.#options.onFailure(this.#options.partition, outcome.cause);
        return this.#rebuild(signal, outcome.cause);
      case 'retryable':
        this.#options.onFailure(this.#options.partition, outcome.cause);
        if (isOfStore(this.#applier?.store, outcome.cause)) await this.#close();
        return this.#backOff(signal);
      case 'resubscribe':
        return this.#backOff(signal);
    }
  }

  async #rebuild(signal: AbortSignal, cause: unknown): Promise<void> {
    const isDamaged = this.#applier?.damage !== undefined;
    if (isDamaged && this.#rebuilds++ === REBUILDS_MAX) throw builtInVain(this.#options.partition, cause);
    return this.#bootstrap(signal, { isDamaged });
  }

  async #follow(signal: AbortSignal): Promise<FollowOutcome> {
    const applier = this.#held();
    crashPoint('replica.beforeSubscribe');
    this.#epoch = Math.max(this.#epoch, applier.state.commit?.epoch ?? 0);
    try {
      // From the batch that is there already: its repeat shows whether owner and replica agree (R3).
      const position = { epoch: this.#epoch, fromSeq: Math.max(1, applier.seq) };
      for await (const message of this.#options.source.subscribe(this.#options.partition, position, signal)) {
        const outcome = await this.#take(applier, message);
        if (outcome !== undefined) return outcome;
      }
      return { kind: signal.aborted ? 'stopped' : 'resubscribe' };
    } catch (cause) {
      if (signal.aborted) return { kind: 'stopped' };
      return outcomeOf(cause);
    }
  }

  async #take(applier: Applier, message: StreamMessage): Promise<FollowOutcome | undefined> {
    // A read may have found it: the heartbeats see to it that it does not stay.
    const { damage } = applier;
    if (damage !== undefined) return { kind: 'bootstrap', cause: damage };
    const epoch = message.kind === 'batch' ? message.batch.epoch : message.epoch;
    if (epoch < this.#epochExpected(applier, message))
      return { kind: 'retryable', cause: staleOwner(this.#options.partition, epoch, this.#epoch) };
    this.#epoch = Math.max(this.#epoch, epoch);
    if (message.kind === 'heartbeat') {
      this.#lag.heartbeat(message.headSeq, message.clockUs, applier.seq);
      if (message.headSeq <= applier.seq) this.#caughtUp.resolve();
      return undefined;
    }
    await this.#apply(applier, message.batch);
    return undefined;
  }

  /** A batch has the epoch of its own time, which is never below that of the one before; a heartbeat that of now. */
  #epochExpected(applier: Applier, message: StreamMessage): number {
    if (message.kind === 'heartbeat') return this.#epoch;
    return message.batch.seq <= applier.seq ? 0 : (applier.state.commit?.epoch ?? 0);
  }

  async #apply(applier: Applier, batch: EncodedBatch): Promise<void> {
    if (batch.seq === applier.seq) requireAgreement(applier, batch);
    crashPoint('replica.beforeApply');
    if ((await applyBatch(applier, batch)) === 'repeat') return;
    crashPoint('replica.afterApply');
    this.#pause.reset();
    if (++this.#batchesApplied === BATCHES_SOUND) this.#rebuilds = 0;
    this.#lag.applied(applier.seq, applier.state.commit?.clockUs ?? 0);
    this.view.committed();
  }

  async #bootstrap(signal: AbortSignal, old: { readonly isDamaged: boolean }): Promise<void> {
    try {
      this.#batchesApplied = 0;
      const before = this.#applier;
      this.#attach(await bootstrap(this.#options.partition, this.#options.source, this.#options.stores, signal));
      await before?.store.close();
      await this.#options.stores.removeOthers(old);
      crashPoint('replica.afterCleanup');
    } catch (cause) {
      if (signal.aborted) return;
      const outcome = outcomeOf(cause);
      if (outcome.kind === 'fatal') throw cause;
      this.#options.onFailure(this.#options.partition, cause);
      await this.#backOff(signal);
    }
  }

  #attach(applier: Applier): void {
    this.#applier = applier;
    this.view.attach(applier);
  }

  async #backOff(signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(this.#pause.next(), signal);
  }
}

/** The batch that was applied last, sent again, must be the very one (R3). */
function requireAgreement(applier: Applier, batch: EncodedBatch): void {
  const stored = applier.store.get(COMMIT_KEY);
  if (stored !== undefined && Buffer.compare(stored, encodeCommit(decodeBatch(batch.bytes).commit)) === 0) return;
  throw new ThymeError(
    'THYME_REPLICA_DIVERGED',
    'ABORTED',
    `seq ${batch.seq} of the stream is not what was applied here: the replica is built anew`,
    [],
    { disposition: 'rebuild' },
  );
}

function outcomeOf(cause: unknown): FollowOutcome {
  switch (dispositionOf(cause)) {
    case 'stop':
      return { kind: 'fatal', cause };
    case 'rebuild':
      return { kind: 'bootstrap', cause };
    case 'retry':
      return cause instanceof ThymeError && cause.code === 'THYME_CHANGES_GAP' ? { kind: 'resubscribe' } : { kind: 'retryable', cause };
  }
}

function staleOwner(partition: number, epoch: number, known: number): ThymeError {
  return new ThymeError(
    'THYME_STALE_OWNER',
    'ABORTED',
    `an owner of epoch ${epoch} sent changes of partition ${partition}, which has had one of epoch ${known}`,
  );
}

function isOfStore(store: Store | undefined, cause: unknown): boolean {
  return store?.failure !== undefined || !(cause instanceof ThymeError) || cause.code.startsWith('THYME_STORE_');
}

function builtInVain(partition: number, cause: unknown): ThymeError {
  return new ThymeError(
    'THYME_BUILT_IN_VAIN',
    'FAILED_PRECONDITION',
    `the replica of partition ${partition} was built anew ${REBUILDS_MAX} times, and is damaged again each time: start its owner again, which compares its own files at the start`,
    [],
    { cause, disposition: 'stop' },
  );
}
