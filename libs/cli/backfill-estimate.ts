import type { RestClient } from '../client/rest-client.js';
import { tableLines } from './table-lines.js';

// How long what a commit builds of history will take, from the topics' own counts and the rate at which the deployment has read lately.

/** Of POST /api/v1/plan. */
export interface PlannedBackfill {
  readonly name: string;
  readonly version: number;
  readonly inputs: readonly string[];
  readonly records: number;
  readonly bytes: number;
}

export interface BackfillEstimate {
  readonly of: readonly (PlannedBackfill & { readonly minutes: number })[];
  /** All that its aggregators read in a second of work. */
  readonly records_per_s: number;
  /** False where the deployment has had nothing to read yet by which it could be measured. */
  readonly is_measured: boolean;
  /** They are built together, by the same processes. */
  readonly minutes: number;
}

/** What one process did in our benches (infra/bench/README.md), with room for smaller machines. */
const ASSUMED_RECORDS_PER_S = 50_000;

interface Processes {
  readonly processes?: readonly { readonly role: string; readonly records_per_s: number | null }[];
}

/** Undefined where nothing is built. */
export async function estimateBackfills(planned: readonly PlannedBackfill[], client: RestClient): Promise<BackfillEstimate | undefined> {
  if (planned.length === 0) return undefined;
  const { processes = [] } = (await client.get('/api/v1/status')).body as Processes; // OpenAPI says so
  const aggregators = processes.filter(({ role }) => role === 'aggregator');
  const rates = aggregators.flatMap(({ records_per_s: rate }) => (rate === null || rate <= 0 ? [] : [rate]));
  // One that has not been busy yet is taken to be as fast as the others.
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const rate = (rates.length === 0 ? ASSUMED_RECORDS_PER_S : mean) * Math.max(1, aggregators.length);
  const minutesOf = (records: number): number => records / rate / 60;
  return {
    of: planned.map((one) => ({ ...one, minutes: minutesOf(one.records) })),
    records_per_s: Math.round(rate),
    is_measured: rates.length > 0,
    minutes: minutesOf(planned.reduce((sum, { records }) => sum + records, 0)),
  };
}

export function estimateLines(estimate: BackfillEstimate | undefined): readonly string[] {
  if (estimate === undefined || estimate.of.every(({ records }) => records === 0)) return [];
  const { of, records_per_s: rate, is_measured: isMeasured, minutes } = estimate;
  const rows = of.map((one) => [
    `  ${one.name} v${one.version}`,
    one.records.toLocaleString('en'),
    bytesText(one.bytes),
    minutesText(one.minutes),
    one.inputs.join(', '),
  ]);
  const by = isMeasured ? 'as this deployment has read lately' : 'assumed: nothing was read here yet to measure it by';
  return [
    'What is built of history, before it is served (estimates):',
    ...tableLines(['  BUILT', 'RECORDS', 'BYTES', 'TIME', 'FROM'], rows),
    `  together ${minutesText(minutes)} at ${rate.toLocaleString('en')} records/s, ${by}; longer where THYME_BACKFILL_RECORDS_PER_S holds it back`,
  ];
}

function minutesText(minutes: number): string {
  if (minutes < 1) return 'under a minute';
  return minutes < 120 ? `${Math.ceil(minutes)} min` : `${(minutes / 60).toFixed(1)} h`;
}

function bytesText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1_000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power] ?? ''}`;
}
