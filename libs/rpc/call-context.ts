import type { EventEmitter } from 'node:events';
import type { DescMethod } from '@bufbuild/protobuf';
import type { Deadline } from '@grpc/grpc-js';
import type { Caller } from '../config/api-keys.js';
import { ThymeError } from '../errors/errors.js';
import type { Clock } from '../time/clock.js';
import { CallLifetime, LiveContext } from './call-lifetime.js';
import type { CallTraffic } from './call-traffic.js';
import type { Expiring } from './deadlines.js';
import type { CallContext } from './handlers.js';

/** Why a call is over when its caller gave it up. One for all: its stack would cost more than the rest of an answer. */
export const CANCELLED = new DOMException('the call was cancelled', 'AbortError');

type CancellableCall = Pick<EventEmitter, 'on' | 'off'> & { getDeadline(): Deadline };

export interface ServerCallOptions {
  readonly method: DescMethod;
  readonly clock: Clock;
  readonly caller: Caller | undefined;
  readonly traffic: CallTraffic | undefined;
  /** For a caller who gives no deadline, or a later one. */
  readonly timeoutMs: number;
}

/** A call that is being answered by this server. */
export class ServerCall implements Expiring {
  readonly lifetime = new CallLifetime();
  readonly context: CallContext;
  readonly method: DescMethod;
  readonly startUs: number;
  readonly traffic: CallTraffic | undefined;
  readonly #call: CancellableCall;
  readonly #onCancelled: () => void;
  #dueUs: number;

  constructor(call: CancellableCall, { method, clock, caller, traffic, timeoutMs }: ServerCallOptions) {
    this.method = method;
    this.startUs = clock.nowUs();
    this.traffic = traffic;
    const deadline = deadlineOf(call.getDeadline(), this.startUs / 1_000 + timeoutMs);
    this.#dueUs = deadline.getTime() * 1_000;
    this.context = new LiveContext(this.lifetime, { deadline, apiKeyFingerprint: caller?.apiKeyFingerprint, scopes: caller?.scopes });
    this.#call = call;
    this.#onCancelled = () => (this.#dueUs <= clock.nowUs() ? this.expire() : this.lifetime.abort(CANCELLED));
    call.on('cancelled', this.#onCancelled);
  }

  get dueUs(): number {
    return this.#dueUs;
  }

  /**
   * grpc-js itself answers a passed deadline, but tells the handler only once the stream has closed,
   * which a client that does not read can put off for ever.
   */
  expire(): void {
    this.#dueUs = Number.POSITIVE_INFINITY;
    this.lifetime.abort(deadlineExceeded());
  }

  /** To be called when it has been answered. */
  release(): void {
    this.#call.off('cancelled', this.#onCancelled);
  }
}

export function deadlineExceeded(): ThymeError {
  return new ThymeError('THYME_DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'the deadline passed before the answer was there');
}

function deadlineOf(deadline: Deadline, latestMs: number): Date {
  return new Date(Math.min(latestMs, typeof deadline === 'number' ? deadline : deadline.getTime()));
}
