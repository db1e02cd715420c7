import { openRows } from '../files/open-rows.js';
import { eventTimeUs, isTime, type DatasetStatus } from './file-events.js';
import type { PushFileOptions } from './push-options.js';

export interface TimeRange {
  readonly newestUs: number;
  readonly rows: number;
}

/** What one pass over the rows that will be pushed finds; their other columns are not read. */
export async function timeRange(options: PushFileOptions, dataset: DatasetStatus): Promise<TimeRange> {
  const file = await openRows(options.input, options);
  let newestUs = Number.NEGATIVE_INFINITY;
  let rows = 0;
  for await (const row of file.rows(new Set(file.columns?.filter((column) => isTime(dataset, options.renames.get(column) ?? column))))) {
    if (rows++ >= options.limit) break;
    const timeUs = row.kind === 'row' ? eventTimeUs(row.row, { dataset, renames: options.renames }) : undefined;
    if (timeUs !== undefined) newestUs = Math.max(newestUs, timeUs);
  }
  return { newestUs: Number.isFinite(newestUs) ? newestUs : (options.shiftToNowUs ?? 0), rows };
}
