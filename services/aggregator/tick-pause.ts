import type { TickResult } from './input-reading.js';

/** So many ticks of its length are waited after one: ticks have at most a quarter of the thread, and reads the rest. */
const PAUSE_TICKS = 3;
/** A tick is a transaction, however little it carries. */
const PAUSE_MS_MIN = 4;

/**
 * How long a partition waits after a tick, in milliseconds. Where little arrives a tick is short, and so is the wait: what is pushed
 * is readable soon. The more arrives, the longer both are, so that a transaction carries more records; at most `tickMs` lie between
 * the beginnings of two ticks, unless one takes longer. Where there is more to read than a tick takes, nobody waits; and where a tick
 * was held back by another input, which is asked again no sooner, the whole time goes by.
 */
export function pauseMsAfter(result: Exclude<TickResult, 'idle'>, spentMs: number, tickMs: number): number {
  if (result === 'full') return 0;
  const rest = Math.max(0, tickMs - spentMs);
  return result === 'held back' ? rest : Math.min(rest, Math.max(PAUSE_MS_MIN, PAUSE_TICKS * spentMs));
}
