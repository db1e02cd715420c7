import type { Clock } from '../../libs/time/clock.js';

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** Ctrl-C under npm comes twice: from the terminal, and handed on by npm. */
const SAME_SIGNAL_US = 1_000_000;

export interface SignalledProcess {
  on(signal: StopSignal, listener: (signal: StopSignal) => void): unknown;
  /** Ends the process at once. */
  exit(code: number): unknown;
}

/**
 * Resolves at the first SIGTERM or SIGINT, which asks for a graceful stop. From a second one on, the asker has no more
 * patience and the process ends at once; what comes within a second of the first is taken for the same one.
 */
export function untilSignalled(process: SignalledProcess, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    let firstUs: number | undefined;
    const listener = (signal: StopSignal): void => {
      firstUs ??= clock.nowUs();
      if (clock.nowUs() - firstUs <= SAME_SIGNAL_US) resolve();
      else process.exit(signal === 'SIGINT' ? 130 : 143);
    };
    for (const signal of STOP_SIGNALS) process.on(signal, listener);
  });
}
