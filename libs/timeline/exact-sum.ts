/** Room for the rounding of the error bound itself: 2^30 additions of it round by less than this. */
const ERROR_SLACK = 1 + 1e-6;
const ROUNDING = 2 ** -52;

/**
 * A sum as an unevaluated pair hi + lo of about 106 bits, with a proven bound of what it lost. The bound is 0,
 * and the sum exact, as long as nothing fell off the end: always for ints in the safe range, and nearly
 * always for amounts of money. Mergeable, and never subtracted from (S8).
 *
 * `rounded` is the exactly rounded sum or nothing, which makes the answer independent of the order in which
 * rows came and of how pages divide them (S11): who gets nothing adds again with `ExactSum`.
 */
export class PairSum {
  hi = 0;
  lo = 0;
  /** At most this far from the exact sum; NaN after an overflow. */
  error = 0;

  /** Two-sums all the way down (Knuth); what the last of them leave over is the loss. */
  add(hi: number, lo: number, error: number): void {
    const s = this.hi + hi;
    const sb = s - this.hi;
    const e1 = this.hi - (s - sb) + (hi - sb);
    const t = this.lo + lo;
    const tb = t - this.lo;
    const e2 = this.lo - (t - tb) + (lo - tb);
    const u = e1 + t;
    const ub = u - e1;
    const e3 = e1 - (u - ub) + (t - ub);
    const w = e2 + e3;
    const wb = w - e2;
    const lostFirst = e2 - (w - wb) + (e3 - wb);
    const h = s + u;
    const hb = h - s;
    const l = s - (h - hb) + (u - hb);
    const m = l + w;
    const mb = m - l;
    const lostLast = l - (m - mb) + (w - mb);
    this.hi = h + m;
    const nb = this.hi - h;
    this.lo = h - (this.hi - nb) + (m - nb);
    this.error += error + Math.abs(lostFirst) + Math.abs(lostLast);
  }

  /** The exact sum rounded once, or undefined when the loss leaves two roundings possible (or it overflowed). */
  rounded(): number | undefined {
    if (this.error === 0) return this.hi + this.lo;
    const error = this.error * ERROR_SLACK + Math.abs(this.lo) * ROUNDING;
    const low = this.hi + (this.lo - error);
    return low === this.hi + (this.lo + error) ? low : undefined;
  }
}

/** Keeps a sum of up to 2^40 terms of any size from overflowing on the way. */
const OVERFLOW_SCALE = 2 ** -40;
/** A sum and a term below it cannot overflow together. */
const ROOM = 2 ** 1_023;

/**
 * A sum without any loss: a list of doubles that do not overlap (Shewchuk 1997), rounded once at the end.
 * Costs some 50 ns a term. An overflow on the way, which depends on the order of the terms, shows as NaN or an
 * infinity: add again `scaled`, whose result is infinite only if the sum is.
 */
export class ExactSum {
  readonly #parts: number[] = [];
  readonly #scale: number;

  constructor(options: { readonly scaled: boolean } = { scaled: false }) {
    this.#scale = options.scaled ? OVERFLOW_SCALE : 1;
  }

  /** What it consists of; times 2^-40 where it is scaled. */
  get parts(): readonly number[] {
    return this.#parts;
  }

  get isScaled(): boolean {
    return this.#scale !== 1;
  }

  /** Whether the term can be added without a thought of overflow. */
  hasRoomFor(term: number): boolean {
    return this.isScaled || Math.abs(this.#parts.at(-1) ?? 0) + Math.abs(term) < ROOM;
  }

  /** All that another consists of, which may be scaled otherwise. */
  addSum({ parts, isScaled }: Pick<ExactSum, 'parts' | 'isScaled'>): void {
    const factor = this.#scale / (isScaled ? OVERFLOW_SCALE : 1);
    for (const part of parts) this.#addScaled(part * factor);
  }

  /** The same sum, scaled. */
  scaled(): ExactSum {
    const scaled = new ExactSum({ scaled: true });
    scaled.addSum(this);
    return scaled;
  }

  add(term: number): void {
    this.#addScaled(term * this.#scale);
  }

  #addScaled(term: number): void {
    const parts = this.#parts;
    let carry = term;
    let kept = 0;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!;
      const sum = carry + part;
      const low = Math.abs(carry) < Math.abs(part) ? carry - (sum - part) : part - (sum - carry);
      if (low !== 0) parts[kept++] = low;
      carry = sum;
    }
    parts.length = kept;
    parts.push(carry);
  }

  rounded(): number {
    return this.#rounded() / this.#scale + 0;
  }

  /** The sum over `count` (S8). Of one that is scaled it is finite where the sum is not: no mean lies beyond its terms. */
  mean(count: number): number {
    return this.#rounded() / count / this.#scale + 0;
  }

  #rounded(): number {
    const parts = this.#parts;
    let at = parts.length;
    if (at === 0) return 0;
    let hi = parts[--at]!;
    let lo = 0;
    while (at > 0 && lo === 0) {
      const part = parts[--at]!;
      const sum = hi + part;
      lo = part - (sum - hi);
      hi = sum;
    }
    // Half-way between two doubles, what lies below decides, as if all had been rounded at once.
    const below = at > 0 ? parts[at - 1]! : 0;
    if ((lo < 0 && below < 0) || (lo > 0 && below > 0)) {
      const doubled = lo * 2;
      const next = hi + doubled;
      if (doubled === next - hi) hi = next;
    }
    return hi;
  }
}
