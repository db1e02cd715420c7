const SPAN_US = 10e6;

/** Rows a second over the last ten to twenty seconds: the span before, and what there is of this one. */
export class RowRate {
  #startUs: number;
  #rows = 0;
  #before = 0;

  constructor(nowUs: number) {
    this.#startUs = nowUs;
  }

  add(rows: number, nowUs: number): void {
    this.#roll(nowUs);
    this.#rows += rows;
  }

  perS(nowUs: number): number {
    this.#roll(nowUs);
    return (this.#before + this.#rows) / ((SPAN_US + nowUs - this.#startUs) / 1e6);
  }

  #roll(nowUs: number): void {
    const spans = Math.floor((nowUs - this.#startUs) / SPAN_US);
    if (spans < 1) return;
    this.#before = spans === 1 ? this.#rows : 0;
    this.#rows = 0;
    this.#startUs += spans * SPAN_US;
  }
}
