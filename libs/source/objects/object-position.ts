import { createHash } from 'node:crypto';
import { compareText } from '../../schema/compare-text.js';
import type { JsonValue } from '../connector.js';
import { SourceError } from '../source-error.js';
import type { StoredObject } from './object-store.js';

/** How many finished objects a position remembers unless `lookBack` says otherwise, and at most. Each takes 16 bytes of every commit. */
export const LOOK_BACK_DEFAULT = 100;
export const LOOK_BACK_MAX = 10_000;

interface Finished {
  readonly key: string;
  readonly mark: string;
}

/** The object that is being read, and how many of its rows have been. */
interface Current {
  readonly key: string;
  readonly version: string;
  readonly rows: number;
}

/**
 * Which objects' rows have been read (Y1). Objects are read in the order of their names, so nearly all of them are told by one
 * name: whatever is at or below `floor` is finished, or came too late to be seen. Above it, the last few that were finished are
 * remembered one by one, so that an object whose name sorts among them is still found when it comes late.
 *
 *   { floor?, finished: [[key, mark], ...], current?: { key, version, rows }, initialEnd? }
 *
 * `mark` is 8 bytes of the SHA-256 of the version, by which an object that was overwritten after it had been read is noticed.
 * Up to `initialEnd`, the last name that was there at the first look, rows belong to the initial load (S10).
 */
export class ObjectPosition {
  readonly #lookBack: number;
  #floor: string | undefined;
  readonly #finished = new Map<string, string>();
  #current: Current | undefined;
  #initialEnd: string | undefined;

  constructor(lookBack: number, stored: JsonValue | undefined) {
    this.#lookBack = lookBack;
    if (stored === undefined) return;
    const { floor, finished, current, initialEnd } = readStored(stored);
    this.#floor = floor;
    for (const { key, mark } of finished) this.#finished.set(key, mark);
    this.#current = current;
    this.#initialEnd = initialEnd;
    this.#forget();
  }

  /** Listings begin behind it. */
  get floor(): string | undefined {
    return this.#floor;
  }

  get current(): Current | undefined {
    return this.#current;
  }

  get initialEnd(): string | undefined {
    return this.#initialEnd;
  }

  set initialEnd(key: string | undefined) {
    this.#initialEnd = key;
  }

  isInitial(key: string): boolean {
    return this.#initialEnd !== undefined && compareText(key, this.#initialEnd) <= 0;
  }

  /** `changed` where it was read as another version. */
  state({ key, version }: StoredObject): 'new' | 'finished' | 'changed' {
    const mark = this.#finished.get(key);
    if (mark === undefined) return 'new';
    return mark === markOf(version) ? 'finished' : 'changed';
  }

  /** So many rows of the object have been read in all. */
  readTo({ key, version }: Pick<StoredObject, 'key' | 'version'>, rows: number): void {
    this.#current = { key, version, rows };
  }

  finish({ key, version }: Pick<StoredObject, 'key' | 'version'>): void {
    this.#current = undefined;
    this.#finished.set(key, markOf(version));
    this.#forget();
  }

  encode(): JsonValue {
    return {
      ...(this.#floor === undefined ? {} : { floor: this.#floor }),
      finished: [...this.#finished].map(([key, mark]) => [key, mark]),
      ...(this.#current === undefined ? {} : { current: { ...this.#current } }),
      ...(this.#initialEnd === undefined ? {} : { initialEnd: this.#initialEnd }),
    };
  }

  describe(): string {
    if (this.#current !== undefined) return `${this.#current.key}, ${this.#current.rows} rows of it`;
    const { last } = this;
    return last === undefined ? 'the beginning' : `behind ${last}`;
  }

  /** The last name that is finished. */
  get last(): string | undefined {
    return [...this.#finished.keys()].sort(compareText).at(-1) ?? this.#floor;
  }

  /** The lowest names go first: what comes late most often comes a little late. */
  #forget(): void {
    if (this.#finished.size <= this.#lookBack) return;
    const keys = [...this.#finished.keys()].sort(compareText);
    for (const key of keys.slice(0, keys.length - this.#lookBack)) {
      this.#finished.delete(key);
      if (this.#floor === undefined || compareText(key, this.#floor) > 0) this.#floor = key;
    }
  }
}

function markOf(version: string): string {
  return createHash('sha256').update(version).digest('base64url').slice(0, 11);
}

interface Stored {
  readonly floor?: string;
  readonly finished: readonly Finished[];
  readonly current?: Current;
  readonly initialEnd?: string;
}

function readStored(stored: JsonValue): Stored {
  const broken = new SourceError('stop', 'THYME_SOURCE_POSITION', 'the stored position of the source is not one of objects');
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) throw broken;
  const { floor, finished, current, initialEnd } = stored as Readonly<Record<string, JsonValue>>; // neither null nor a list
  if (!Array.isArray(finished)) throw broken;
  return {
    ...(typeof floor === 'string' ? { floor } : {}),
    finished: (finished as readonly JsonValue[]).map((entry) => {
      if (!Array.isArray(entry) || typeof entry[0] !== 'string' || typeof entry[1] !== 'string') throw broken;
      return { key: entry[0], mark: entry[1] };
    }),
    ...(current === undefined ? {} : { current: readCurrent(current, broken) }),
    ...(typeof initialEnd === 'string' ? { initialEnd } : {}),
  };
}

function readCurrent(current: JsonValue, broken: SourceError): Current {
  if (typeof current !== 'object' || current === null || Array.isArray(current)) throw broken;
  const { key, version, rows } = current as Readonly<Record<string, JsonValue>>; // neither null nor a list
  if (typeof key !== 'string' || typeof version !== 'string' || typeof rows !== 'number') throw broken;
  return { key, version, rows };
}
