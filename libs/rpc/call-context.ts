import type { EventEmitter } from 'node:events';
import type { Deadline } from '@grpc/grpc-js';
import { ThymeError } from '../errors/errors.js';
import type { Clock } from '../time/clock.js';
import type { CallContext } from './handlers.js';

/** The context of one call on the server, and how to end it. */
export interface ServerCallContext extends CallContext {
  /** Ends the call from here, for a reason of the server's. */
  abort(reason: ThymeError): void;
  /** Lets go of timer and listener; to be called when the call has been answered. */
  release(): void;
}

export function openCallContext(
  call: Pick<EventEmitter, 'once' | 'off'> & { getDeadline(): Deadline },
  clock: Clock,
  apiKeyFingerprint: string | undefined,
): ServerCallContext {
  const controller = new AbortController();
  const deadline = deadlineOf(call.getDeadline());
  const released = new AbortController();
  const leftMs = (): number => (deadline === undefined ? Number.POSITIVE_INFINITY : deadline.getTime() - clock.nowUs() / 1_000);
  // grpc-js itself answers a passed deadline, but tells the handler only once the stream has closed,
  // which a client that does not read can put off for ever.
  if (deadline !== undefined) {
    void clock.sleep(leftMs(), released.signal).then(() => {
      if (!released.signal.aborted) controller.abort(deadlineExceeded());
    });
  }
  const onCancelled = (): void => controller.abort(leftMs() <= 0 ? deadlineExceeded() : undefined);
  call.once('cancelled', onCancelled);
  return {
    signal: controller.signal,
    ...(deadline === undefined ? {} : { deadline }),
    ...(apiKeyFingerprint === undefined ? {} : { apiKeyFingerprint }),
    abort: (reason) => controller.abort(reason),
    release() {
      released.abort();
      call.off('cancelled', onCancelled);
    },
  };
}

export function deadlineExceeded(): ThymeError {
  return new ThymeError('THYME_DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'the deadline passed before the answer was there');
}

function deadlineOf(deadline: Deadline): Date | undefined {
  const ms = typeof deadline === 'number' ? deadline : deadline.getTime();
  return Number.isFinite(ms) ? new Date(ms) : undefined;
}
