// API keys as they are kept: in a topic of the log that every process follows.
//
//   handlers.ts     - the RPCs of thyme.v1.KeyService
//   key-book.ts     - the fold of the topic's records
//   key-log.ts      - the topic
//   key-messages.ts - keys on the wire and in records
//   remote-keys.ts  - the same for a process that has not the log
//
// Invariants:
//   K1. A key's text is in one answer and nowhere else; what is kept is its SHA-256.
//   K2. What a process goes by is what the log holds: a change counts once it was read there.
//   K3. A change is decided on the newest state there is: its writer is taken first, which fences every
//       other (L4), then the topic is read to its end.
//   K4. The deployment's secret is made once; of two that were made, the first holds everywhere.
import { randomBytes } from 'node:crypto';
import { generateApiKey, type Scope } from '../../libs/config/api-keys.js';
import { notFound } from '../../libs/errors/errors.js';
import type { Service } from '../../libs/lifecycle/service.js';
import type { Log } from '../../libs/log/log.js';
import type { Logger } from '../../libs/telemetry/logger.js';
import type { Clock } from '../../libs/time/clock.js';
import { applyKeyChange, isInForce, KEYS_MAX, NO_KEYS, type KeyChange, type KeyState, type StoredKey } from './key-book.js';
import { keyExists, keysUnsure, tooManyKeys } from './key-errors.js';
import { KeyLog } from './key-log.js';

export interface KeysOptions {
  readonly deployment: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether this process makes the topic and the secret where they are missing; others wait for them. */
  readonly founds: boolean;
  /** Told of the state as it is read, each time it changes. */
  readonly onState: (state: KeyState) => void;
}

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresUs: number | undefined;
}

const SECRET_BYTES = 32;
const FOUND_ATTEMPTS_MAX = 10;
/** After a failure of the log, and while the topic is not there yet. */
const RETRY_MS = 250;

export class Keys implements Service {
  readonly done = Promise.resolve(); // a topic that cannot be read now is read later: a process goes on with the keys it knows
  readonly #options: KeysOptions;
  readonly #log: KeyLog;
  readonly #stopping = new AbortController();
  readonly #waiters = new Set<() => void>();
  #state: KeyState = NO_KEYS;
  #nextOffset = 0;
  #reading: Promise<void> = Promise.resolve();
  #lastChange: Promise<unknown> = Promise.resolve();
  #following: Promise<void> = Promise.resolve();

  constructor(options: KeysOptions) {
    this.#options = options;
    this.#log = new KeyLog(options.log, options.deployment);
  }

  get state(): KeyState {
    return this.#state;
  }

  /** Resolves when the state is known, where this process founds it; otherwise at once, and the state comes when it can be read. */
  async start(): Promise<void> {
    if (this.#options.founds) {
      await this.#log.createTopic();
      await this.#catchUp();
      await this.#makeSecret();
    }
    this.#following = this.#follow(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#lastChange.catch(() => undefined);
    await this.#following;
  }

  /** Resolves when the key is durable and in force here. */
  async create({ name, scopes, expiresUs }: NewKey): Promise<{ readonly key: StoredKey; readonly secret: string }> {
    const { key: secret, entry } = generateApiKey(scopes);
    const key: StoredKey = { name, sha256: entry.sha256, scopes, createdUs: this.#options.clock.nowUs(), expiresUs, revokedUs: undefined };
    await this.#change(({ keys }) => {
      const inForce = keys.filter((candidate) => isInForce(candidate, key.createdUs));
      if (inForce.some((candidate) => candidate.name === name)) throw keyExists(name);
      if (inForce.length >= KEYS_MAX) throw tooManyKeys();
      return { kind: 'key', key };
    });
    return { key, secret };
  }

  /** Resolves when the revocation is durable and holds here. */
  async revoke(name: string): Promise<StoredKey> {
    let revoked: StoredKey | undefined;
    await this.#change(({ keys }) => {
      const key = keys.find((candidate) => candidate.name === name);
      if (key === undefined)
        throw notFound(
          'key',
          name,
          keys.map((candidate) => candidate.name),
        );
      if (key.revokedUs !== undefined) {
        revoked = key;
        return undefined;
      }
      revoked = { ...key, revokedUs: this.#options.clock.nowUs() };
      return { kind: 'key', key: revoked };
    });
    if (revoked === undefined) throw new Error('a change that was made has its key');
    return revoked;
  }

  /** The state now, and as it is after each change, until the signal aborts. */
  async *watch(signal: AbortSignal): AsyncGenerator<KeyState> {
    let told: KeyState | undefined;
    while (!signal.aborted) {
      if (this.#state === told) await this.#news(signal);
      else yield (told = this.#state);
    }
  }

  async #makeSecret(): Promise<void> {
    for (let attempt = 1; this.#state.secret === undefined; attempt++) {
      try {
        await this.#change(({ secret }) => (secret === undefined ? { kind: 'secret', secret: randomBytes(SECRET_BYTES) } : undefined));
      } catch (error) {
        if (attempt >= FOUND_ATTEMPTS_MAX) throw error;
        await this.#options.clock.sleep(RETRY_MS, this.#stopping.signal); // another process was at it too: read what it made
        await this.#catchUp();
      }
    }
  }

  /** One change after the other (K3); `decide` gives undefined where nothing is to be changed. */
  #change(decide: (state: KeyState) => KeyChange | undefined): Promise<void> {
    const change = this.#lastChange.catch(() => undefined).then(() => this.#commit(decide));
    this.#lastChange = change;
    return change;
  }

  async #commit(decide: (state: KeyState) => KeyChange | undefined): Promise<void> {
    const writer = await this.#log.writer();
    try {
      await this.#catchUp();
      const change = decide(this.#state);
      if (change === undefined) return;
      await this.#log.commit(writer, change).catch((cause: unknown) => {
        throw keysUnsure(cause);
      });
    } finally {
      await writer.close().catch(() => undefined); // dead, after a failure
    }
    await this.#catchUp();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    while (!signal.aborted) {
      try {
        if (await this.#log.exists()) {
          await this.#catchUp();
          await this.#log.waitFor(this.#nextOffset, signal);
          continue;
        }
      } catch (error) {
        if (!signal.aborted) logger.warn('the keys cannot be read: those that are known go on to hold', { error });
      }
      await clock.sleep(RETRY_MS, signal);
    }
  }

  /** Takes in what the topic has now. Calls follow one another, so that no record is taken twice. */
  #catchUp(): Promise<void> {
    const reading = this.#reading.then(() => this.#read());
    this.#reading = reading.catch(() => undefined); // each caller learns of its own failure
    return reading;
  }

  async #read(): Promise<void> {
    const { changes, nextOffset } = await this.#log.readFrom(this.#nextOffset);
    this.#nextOffset = nextOffset;
    if (changes.length === 0) return;
    this.#state = changes.reduce(applyKeyChange, this.#state);
    this.#options.onState(this.#state);
    for (const wake of [...this.#waiters]) wake();
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiters.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiters.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
