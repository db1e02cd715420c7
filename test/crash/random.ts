/** Numbers from a seed: a run that failed can be had again. Lehmer's generator with Park and Miller's constants. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (Math.abs(Math.trunc(seed)) % 2_147_483_646) + 1;
    for (let i = 0; i < 8; i++) this.next(); // neighbouring seeds part ways
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state / 2_147_483_647;
  }

  /** An integer, both ends included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** One of these; the first far more often than the last. */
  skewed<T>(choices: readonly T[]): T {
    return this.#at(choices, Math.floor(choices.length * this.next() ** 2));
  }

  pick<T>(choices: readonly T[]): T {
    return this.#at(choices, Math.floor(choices.length * this.next()));
  }

  #at<T>(choices: readonly T[], index: number): T {
    const choice = choices[index];
    if (choice === undefined) throw new RangeError('there is nothing to choose from');
    return choice;
  }
}
