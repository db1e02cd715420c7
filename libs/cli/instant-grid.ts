import { parseDurationUs } from '../time/duration.js';
import { formatTimestamp, parseTimestamp } from '../time/timestamp.js';
import { UsageError } from './command.js';

/** Instants of one grid: every five minutes of a month are 8,928. */
const INSTANTS_MAX = 100_000;

export interface GridFlags {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly every: string | undefined;
}

/** The instants from..to, both included where the steps meet them; undefined where none of the flags is given. */
export function instantsOf({ from, to, every }: GridFlags): readonly string[] | undefined {
  if (from === undefined && to === undefined && every === undefined) return undefined;
  if (from === undefined || to === undefined || every === undefined) throw new UsageError('--from, --to and --every go together');
  const [startUs, endUs] = [instant('--from', from), instant('--to', to)];
  const stepUs = step(every);
  if (endUs < startUs) throw new UsageError(`--to ${to} is before --from ${from}`);
  const count = Math.floor((endUs - startUs) / stepUs) + 1;
  if (count > INSTANTS_MAX) throw new UsageError(`--every ${every}: ${count} instants are over the limit of ${INSTANTS_MAX}`);
  return Array.from({ length: count }, (_, i) => formatTimestamp(startUs + i * stepUs));
}

function instant(flag: string, text: string): number {
  try {
    return parseTimestamp(text);
  } catch (error) {
    throw new UsageError(`${flag}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function step(text: string): number {
  try {
    const us = parseDurationUs(text);
    if (us > 0) return us;
  } catch {
    // told below
  }
  throw new UsageError(`--every ${text}: write a duration such as 1d or 6h`);
}
