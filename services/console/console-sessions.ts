import { randomBytes } from 'node:crypto';
import { ThymeError } from '../../libs/errors/errors.js';

/** How long a link that was printed can be opened. */
export const LINK_US = 3_600e6;
/** A working day; then another link is asked for. */
export const SESSION_US = 12 * 3_600e6;
/** Links that wait to be opened; beyond that the oldest is forgotten. */
const LINKS_MAX = 16;
const LINK_BYTES = 32;
/** The length of a link's token. */
export const LINK_LENGTH = Math.ceil((LINK_BYTES * 4) / 3);

export interface ConsoleSessionsOptions {
  readonly clock: { nowUs(): number };
  /** Makes a key of scope admin that this process alone knows. */
  readonly openSession: (expiresUs: number) => string;
}

/** One-time links, and the keys that they are exchanged for. All of it is in memory: a restart ends every session. */
export class ConsoleSessions {
  readonly #options: ConsoleSessionsOptions;
  /** Tokens by when they end, oldest first. */
  readonly #links = new Map<string, number>();

  constructor(options: ConsoleSessionsOptions) {
    this.#options = options;
  }

  /** A token that can be exchanged once. */
  makeLink(): { readonly link: string; readonly expiresUs: number } {
    const expiresUs = this.#options.clock.nowUs() + LINK_US;
    const link = randomBytes(LINK_BYTES).toString('base64url');
    this.#links.set(link, expiresUs);
    for (const oldest of this.#links.keys()) {
      if (this.#links.size <= LINKS_MAX) break;
      this.#links.delete(oldest);
    }
    return { link, expiresUs };
  }

  /** Takes the link, so that it is of no use to who reads it later; throws for one that was taken, has ended or never was. */
  exchange(link: string): { readonly key: string; readonly expiresUs: number } {
    const nowUs = this.#options.clock.nowUs();
    const linkExpiresUs = this.#links.get(link);
    this.#links.delete(link);
    if (linkExpiresUs === undefined || linkExpiresUs <= nowUs) throw new ThymeError('THYME_LINK_SPENT', 'UNAUTHENTICATED', SPENT);
    const expiresUs = nowUs + SESSION_US;
    return { key: this.#options.openSession(expiresUs), expiresUs };
  }
}

const SPENT =
  'this link was opened already, is older than an hour, or is of another start: take the one that the newest start printed, or use an API key';
