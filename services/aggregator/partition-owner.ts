import type { Applier } from '../../libs/change/applier.js';
import type { EncodedBatch } from '../../libs/change/batch-codec.js';
import { dispositionOf, ThymeError } from '../../libs/errors/errors.js';
import { createCompletion } from '../../libs/lifecycle/service.js';
import { PartitionView } from '../../libs/replica/partition-view.js';
import type { Store } from '../../libs/store/store.js';
import { Backoff, type Random, systemRandom } from '../../libs/time/backoff.js';
import { acquire } from './acquire.js';
import { ChangeStream } from './change-stream.js';
import type { PartitionTask } from './partition-task.js';
import type { TaskEnvironment } from './task-environment.js';
import { pauseMsAfter } from './tick-pause.js';
import { waitForInput } from './wait-for-input.js';

export interface OwnerOptions {
  readonly environment: TaskEnvironment;
  /** `anew`: what lies there is damaged, and an empty store takes its place, which the changelog fills. */
  readonly openStore: (anew: boolean) => Promise<Store>;
  /** What waits is ticked after this at the latest (tick-pause.ts). */
  readonly tickMs: number;
  readonly recentBytesMax: number;
  readonly heartbeatMs: number;
  /** Spreads the pauses between attempts. */
  readonly random?: Random;
  /** Told of every failure; never of values. */
  readonly onFailure: (partition: number, cause: unknown) => void;
  readonly onTick?: TickListener | undefined;
  /** Told of each time that it has been acquired. */
  readonly onAcquired?: ((partition: number) => void) | undefined;
}

/** Told of every tick that had something to do: how long it took, and how many records its pipelines read in it. */
export type TickListener = (spentUs: number, records: number) => void;

/** How a life of a task ended. What comes of a failure its cause says itself. */
type TaskOutcome = { readonly kind: 'stopped' } | { readonly kind: 'failed'; readonly cause: unknown; readonly ticks: number };

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 5_000;
/** Builds in a row, none of which was sound for TICKS_SOUND: what is built is as broken as what was set aside, and would be for ever. */
const REBUILDS_MAX = 3;
/** Some minutes of them. */
const TICKS_SOUND = 1_000;

/**
 * Keeps a partition worked: acquires it, ticks, and after an error drops everything and acquires again
 * (DESIGN 4). What readers and subscribers hold, the view and the stream, outlives all that.
 */
export class PartitionOwner {
  readonly view: PartitionView;
  readonly stream: ChangeStream;
  readonly #options: OwnerOptions;
  #store: Store | undefined;
  #applier: Applier | undefined;
  #task: PartitionTask | undefined;
  /** What lies on the disk is not to be opened again. */
  #isDamaged = false;
  /** Since the state was last sound. */
  #rebuilds = 0;
  readonly #pause: Backoff;
  readonly #acquired = createCompletion();

  constructor(options: OwnerOptions) {
    this.#options = options;
    this.#pause = new Backoff({ minMs: RETRY_MS_MIN, maxMs: RETRY_MS_MAX, random: options.random ?? systemRandom });
    const { deployment, partition, log, clock } = options.environment;
    this.view = new PartitionView(partition, () => (this.#task === undefined ? undefined : 0));
    this.stream = new ChangeStream({
      deployment,
      partition,
      log,
      clock,
      recentBytesMax: options.recentBytesMax,
      heartbeatMs: options.heartbeatMs,
      isWorked: () => this.#task !== undefined,
    });
  }

  /** Resolves when the partition has been acquired once. */
  get acquired(): Promise<void> {
    return this.#acquired.promise;
  }

  /** The task at work; undefined while the partition is being acquired. */
  get task(): PartitionTask | undefined {
    return this.#task;
  }

  /** Written by the task alone; for digests and copies. Undefined while it is being opened. */
  get store(): Store | undefined {
    return this.#store;
  }

  /** Works until the signal aborts; rejects when it cannot go on. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const outcome = await this.#work(signal);
        if (outcome.kind === 'stopped') return;
        this.#options.onFailure(this.view.partition, outcome.cause);
        await this.#prepareNext(outcome);
        await this.#options.environment.clock.sleep(this.#pause.next(), signal);
      }
    } finally {
      this.stream.end();
      await this.#closeStore();
    }
  }

  async #work(signal: AbortSignal): Promise<TaskOutcome> {
    let ticks = 0;
    let task: PartitionTask | undefined;
    try {
      this.#store ??= await this.#open();
      task = await acquire(this.#options.environment, this.#store, {
        onApplier: (applier) => this.#attach(applier),
        onBatch: (batch) => this.#onBatch(batch),
        signal,
      });
      this.#task = task;
      this.#acquired.resolve();
      this.#options.onAcquired?.(this.view.partition);
      for (; !signal.aborted; ticks++) await this.#tick(task, signal);
      return { kind: 'stopped' };
    } catch (cause) {
      if (signal.aborted && cause === signal.reason) return { kind: 'stopped' };
      return { kind: 'failed', cause, ticks };
    } finally {
      this.#task = undefined;
      await task?.close().catch(() => undefined); // a dead writer has nothing left to say
    }
  }

  /** Decides what the next life begins with; throws where there is to be none. */
  async #prepareNext({ cause, ticks }: Extract<TaskOutcome, { kind: 'failed' }>): Promise<void> {
    // Only ticks are progress: a poisoned partition is not retried at full speed.
    if (ticks > 1) this.#pause.reset();
    if (ticks >= TICKS_SOUND) this.#rebuilds = 0;
    switch (dispositionOf(cause)) {
      case 'stop':
        throw cause;
      case 'rebuild':
        if (this.#rebuilds++ === REBUILDS_MAX) throw builtInVain(this.view.partition, cause);
        this.#isDamaged = true;
        return this.#closeStore();
      case 'retry':
        if (isToBeReopened(this.#store, cause)) await this.#closeStore();
    }
  }

  /** What was damaged is set aside once: where the new store then does not open, it is the one to open next. */
  #open(): Promise<Store> {
    const anew = this.#isDamaged;
    this.#isDamaged = false;
    return this.#options.openStore(anew);
  }

  /** One tick, and the wait for the next. */
  async #tick(task: PartitionTask, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.environment;
    const startUs = clock.nowUs();
    const damage = this.#applier?.damage;
    if (damage !== undefined) throw damage; // found by whoever has read there
    const readBefore = this.#recordsRead();
    const result = await task.tick();
    if (result === 'idle') return waitForInput(task, this.#options.environment, signal);
    const spentUs = clock.nowUs() - startUs;
    this.#options.onTick?.(spentUs, this.#recordsRead() - readBefore);
    const pauseMs = pauseMsAfter(result, spentUs / 1_000, this.#options.tickMs);
    if (result !== 'full') await clock.sleep(pauseMs, signal);
  }

  /** By all readers, so that a record of two pipelines counts twice; fewer where one has gone. */
  #recordsRead(): number {
    return (this.view.applied()?.counters ?? []).reduce((sum, { read }) => sum + read, 0);
  }

  #attach(applier: Applier): void {
    this.#applier = applier;
    this.view.attach(applier);
    this.stream.attach(applier);
  }

  #onBatch(batch: EncodedBatch): void {
    this.stream.push(batch);
    this.view.committed();
  }

  /** The next life opens it again, or another in its place. */
  async #closeStore(): Promise<void> {
    const store = this.#store;
    this.#store = undefined;
    this.#applier = undefined;
    this.view.attach(undefined);
    this.stream.attach(undefined);
    await store?.close();
  }
}

/**
 * A store that failed to write takes no more until it is opened again, and one that was closed gives nothing. And what is not
 * one of our errors (an assertion, a length out of range) may come of bytes that were not written so: at its opening a store is
 * compared with its checksums.
 */
function isToBeReopened(store: Store | undefined, cause: unknown): boolean {
  return store?.failure !== undefined || !(cause instanceof ThymeError) || cause.code.startsWith('THYME_STORE_');
}

function builtInVain(partition: number, cause: unknown): ThymeError {
  return new ThymeError(
    'THYME_BUILT_IN_VAIN',
    'FAILED_PRECONDITION',
    `the state of partition ${partition} was built anew ${REBUILDS_MAX} times, and is damaged again each time (${cause instanceof Error ? cause.message : String(cause)}): look at the disk, and at the memory`,
    [],
    { cause, disposition: 'stop' },
  );
}
