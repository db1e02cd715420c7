import { ThymeError } from '../errors/errors.js';

/** Calls that one key may have open at a time. A call holds some 20 KB of Node's own. */
export const KEY_CALLS_MAX = 2_048;
/** The same for all callers without a key together, where the server has none or the method asks for none. */
export const KEYLESS_CALLS_MAX = 2_048;

const KEYLESS = 'no key';

/** How many calls are open, by who calls and by what is called (DESIGN 11). */
export class OpenCalls {
  readonly #counts = new Map<string, number>();

  /** RESOURCE_EXHAUSTED where the caller has as many open as one may. Whoever entered must leave. */
  enterCaller(fingerprint: string | undefined): void {
    if (fingerprint === undefined) this.enter(KEYLESS, KEYLESS_CALLS_MAX);
    else this.enter(fingerprint, KEY_CALLS_MAX);
  }

  leaveCaller(fingerprint: string | undefined): void {
    this.leave(fingerprint ?? KEYLESS);
  }

  enter(name: string, max: number): void {
    const count = this.#counts.get(name) ?? 0;
    if (count >= max)
      throw new ThymeError(
        'THYME_TOO_MANY_CALLS',
        'RESOURCE_EXHAUSTED',
        `${max} calls of ${name} are open, as many as may be: wait for some to end`,
      );
    this.#counts.set(name, count + 1);
  }

  leave(name: string): void {
    const count = this.#counts.get(name) ?? 0;
    if (count > 1) this.#counts.set(name, count - 1);
    else this.#counts.delete(name); // keys come and go
  }
}
