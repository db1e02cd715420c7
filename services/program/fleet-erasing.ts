import { createCompletion, type Service } from '../../libs/lifecycle/service.js';
import type { TrimmableLog } from '../../libs/log/log.js';
import { erasuresTopic, rekeyTopic } from '../../libs/pipeline/topics.js';
import type { Store } from '../../libs/store/store.js';
import type { Clock } from '../../libs/time/clock.js';
import type { OwnedPartition } from '../aggregator/erasure-rewriter.js';

const LOOK_MS_MIN = 1_000;
const LOOK_MS_MAX = 60 * 60_000;
const TIMES = 2;

export interface FleetErasingOptions {
  readonly log: TrimmableLog;
  readonly deployment: string;
  readonly clock: Pick<Clock, 'nowUs' | 'sleep'>;
  /** How long after an erasure its bytes may be in what this process can reach. */
  readonly eraseWithinUs: number;
  /** Of this process. */
  readonly owners: () => readonly OwnedPartition[];
  /** Removes what was set aside as damaged, which nobody reads. */
  readonly removeAside: () => Promise<void>;
  readonly onFailure: (cause: unknown) => void;
}

/**
 * What an owner on Kafka does about the bytes of what was erased (S26), beside folding it: messages of `rekey` that were read are deleted,
 * since the changelog has what came of them, and the files of its stores are written anew. Each owner for what is its own, whenever
 * something was erased anywhere; after a start, or a takeover, once in any case.
 */
export class FleetErasing implements Service {
  readonly #options: FleetErasingOptions;
  readonly #stopping = new AbortController();
  readonly #ended = createCompletion();
  /** What had been written when the store was taken up last, and how often it was since: what was being folded then is not in its files. */
  readonly #taken = new WeakMap<Store, { readonly written: number; readonly times: number }>();
  #running: Promise<void> | undefined;

  constructor(options: FleetErasingOptions) {
    this.#options = options;
  }

  get done(): Promise<void> {
    return this.#ended.promise;
  }

  start(): Promise<void> {
    this.#running ??= this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#ended.resolve();
  }

  /** Four times in the time that there is, so that one failure does not make it late. */
  async #run(): Promise<void> {
    const { clock, eraseWithinUs, onFailure } = this.#options;
    const lookMs = Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, eraseWithinUs / 4_000));
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(lookMs, signal);
      if (!signal.aborted) await this.#look().catch(onFailure);
    }
  }

  async #look(): Promise<void> {
    const written = await this.#written();
    if (written === 0) return;
    let isAnyTaken = false;
    for (const { task, store } of this.#options.owners()) {
      if (task === undefined || store === undefined) continue;
      const before = this.#taken.get(store);
      const times = before?.written === written ? before.times : 0;
      if (times === TIMES) continue;
      await this.#take({ task, store });
      this.#taken.set(store, { written, times: times + 1 });
      isAnyTaken = true;
    }
    if (isAnyTaken) await this.#options.removeAside();
  }

  /** Grows with every erasure, and with every step of one: a task writes there what it has folded. */
  async #written(): Promise<number> {
    const { log, deployment } = this.#options;
    const topic = erasuresTopic(deployment);
    const partitions = (await log.partitionCount(topic)) ?? 0;
    let written = 0;
    for (let partition = 0; partition < partitions; partition++) written += await log.endOffset({ topic, partition });
    return written;
  }

  async #take({ task, store }: { readonly task: NonNullable<OwnedPartition['task']>; readonly store: Store }): Promise<void> {
    const { log, deployment } = this.#options;
    const topic = rekeyTopic(deployment);
    for (const { nextOffset, ...source } of task.commit?.cursors ?? []) {
      if (source.topic === topic && nextOffset > 0) await log.trim({ topic, partition: source.partition }, nextOffset);
    }
    await store.compact?.();
  }
}
