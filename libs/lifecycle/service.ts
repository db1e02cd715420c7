import type { Clock } from '../time/clock.js';

/** The one contract of everything that runs. */
export interface Service {
  /** Resolves once requests are served; rejects if that will never happen. */
  start(): Promise<void>;
  /** Refuses new work, finishes what is in flight for up to `graceMs`, then aborts it. Idempotent. */
  stop(options: { readonly graceMs: number }): Promise<void>;
  /** Settles when the service has ended; rejects with the failure that ended it. */
  readonly done: Promise<void>;
}

/** A promise and its two ends, for a `done` that is settled from elsewhere (Node 20 has no `Promise.withResolvers`). */
export interface Completion {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createCompletion(): Completion {
  let ends: Pick<Completion, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    ends = { resolve, reject };
  });
  // Whoever awaits `promise` sees the failure; where nobody does yet, it must not end the process.
  promise.catch(() => undefined);
  if (ends === undefined) throw new Error('a promise runs its executor at once');
  return { promise, ...ends };
}

/**
 * Several services as one: started in the order given, stopped in reverse, so that each finds what
 * it depends on running. One that fails to start takes those before it down again. `done` rejects
 * with the first failure of any of them, and resolves once all have ended.
 */
export function composeServices(services: readonly Service[], clock: Clock): Service {
  const done = createCompletion();
  const started: Service[] = [];
  let stopping: Promise<void> | undefined;

  async function stopStarted(graceMs: number): Promise<void> {
    const deadlineUs = clock.nowUs() + graceMs * 1_000;
    const failures: unknown[] = [];
    for (let service = started.pop(); service !== undefined; service = started.pop()) {
      // One that fails to stop must not keep the others from it.
      await service.stop({ graceMs: Math.max(0, (deadlineUs - clock.nowUs()) / 1_000) }).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  return {
    done: done.promise,
    async start() {
      for (const service of services) {
        if (stopping !== undefined) return;
        started.push(service);
        try {
          await service.start();
        } catch (error) {
          await stopStarted(0).catch(() => undefined); // the failure to start is the one to report
          done.reject(error);
          throw error;
        }
        service.done.catch(done.reject);
      }
      void Promise.all(services.map((service) => service.done)).then(done.resolve, done.reject);
    },
    stop({ graceMs }) {
      stopping ??= stopStarted(graceMs).then(done.resolve, (error: unknown) => {
        done.reject(error);
        throw error;
      });
      return stopping;
    },
  };
}

/** Resolves with true when `work` settles within `ms`, with false otherwise. Never rejects. */
export async function settlesWithin(work: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  const settled = new AbortController();
  const settle = (): void => settled.abort();
  work.then(settle, settle);
  await clock.sleep(ms, settled.signal);
  return settled.signal.aborted;
}
