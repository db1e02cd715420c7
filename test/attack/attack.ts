/** Where the attacked platform listens. */
export interface Target {
  readonly restUrl: string;
  /** `host:port` */
  readonly restTarget: string;
  readonly grpcTarget: string;
}

/** What an attacker saw; printed beside the figures. */
export type Findings = Readonly<Record<string, number | string>>;

/** Runs in a process of its own, bounded in count and time, against loopback only. */
export type Attack = (target: Target) => Promise<Findings>;

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** How many of each, as `503×32 200×8`. */
export function tally(outcomes: readonly (string | number)[]): string {
  const counts = new Map<string | number, number>();
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts].map(([outcome, count]) => `${outcome}×${count}`).join(' ');
}
