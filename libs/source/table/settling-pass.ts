import type { SourceRow } from '../connector.js';
import type { TableRow } from './polled-table.js';
import type { RowPlace } from './row-place.js';
import { markOf, type SettlingPosition } from './settling-position.js';

/**
 * What one pass over the rows behind the place publishes, and where it leaves the position (settling-position.ts). The rows come in
 * order, so those that are settled come first.
 */
export class SettlingPass {
  readonly #settledUs: number;
  readonly #seenMax: number;
  /** Marks of rows that are not settled and published, by this pass or before. */
  readonly #seen: Set<string>;
  /** Those of them that this pass has met: the others are of rows that are no longer there. */
  readonly #met = new Set<string>();
  readonly #initialEnd: SettlingPosition['initialEnd'];
  #place: RowPlace | undefined;
  #last: RowPlace | undefined;
  #heldFrom: string | undefined;
  #isLastPublished = false;
  /** When the first row that has to wait is of. */
  heldUs: number | undefined;
  /** Rows that have cursor and key of the one before them, which was published. */
  repeated = 0;

  constructor(before: SettlingPosition, { settledUs, seenMax }: { readonly settledUs: number; readonly seenMax: number }) {
    this.#settledUs = settledUs;
    this.#seenMax = seenMax;
    this.#seen = new Set(before.seen);
    this.#place = this.#last = before.place;
    this.#initialEnd = before.initialEnd;
  }

  /** The next row, if it is to be published now; undefined where it was already, or has to wait. */
  take(given: TableRow): SourceRow | undefined {
    if (this.#last !== undefined && isSame(given.place, this.#last)) {
      if (this.#isLastPublished) this.repeated++; // one row, whichever batch they fall into
      return undefined;
    }
    this.#last = given.place;
    const isPublished = this.#isNew(given);
    this.#isLastPublished = isPublished;
    return isPublished ? given.row : undefined;
  }

  #isNew({ place, cursorUs }: TableRow): boolean {
    const mark = this.#seen.size === 0 && cursorUs <= this.#settledUs ? '' : markOf(place);
    if (cursorUs <= this.#settledUs) {
      this.#place = place;
      return !this.#seen.delete(mark);
    }
    if (this.#seen.has(mark)) {
      this.#met.add(mark);
      return false;
    }
    if (this.#seen.size >= this.#seenMax) {
      this.#heldFrom ??= place.cursor;
      this.heldUs ??= cursorUs;
      return false;
    }
    this.#seen.add(mark);
    this.#met.add(mark);
    return true;
  }

  /** Behind the rows that were taken so far; whoever begins again there goes on with the same ones. */
  get position(): SettlingPosition {
    return { place: this.#place, seen: this.#seen, heldFrom: this.#heldFrom, initialEnd: this.#initialEnd };
  }

  /** When the pass has met all rows that there are. */
  end(): SettlingPosition {
    const isHeld = this.#heldFrom !== undefined;
    return { place: this.#place, seen: this.#met, heldFrom: this.#heldFrom, initialEnd: isHeld ? this.#initialEnd : undefined };
  }
}

function isSame(a: RowPlace, b: RowPlace): boolean {
  return a.cursor === b.cursor && a.key.every((text, i) => text === b.key[i]);
}
