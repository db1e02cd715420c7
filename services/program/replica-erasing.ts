import { decodeKey } from '../../libs/codec/entity-key.js';
import type { Replica } from '../../libs/replica/replica.js';
import type { Clock } from '../../libs/time/clock.js';

const LOOK_MS = 1_000;
const COMPACT_MS_MAX = 60 * 60_000;

export interface ReplicaErasingOptions {
  readonly replicas: () => readonly Replica[];
  readonly clock: Pick<Clock, 'nowUs' | 'sleep'>;
  readonly eraseWithinUs: number;
  /** Takes entities out of the record of queries, and its bytes out of its files; absent where there is none. */
  readonly eraseFromRuns?: (entities: readonly (readonly unknown[])[]) => Promise<void>;
  readonly onFailure: (cause: unknown) => void;
}

/**
 * What a process with replicas has to do about erasures beside folding them (S26): deleted pages stay in LevelDB's files until these are
 * written anew, and the record of queries names entities. After a start files are written anew once, where anything was ever erased: nobody
 * knows what the process before had left.
 */
export class ReplicaErasing {
  readonly #options: ReplicaErasingOptions;
  readonly #stopping = new AbortController();
  readonly #compacted = new Map<Replica, number>();
  #running: Promise<void> | undefined;

  constructor(options: ReplicaErasingOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, eraseWithinUs, onFailure } = this.#options;
    const compactUs = Math.min(COMPACT_MS_MAX * 1_000, eraseWithinUs / 4);
    let compactedUs = clock.nowUs();
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal);
      if (signal.aborted) return;
      await this.#eraseFromRuns().catch(onFailure);
      if (clock.nowUs() - compactedUs < compactUs) continue;
      compactedUs = clock.nowUs();
      for (const replica of this.#options.replicas()) await this.#compact(replica).catch(onFailure);
    }
  }

  async #eraseFromRuns(): Promise<void> {
    const keys = this.#options.replicas().flatMap((replica) => replica.takeErasedKeys());
    if (keys.length > 0) await this.#options.eraseFromRuns?.(keys.map((key) => decodeKey(key)));
  }

  async #compact(replica: Replica): Promise<void> {
    const { erasures } = replica;
    if (erasures === (this.#compacted.get(replica) ?? 0)) return;
    await replica.compact();
    this.#compacted.set(replica, erasures);
  }
}
