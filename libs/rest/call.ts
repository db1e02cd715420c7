import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../config/api-keys.js';
import { ThymeError } from '../errors/errors.js';
import { Holding } from '../limits/byte-budget.js';
import { placeOf } from '../limits/connections.js';
import type { OpenCalls } from '../limits/open-calls.js';
import type { ProcessLimits } from '../limits/process-limits.js';
import { CallLifetime } from '../rpc/call-lifetime.js';
import type { Expiring } from '../rpc/deadlines.js';
import type { RoutedRequest } from './router.js';

/** Why a request is over when its connection is done with it. One for all: making one, with its stack, costs as much as routing. */
const OVER = new DOMException('the request is over', 'AbortError');

/** For routes that do not say; within what clients wait by default. */
const TIMEOUT_MS = 30_000;
/** The same. */
const CALLS_MAX = 2_048;

/** A request that is being answered. */
export class Call implements Expiring {
  readonly lifetime = new CallLifetime();
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly holding: Holding;
  routed: RoutedRequest | undefined;
  readonly #place: string;
  /** By whom and as what it is counted, where it is. */
  #entered: { readonly path: string; readonly fingerprint: string | undefined } | undefined;
  #dueUs = Number.POSITIVE_INFINITY;

  /** Its connection is busy from now on; whoever makes it sees to it that `closed` is called. */
  constructor(request: IncomingMessage, response: ServerResponse, { bytes, connections }: ProcessLimits) {
    this.holding = new Holding(bytes);
    this.request = request;
    this.response = response;
    this.#place = placeOf(request.socket);
    connections.begin(this.#place);
  }

  get dueUs(): number {
    return this.#dueUs;
  }

  /** Counts it by its caller and route, until its connection is done with it. */
  enter({ apiKeyFingerprint: fingerprint }: Caller, calls: OpenCalls): void {
    if (this.routed === undefined) return;
    const { path, callsMax = CALLS_MAX } = this.routed.route;
    calls.enterCaller(fingerprint);
    try {
      calls.enter(path, callsMax);
    } catch (error) {
      calls.leaveCaller(fingerprint);
      throw error;
    }
    this.#entered = { path, fingerprint };
  }

  /** Its time begins when the request is there, and is the route's. */
  begin(nowUs: number): void {
    this.#dueUs = nowUs + this.#timeoutMs * 1_000;
  }

  expire(): void {
    this.#dueUs = Number.POSITIVE_INFINITY;
    this.lifetime.abort(
      new ThymeError('THYME_DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', `there was no answer within ${this.#timeoutMs / 1_000} s`),
    );
  }

  /** The connection is done with it: nobody waits any more, unless everything was sent. */
  closed({ calls, connections }: ProcessLimits): void {
    this.holding.release();
    if (!this.response.writableFinished) this.lifetime.abort(OVER);
    connections.end(this.#place);
    if (this.#entered === undefined) return;
    calls.leave(this.#entered.path);
    calls.leaveCaller(this.#entered.fingerprint);
  }

  /** The client left, so that nobody is missing an answer. */
  isGone(error: unknown): boolean {
    return (
      this.response.destroyed &&
      this.lifetime.isOver &&
      (error === this.lifetime.reason || (error instanceof Error && error.name === 'AbortError'))
    );
  }

  get #timeoutMs(): number {
    return this.routed?.route.timeoutMs ?? TIMEOUT_MS;
  }
}
