import type { Applier } from '../../libs/change/applier.js';
import type { EncodedBatch } from '../../libs/change/batch-codec.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { createCompletion } from '../../libs/lifecycle/service.js';
import { PartitionView } from '../../libs/replica/partition-view.js';
import { isStoreDamaged, STORE_DAMAGED } from '../../libs/store/store-errors.js';
import type { Store } from '../../libs/store/store.js';
import { acquire } from './acquire.js';
import { ChangeStream } from './change-stream.js';
import type { PartitionTask } from './partition-task.js';
import type { TaskEnvironment } from './task-environment.js';
import { waitForInput } from './wait-for-input.js';

export interface OwnerOptions {
  readonly environment: TaskEnvironment;
  /** `anew`: what lies there is damaged, and an empty store takes its place, which the changelog fills. */
  readonly openStore: (anew: boolean) => Promise<Store>;
  /** A tick begins at most this often, unless there is more to read than one takes. */
  readonly tickMs: number;
  readonly recentBytesMax: number;
  readonly heartbeatMs: number;
  /** Told of every failure; never of values. */
  readonly onFailure: (partition: number, cause: unknown) => void;
}

/** How a life of a task ended; `retryDelayMs` alone decides what comes of it. */
type TaskOutcome =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'retryable'; readonly cause: unknown; readonly ticks: number }
  /** Somebody else has the partition, or a newer process wrote here: this process cannot go on. */
  | { readonly kind: 'fatal'; readonly cause: unknown };

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 5_000;
const FATAL_CODES = new Set(['THYME_FENCED', 'THYME_CHANGE_UNKNOWN', 'THYME_TIMELINE_UNKNOWN', 'THYME_FORMAT_NEWER', 'THYME_STORE_AHEAD', 'THYME_PARTITION_COUNT', 'THYME_LOG_FORMAT']);

/**
 * Keeps a partition worked: acquires it, ticks, and after an error drops everything and acquires again
 * (DESIGN 4). What readers and subscribers hold, the view and the stream, outlives all that.
 */
export class PartitionOwner {
  readonly view: PartitionView;
  readonly stream: ChangeStream;
  readonly #options: OwnerOptions;
  #store: Store | undefined;
  #task: PartitionTask | undefined;
  /** What lies on the disk is not to be opened again. */
  #isDamaged = false;
  #retryMs = RETRY_MS_MIN;
  readonly #acquired = createCompletion();

  constructor(options: OwnerOptions) {
    this.#options = options;
    const { deployment, partition, log, clock } = options.environment;
    this.view = new PartitionView(partition, () => (this.#task === undefined ? undefined : 0));
    this.stream = new ChangeStream({ deployment, partition, log, clock, recentBytesMax: options.recentBytesMax, heartbeatMs: options.heartbeatMs, isWorked: () => this.#task !== undefined });
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
        if (outcome.kind === 'fatal') throw outcome.cause;
        await this.#options.environment.clock.sleep(this.#nextRetryMs(outcome.ticks), signal);
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
      task = await acquire(this.#options.environment, this.#store, { onApplier: (applier) => this.#attach(applier), onBatch: (batch) => this.#onBatch(batch), signal });
      this.#task = task;
      this.#acquired.resolve();
      for (; !signal.aborted; ticks++) await this.#tick(task, signal);
      return { kind: 'stopped' };
    } catch (cause) {
      if (signal.aborted && cause === signal.reason) return { kind: 'stopped' };
      this.#isDamaged ||= isStoreDamaged(cause);
      if (isOfStore(cause)) await this.#closeStore();
      return isFatal(cause) ? { kind: 'fatal', cause } : { kind: 'retryable', cause, ticks };
    } finally {
      this.#task = undefined;
      await task?.close().catch(() => undefined); // a dead writer has nothing left to say
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
    if (this.#store?.damage !== undefined) throw this.#store.damage; // found by whoever has read there
    const result = await task.tick();
    if (result === 'full') return;
    if (result === 'idle') return waitForInput(task, this.#options.environment, signal);
    const spentMs = (clock.nowUs() - startUs) / 1_000;
    await clock.sleep(Math.max(0, this.#options.tickMs - spentMs), signal);
  }

  #attach(applier: Applier): void {
    this.view.attach(applier);
    this.stream.attach(applier);
  }

  #onBatch(batch: EncodedBatch): void {
    this.stream.push(batch);
    this.view.committed();
  }

  /** Backs off until a life of the task has done something; a poisoned one is not retried at full speed. */
  #nextRetryMs(ticks: number): number {
    if (ticks > 1) this.#retryMs = RETRY_MS_MIN;
    const delayMs = this.#retryMs;
    this.#retryMs = Math.min(RETRY_MS_MAX, 2 * this.#retryMs);
    return delayMs;
  }

  /** After an error of the store itself: it takes no more writes until it is opened again. */
  async #closeStore(): Promise<void> {
    const store = this.#store;
    this.#store = undefined;
    this.view.attach(undefined);
    this.stream.attach(undefined);
    await store?.close();
  }
}

const STORE_CODES = new Set(['THYME_STORE_FAILED', STORE_DAMAGED, 'THYME_STORE_CLOSED']);

function isOfStore(cause: unknown): boolean {
  return cause instanceof ThymeError && STORE_CODES.has(cause.code);
}

function isFatal(cause: unknown): boolean {
  return cause instanceof ThymeError && FATAL_CODES.has(cause.code);
}
