/** Durations of one kind, and their quantiles. All are kept: a bench takes a few million at most. */
export class Latencies {
  readonly #us: number[] = [];

  add(us: number): void {
    this.#us.push(us);
  }

  get count(): number {
    return this.#us.length;
  }

  /** The duration of nearest rank, µs; NaN of none. */
  quantile(q: number): number {
    const sorted = Float64Array.from(this.#us).sort();
    return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
  }
}

export function nowUs(): number {
  return performance.now() * 1_000;
}
