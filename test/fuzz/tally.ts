/** Inputs that a route or RPC was given, and what it answered them with. */
export interface Tally {
  readonly structured: number;
  readonly raw: number;
  /** By HTTP status or gRPC code. */
  readonly answers: Readonly<Record<string, number>>;
}

const tallies = new Map<string, { structured: number; raw: number; answers: Map<string, number> }>();

/** Called where all of `counts` were answered without a fault. */
export function countInputs(target: string, kind: 'structured' | 'raw', counts: ReadonlyMap<string, number>): void {
  const tally = tallies.get(target) ?? { structured: 0, raw: 0, answers: new Map<string, number>() };
  tallies.set(target, tally);
  for (const [status, count] of counts) {
    tally[kind] += count;
    tally.answers.set(status, (tally.answers.get(status) ?? 0) + count);
  }
}

/** By route or RPC, in the order in which they were tried. */
export function allTallies(): Readonly<Record<string, Tally>> {
  return Object.fromEntries(
    [...tallies].map(([target, { answers, ...inputs }]) => [target, { ...inputs, answers: Object.fromEntries(answers) }]),
  );
}
