import { ThymeError } from '../../libs/errors/errors.js';
import type { Clock } from '../../libs/time/clock.js';
import type { PartitionOwner } from './partition-owner.js';

interface Held {
  readonly owner: PartitionOwner;
  readonly stopping: AbortController;
  /** Settles when the owner has let go of its store; never rejects. */
  readonly ended: Promise<void>;
}

export interface HeldOptions {
  readonly create: (partition: number) => PartitionOwner;
  /** Whether other processes take part: being fenced is then no failure, it is how a partition is lost. */
  readonly isShared: boolean;
  /** A partition cannot be gone on with. */
  readonly onFatal: (cause: unknown) => void;
  readonly clock: Clock;
}

/**
 * Longer than a member's session: who was fenced because it had been held still learns within it that
 * the partition is another's. Acquiring it again at once would have two processes fence each other in turns.
 */
const FENCED_MS = 30_000;

/** The partitions that this process works. Each is let go of whole, its store closed, before it is taken again. */
export class HeldPartitions {
  readonly #options: HeldOptions;
  readonly #held = new Map<number, Held>();

  constructor(options: HeldOptions) {
    this.#options = options;
  }

  /** In order of partitions. */
  get owners(): readonly PartitionOwner[] {
    return [...this.#held.values()].map(({ owner }) => owner).sort((a, b) => a.view.partition - b.view.partition);
  }

  owner(partition: number): PartitionOwner | undefined {
    return this.#held.get(partition)?.owner;
  }

  take(partitions: readonly number[]): void {
    for (const partition of partitions) this.#take(partition);
  }

  /** Resolves when each has finished its tick and closed its store. */
  async letGo(partitions: readonly number[]): Promise<void> {
    await Promise.all(
      partitions.map(async (partition) => {
        const held = this.#held.get(partition);
        held?.stopping.abort();
        await held?.ended;
        this.#held.delete(partition);
      }),
    );
  }

  /** Resolves when each of the partitions of now has been acquired once, or has ended. */
  async acquired(): Promise<void> {
    await Promise.all([...this.#held.values()].map(({ owner, ended }) => Promise.race([owner.acquired, ended])));
  }

  #take(partition: number): void {
    const owner = this.#options.create(partition);
    const stopping = new AbortController();
    const ended = owner.run(stopping.signal).catch((cause: unknown) => this.#onEnd(partition, cause, stopping.signal));
    this.#held.set(partition, { owner, stopping, ended });
  }

  #onEnd(partition: number, cause: unknown, signal: AbortSignal): void {
    const isFenced = this.#options.isShared && cause instanceof ThymeError && cause.code === 'THYME_FENCED';
    if (!isFenced) this.#options.onFatal(cause);
    else void this.#takeAgain(partition, signal);
  }

  /** Where nobody says within that time that it is another's, it was not: a late request of an earlier owner can fence, too. */
  async #takeAgain(partition: number, signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(FENCED_MS, signal);
    if (!signal.aborted) this.#take(partition);
  }
}
