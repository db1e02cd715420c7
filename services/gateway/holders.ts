import { create } from '@bufbuild/protobuf';
import { ListPartitionsRequestSchema, type QueryService } from '../../gen/thyme/v1/query_pb.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { CallContext, ServiceHandlers } from '../../libs/rpc/handlers.js';
import type { Clock } from '../../libs/time/clock.js';

/** A query service that holds some partitions, or all. */
export interface Holder {
  readonly name: string;
  readonly query: ServiceHandlers<typeof QueryService>;
}

interface Known {
  readonly partitionCount: number;
  readonly partitions: ReadonlySet<number>;
}

/** How old it may be what a holder said; one that was found wrong is asked before it is used again. */
const AGE_MAX_US = 2_000_000;
const ASK_MS = 1_000;
/**
 * For so long a question waits for a holder that answers. Above the two seconds or so in which a connection comes back after its
 * process has: where holders are restarted one after the other, the next one may go before the gateway has found the last again.
 */
const WAIT_MS_MAX = 4_000;
const WAIT_POLL_MS = 50;

/** Which query service holds which partition, as they say it themselves. */
export class Holders {
  readonly all: readonly Holder[];
  readonly #clock: Clock;
  readonly #known = new Map<Holder, Known>();
  #askedUs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #turn = 0;

  constructor(holders: readonly Holder[], clock: Clock) {
    this.all = holders;
    this.#clock = clock;
  }

  /** How many the deployment has; UNAVAILABLE where no holder answers. */
  async partitionCount(context: CallContext): Promise<number> {
    const known = await this.#waitFor(() => [...this.#known.values()].at(0), context);
    if (known === undefined)
      throw new ThymeError('THYME_NO_HOLDER', 'UNAVAILABLE', `none of ${this.all.map(({ name }) => name).join(', ')} answers`);
    return known.partitionCount;
  }

  /** Those to try for the partition, in turn; all where the partition cannot be told: whoever is asked says what is wrong. */
  async of(partition: number | undefined, context: CallContext): Promise<readonly Holder[]> {
    if (partition === undefined) return this.#inTurn(this.all);
    const holding = await this.#waitFor(() => {
      const found = this.all.filter((holder) => this.#known.get(holder)?.partitions.has(partition) === true);
      return found.length === 0 ? undefined : found;
    }, context);
    if (holding === undefined)
      throw new ThymeError(
        'THYME_NO_HOLDER',
        'UNAVAILABLE',
        `no query service that answers holds partition ${partition}: start one, or wait for it`,
      );
    return this.#inTurn(holding);
  }

  /** It did not answer, or not from what it said to hold. */
  failed(holder: Holder): void {
    this.#known.delete(holder);
    this.#askedUs = Number.NEGATIVE_INFINITY;
  }

  /** When a question came, for `again`. */
  nowUs(): number {
    return this.#clock.nowUs();
  }

  /** After everybody has failed: whether the question is worth another try, a moment later. */
  async again(sinceUs: number, { signal }: CallContext): Promise<boolean> {
    if (signal.aborted || this.#clock.nowUs() - sinceUs > WAIT_MS_MAX * 1_000) return false;
    await this.#clock.sleep(WAIT_POLL_MS, signal);
    this.#askedUs = Number.NEGATIVE_INFINITY;
    return !signal.aborted;
  }

  /** Asks the holders until something is found in what they say; undefined where that takes too long. */
  async #waitFor<T>(find: () => T | undefined, context: CallContext): Promise<T | undefined> {
    const sinceUs = this.nowUs();
    for (;;) {
      await this.#refresh(context);
      const found = find();
      if (found !== undefined || !(await this.again(sinceUs, context))) return found;
    }
  }

  #inTurn(holders: readonly Holder[]): readonly Holder[] {
    const first = this.#turn++ % Math.max(1, holders.length);
    return [...holders.slice(first), ...holders.slice(0, first)];
  }

  /** Waits only where nothing is known; what is merely old is asked anew beside the request. */
  async #refresh(context: CallContext): Promise<void> {
    if (this.#clock.nowUs() - this.#askedUs > AGE_MAX_US) this.#asking ??= this.#ask();
    if (this.#known.size < this.all.length) await this.#asking;
    context.signal.throwIfAborted();
  }

  async #ask(): Promise<void> {
    this.#askedUs = this.#clock.nowUs();
    await Promise.all(
      this.all.map(async (holder) => {
        try {
          const { partitionCount, partitions } = await holder.query.listPartitions(create(ListPartitionsRequestSchema), {
            signal: AbortSignal.timeout(ASK_MS),
          });
          this.#known.set(holder, { partitionCount, partitions: new Set(partitions) });
        } catch {
          this.#known.delete(holder); // it holds nothing for us until it answers
        }
      }),
    );
    this.#asking = undefined;
  }
}

/** Whether another holder may do better. */
export function isElsewhere(error: unknown): boolean {
  return error instanceof ThymeError && (error.status === 'UNAVAILABLE' || error.code === 'THYME_PARTITION_ELSEWHERE');
}

/** The first holder's answer that is one, in a few rounds; what is wrong with the question itself is wrong everywhere. */
export async function tryEach<T>(
  holders: Holders,
  partition: number | undefined,
  context: CallContext,
  call: (holder: Holder) => T | Promise<T>,
): Promise<T> {
  const sinceUs = holders.nowUs();
  let failure: unknown;
  do {
    for (const holder of await holders.of(partition, context)) {
      try {
        return await call(holder);
      } catch (error) {
        if (!isElsewhere(error) || context.signal.aborted) throw error;
        holders.failed(holder);
        failure = error;
      }
    }
  } while (await holders.again(sinceUs, context));
  throw failure;
}
