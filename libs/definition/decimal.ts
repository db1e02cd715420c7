import { canonicalDecimal } from '../schema/decimal.js';

/** A decimal number, held as its canonical text: equal numbers are equal texts. */
export class Decimal {
  readonly #text: string;

  constructor(text: string) {
    const canonical = canonicalDecimal(String(text));
    if (canonical === undefined)
      throw new RangeError(`'${String(text).slice(0, 64)}' is no decimal: write digits, such as new Decimal('12.50')`);
    this.#text = canonical;
  }

  toString(): string {
    return this.#text;
  }

  toJSON(): string {
    return this.#text;
  }

  equals(other: Decimal): boolean {
    return this.#text === other.#text;
  }
}
