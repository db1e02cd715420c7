import { cannotReset, wouldRepeat } from '../seek-error.js';
import { SourceError } from '../source-error.js';
import { cursorTimeAt, cursorTimeOf, isEarlier } from './cursor-time.js';
import type { PolledTable } from './polled-table.js';
import { markOf, type SettlingPosition } from './settling-position.js';

export interface SettlingSeek {
  readonly table: PolledTable;
  /** A value of the cursor, as people write it; undefined: behind all rows that there are. */
  readonly to: string | undefined;
  /** Nothing that was published up to here is published again; undefined where nothing was. */
  readonly from: SettlingPosition | undefined;
  readonly lookBackUs: number;
  readonly seenMax: number;
}

const PAGE_ROWS = 1_000;

/**
 * The position behind the last row whose cursor is `to` or less. Rows up to it that are there count as published, one by one where
 * they are not settled: what comes among them later, within the look-back, is found as after any pass (settling-position.ts).
 */
export async function seekTable({ table, to, from, lookBackUs, seenMax }: SettlingSeek, signal: AbortSignal): Promise<SettlingPosition> {
  const { cursorName, cursorTime } = table;
  const until = to === undefined ? undefined : cursorTimeOf(to, cursorName, cursorTime);
  const reached = from?.place?.cursor;
  if (until !== undefined && reached !== undefined && isEarlier(until, reached))
    throw wouldRepeat(`${cursorName} ${until}`, `${cursorName} ${reached}`);
  const settled = cursorTimeAt((await table.nowUs(signal)) - lookBackUs, cursorTime);
  const last = await table.lastPlace(signal, until !== undefined && isEarlier(until, settled) ? until : settled);
  const place = last === undefined || (reached !== undefined && isEarlier(last.cursor, reached)) ? from?.place : last;
  const seen = new Set(from?.seen);
  let young = 0;
  const start = { place, initialEnd: undefined, ...(until === undefined ? {} : { until }) };
  for await (const page of (await table.newRows(start, { rowsMax: seenMax + 1, pageRows: PAGE_ROWS }, signal)).pages)
    for (const row of page) {
      if (row.gap !== undefined) continue; // reading names it
      young++;
      seen.add(markOf(row.place));
    }
  if (young > seenMax || seen.size > seenMax) throw tooYoung(cursorName, seenMax, lookBackUs);
  if (to !== undefined && place === undefined && young === 0) throw cannotReset(`no row has a ${cursorName} at or before '${to}'`);
  // What lies behind a place that is named is history as far as it is there already (S10).
  const initialEnd = to === undefined ? undefined : from === undefined ? await table.lastPlace(signal) : from.initialEnd;
  return { place, seen, heldFrom: undefined, initialEnd };
}

function tooYoung(cursorName: string, seenMax: number, lookBackUs: number): SourceError {
  return new SourceError(
    'retry',
    'THYME_SOURCE_RESET',
    `more than ${seenMax} rows up to there have a ${cursorName} within the last ${lookBackUs / 1e6} s, in which rows may still come between them: ` +
      'name an earlier place, or shorten maxLateness',
  );
}
