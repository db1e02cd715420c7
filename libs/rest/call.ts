import type { IncomingMessage, ServerResponse } from 'node:http';
import { ThymeError } from '../errors/errors.js';
import { Holding, type ByteBudget } from '../limits/byte-budget.js';
import { CallLifetime } from '../rpc/call-lifetime.js';
import type { Expiring } from '../rpc/deadlines.js';
import type { RoutedRequest } from './router.js';

/** Why a request is over when its connection is done with it. One for all: making one, with its stack, costs as much as routing. */
const OVER = new DOMException('the request is over', 'AbortError');

/** For routes that do not say; within what clients wait by default. */
const TIMEOUT_MS = 30_000;

/** A request that is being answered. */
export class Call implements Expiring {
  readonly lifetime = new CallLifetime();
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly holding: Holding;
  routed: RoutedRequest | undefined;
  #dueUs = Number.POSITIVE_INFINITY;

  constructor(request: IncomingMessage, response: ServerResponse, bytes: ByteBudget) {
    this.holding = new Holding(bytes);
    this.request = request;
    this.response = response;
  }

  get dueUs(): number {
    return this.#dueUs;
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
  closed(): void {
    this.holding.release();
    if (!this.response.writableFinished) this.lifetime.abort(OVER);
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
