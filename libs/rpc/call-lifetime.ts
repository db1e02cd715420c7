import type { GrantedScope } from '../config/api-keys.js';
import type { CallContext } from './handlers.js';

type State = { readonly kind: 'open' } | { readonly kind: 'over'; readonly reason: unknown };

const OPEN: State = { kind: 'open' };

/**
 * A call from its arrival until nobody waits for its answer any more. Begins open; is over once, for the
 * reason that came first. Its signal is made when somebody asks for it: most calls are answered without,
 * and to make one and abort it costs as much as to route and parse a request.
 */
export class CallLifetime {
  #state = OPEN;
  #controller: AbortController | undefined;
  #reject: ((reason: unknown) => void) | undefined;

  get isOver(): boolean {
    return this.#state.kind === 'over';
  }

  /** Why it is over; undefined while it is not. */
  get reason(): unknown {
    return this.#state.kind === 'over' ? this.#state.reason : undefined;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#state.kind === 'over') this.#controller.abort(this.#state.reason);
    }
    return this.#controller.signal;
  }

  throwIfOver(): void {
    if (this.#state.kind === 'over') throw this.#state.reason;
  }

  /** Only the first reason counts. */
  abort(reason: unknown): void {
    if (this.#state.kind === 'over') return;
    this.#state = { kind: 'over', reason };
    this.#controller?.abort(reason);
    this.#reject?.(reason);
  }

  /**
   * Settles like `work`, or rejects as soon as the call is over. One race at a time. Not Promise.race against one
   * long-lived promise: each race would leave a reaction on it, and a stream of a million messages a million of them.
   */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      work.then(resolve, reject);
      if (this.#state.kind === 'over') reject(this.#state.reason);
    });
  }
}

interface LiveContextFields {
  readonly deadline: Date | undefined;
  readonly apiKeyFingerprint: string | undefined;
  readonly scopes?: ReadonlySet<GrantedScope> | undefined;
}

/** What a handler is told of its call. A spread does not copy what it has of the lifetime: who copies it names the signal. */
export class LiveContext implements CallContext {
  readonly #lifetime: CallLifetime;
  readonly deadline?: Date;
  readonly apiKeyFingerprint?: string;
  readonly scopes?: ReadonlySet<GrantedScope>;

  constructor(lifetime: CallLifetime, { deadline, apiKeyFingerprint, scopes }: LiveContextFields) {
    this.#lifetime = lifetime;
    if (deadline !== undefined) this.deadline = deadline;
    if (apiKeyFingerprint !== undefined) this.apiKeyFingerprint = apiKeyFingerprint;
    if (scopes !== undefined) this.scopes = scopes;
  }

  get signal(): AbortSignal {
    return this.#lifetime.signal;
  }

  get isOver(): boolean {
    return this.#lifetime.isOver;
  }
}
