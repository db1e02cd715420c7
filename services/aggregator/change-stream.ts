import type { Applier } from '../../libs/change/applier.js';
import type { EncodedBatch } from '../../libs/change/batch-codec.js';
import { changesTrimmed, readBatches } from '../../libs/change/changelog.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Log } from '../../libs/log/log.js';
import { changesTopic } from '../../libs/pipeline/topics.js';
import type { SnapshotEntry, StreamMessage } from '../../libs/replica/replication-source.js';
import { snapshotChunks } from '../../libs/replica/snapshot-chunks.js';
import type { Clock } from '../../libs/time/clock.js';
import { RecentBatches } from './recent-batches.js';

export interface ChangeStreamOptions {
  readonly deployment: string;
  readonly partition: number;
  readonly log: Log;
  readonly clock: Clock;
  /** Batches of so many bytes are kept for subscribers; what is older they get from the changelog. */
  readonly recentBytesMax: number;
  readonly heartbeatMs: number;
  /** Whether the partition is being worked: only then a heartbeat is the truth. */
  readonly isWorked: () => boolean;
}

/**
 * A partition's batches for whoever follows them (DESIGN 5). A subscriber has a cursor and pulls: it
 * never slows a tick, and one that falls behind reads the changelog.
 */
export class ChangeStream {
  readonly #options: ChangeStreamOptions;
  readonly #recent: RecentBatches;
  readonly #waiting = new Set<() => void>();
  /** Aborted when the owner has ended: its subscribers look for the next one. */
  readonly #ended = new AbortController();
  #applier: Applier | undefined;

  constructor(options: ChangeStreamOptions) {
    this.#options = options;
    this.#recent = new RecentBatches(options.recentBytesMax);
  }

  /** The store that snapshots are taken of; undefined while there is none. */
  attach(applier: Applier | undefined): void {
    this.#applier = applier;
  }

  /** A batch that the owner's store now holds. */
  push(batch: EncodedBatch): void {
    this.#recent.push(batch);
    for (const wake of [...this.#waiting]) wake();
  }

  /** Ends every subscription, in order. */
  end(): void {
    this.#ended.abort();
  }

  async *subscribe(
    { epoch, fromSeq }: { readonly epoch: number; readonly fromSeq: number },
    subscriber: AbortSignal,
  ): AsyncGenerator<StreamMessage> {
    const signal = AbortSignal.any([subscriber, this.#ended.signal]);
    let nextSeq = fromSeq;
    while (!signal.aborted) {
      this.#refuseIfStale(epoch);
      for (let batch = this.#recent.get(nextSeq); batch !== undefined && !signal.aborted; batch = this.#recent.get(nextSeq)) {
        yield { kind: 'batch', batch };
        nextSeq = batch.seq + 1;
      }
      if (signal.aborted) return;
      if (nextSeq <= this.#headSeq()) {
        const asked = nextSeq;
        for await (const batch of readBatches(this.#options.log, this.#changelog(), nextSeq)) {
          if (signal.aborted) return;
          // The changelog may be ahead of the owner's store; what is not applied there is not handed out.
          if (batch.seq > this.#headSeq()) break;
          yield { kind: 'batch', batch };
          nextSeq = batch.seq + 1;
        }
        // What the store holds has been in the changelog: where nothing is there any more, nothing will be.
        if (nextSeq === asked) throw changesTrimmed(asked, this.#headSeq() + 1);
        continue;
      }
      const heartbeat = this.#heartbeat();
      if (heartbeat !== undefined) yield heartbeat;
      if (nextSeq > this.#headSeq()) await this.#news(signal);
    }
  }

  /**
   * The store as of one seq; the commit record's key comes first of all. Not while it is still being replayed: it shows
   * what was long ago.
   */
  async *snapshot(signal: AbortSignal): AsyncGenerator<readonly SnapshotEntry[]> {
    if (this.#applier === undefined || !this.#options.isWorked()) throw notHere(this.#options.partition);
    yield* snapshotChunks(this.#applier.store, signal);
  }

  #headSeq(): number {
    return this.#applier?.seq ?? this.#recent.headSeq;
  }

  #heartbeat(): StreamMessage | undefined {
    const commit = this.#applier?.state.commit;
    return commit && this.#options.isWorked()
      ? { kind: 'heartbeat', epoch: commit.epoch, headSeq: commit.seq, clockUs: this.#options.clock.nowUs() }
      : undefined;
  }

  /** The subscriber has seen a later owner than this one. */
  #refuseIfStale(epoch: number): void {
    const own = this.#applier?.state.commit?.epoch;
    if (own !== undefined && own < epoch) {
      throw new ThymeError(
        'THYME_STALE_OWNER',
        'ABORTED',
        `partition ${this.#options.partition} has had an owner of epoch ${epoch}, and this one has ${own}: follow the newer`,
      );
    }
  }

  #changelog() {
    return { topic: changesTopic(this.#options.deployment), partition: this.#options.partition };
  }

  /** Until a batch comes, or a heartbeat is due. */
  async #news(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return; // its listeners were told already
    const waited = new AbortController();
    const stop = (): void => waited.abort();
    signal.addEventListener('abort', stop, { once: true });
    this.#waiting.add(stop);
    try {
      await this.#options.clock.sleep(this.#options.heartbeatMs, waited.signal);
    } finally {
      this.#waiting.delete(stop);
      signal.removeEventListener('abort', stop);
    }
  }
}

function notHere(partition: number): ThymeError {
  return new ThymeError('THYME_PARTITION_NOT_HERE', 'UNAVAILABLE', `partition ${partition} is not held here, or not yet: ask its owner`);
}
