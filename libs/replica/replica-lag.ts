/** No word from the owner for so long, though heartbeats come every second or so: cut off. */
const CUT_OFF_US = 10_000_000;

/**
 * How far a replica may lie behind: it shows everything that the owner had at `#freshUs`, by the owner's
 * clock. Heartbeats keep an idle partition fresh; a word that was long on its way shows its age.
 */
export class ReplicaLag {
  readonly #nowUs: () => number;
  #freshUs = Number.NEGATIVE_INFINITY;
  #heardUs = Number.NEGATIVE_INFINITY;
  /** What the owner said last, if the replica was not as far yet. */
  #ahead: { readonly headSeq: number; readonly clockUs: number } | undefined;

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  applied(seq: number, clockUs: number): void {
    this.#heardUs = this.#nowUs();
    this.#freshUs = Math.max(this.#freshUs, clockUs);
    if (this.#ahead !== undefined && this.#ahead.headSeq <= seq) this.#freshUs = Math.max(this.#freshUs, this.#ahead.clockUs);
  }

  heartbeat(headSeq: number, clockUs: number, appliedSeq: number): void {
    this.#heardUs = this.#nowUs();
    if (headSeq <= appliedSeq) this.#freshUs = Math.max(this.#freshUs, clockUs);
    else this.#ahead = { headSeq, clockUs };
  }

  /** Undefined when it is cut off, and before the first word. */
  lagUs(): number | undefined {
    const nowUs = this.#nowUs();
    return nowUs - this.#heardUs > CUT_OFF_US || this.#freshUs === Number.NEGATIVE_INFINITY
      ? undefined
      : Math.max(0, nowUs - this.#freshUs);
  }
}
