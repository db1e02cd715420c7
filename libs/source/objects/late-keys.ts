import { compareText } from '../../schema/compare-text.js';
import type { Clock } from '../../time/clock.js';
import type { ObjectStore } from './object-store.js';

/** A look at all names costs a listing of everything that was ever read, so it is had seldom. */
const LOOK_EVERY_US = 3_600e6;
/** Names that were read since the last look; beyond it the next look is due. */
const READ_LENGTH_MAX = 100_000;
const NAMES_TOLD = 5;

/**
 * Finds objects that nobody reads: their names sort before all that is still remembered one by one, and they came, or were
 * overwritten, since the last look at everything. It knows one look after another of one reader; what came while none was there
 * is not told.
 */
export class LateKeys {
  readonly #clock: Pick<Clock, 'nowUs'>;
  /** The newest change that the last look saw, by the store's own clock. */
  #seenMs: number | undefined;
  #dueUs = 0;
  readonly #read = new Set<string>();

  constructor(clock: Pick<Clock, 'nowUs'>) {
    this.#clock = clock;
  }

  noteRead(key: string): void {
    this.#read.add(key);
  }

  get isDue(): boolean {
    return this.#clock.nowUs() >= this.#dueUs || this.#read.size > READ_LENGTH_MAX;
  }

  /** What to tell of objects at or below `floor`; nothing at the first look. */
  async look(store: ObjectStore, floor: string, signal: AbortSignal): Promise<readonly string[]> {
    const late: string[] = [];
    let count = 0;
    let newestMs = 0;
    for await (const { key, changedMs } of store.list(undefined, signal)) {
      newestMs = Math.max(newestMs, changedMs);
      const isNew = this.#seenMs !== undefined && changedMs > this.#seenMs && !this.#read.has(key);
      if (!isNew || compareText(key, floor) > 0) continue;
      if (count++ < NAMES_TOLD) late.push(key);
    }
    this.#seenMs = newestMs;
    this.#read.clear();
    this.#dueUs = this.#clock.nowUs() + LOOK_EVERY_US;
    if (count === 0) return [];
    const names = late.join(', ') + (count > late.length ? ` and ${count - late.length} more` : '');
    return [`${names} came late, or again, with a name further back than lookBack reaches, and is not read: put it under a later name`];
  }
}
