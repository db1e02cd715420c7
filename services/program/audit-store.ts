import { dispositionOf } from '../../libs/errors/errors.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import type { Store } from '../../libs/store/store.js';
import { Backoff, type Random, systemRandom } from '../../libs/time/backoff.js';
import type { Telemetry } from './telemetry.js';
import { setAside } from './worked-store.js';

export interface AuditStoreOptions extends Pick<Telemetry, 'clock' | 'logger' | 'events'> {
  readonly folder: string;
  readonly random?: Random;
  /** For tests of disks that fail. */
  readonly open?: (folder: string) => Promise<Store>;
}

const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 30_000;
/** A store that has been good for so long begins with short pauses again. */
const SOUND_US = 60_000_000;

/**
 * Where query runs lie: of them there is no second copy, and no query may wait or fail for them. What is damaged is set aside, and
 * the record begins anew; a store that failed to write is opened again, at growing pauses.
 */
export class AuditStore {
  readonly #options: AuditStoreOptions;
  readonly #open: (folder: string) => Promise<Store>;
  readonly #pause: Backoff;
  #renewedUs = Number.NEGATIVE_INFINITY;
  #nextUs = Number.NEGATIVE_INFINITY;

  constructor(options: AuditStoreOptions) {
    this.#options = options;
    this.#open = options.open ?? ((folder) => openLevelStore(folder, { checksRest: false }));
    this.#pause = new Backoff({ minMs: RETRY_MS_MIN, maxMs: RETRY_MS_MAX, random: options.random ?? systemRandom });
  }

  async open(): Promise<Store> {
    try {
      return await this.#open(this.#options.folder);
    } catch (cause) {
      if (dispositionOf(cause) !== 'rebuild') throw cause;
      await this.#setAside(cause);
      return this.#open(this.#options.folder);
    }
  }

  /** Another store for one that failed; undefined while it is too early for that. */
  async renew(store: Store, cause: unknown): Promise<Store | undefined> {
    const { clock, logger } = this.#options;
    const isDamaged = dispositionOf(store.damage ?? cause) === 'rebuild';
    const nowUs = clock.nowUs();
    if (nowUs < this.#nextUs) return undefined;
    if (nowUs - this.#renewedUs > SOUND_US) this.#pause.reset();
    this.#renewedUs = nowUs;
    this.#nextUs = nowUs + this.#pause.next() * 1_000;
    await store.close();
    if (isDamaged) await this.#setAside(store.damage ?? cause);
    const renewed = await this.open();
    logger.warn('query runs are recorded again', { cause });
    return renewed;
  }

  async #setAside(error: unknown): Promise<void> {
    const { folder, logger, events } = this.#options;
    logger.error('the query runs are damaged, and there is no second copy of them: they are set aside, and the record begins anew', {
      error,
    });
    await setAside(folder, { logger, events });
  }
}
