import type { DatasetRecord } from '../../libs/codec/dataset-record.js';
import { dataset, field, pipeline } from '../integration/aggregator-harness.js';

// The definitions of the suite of changes (S17), and what they must answer: a loop over the log, and a filter for each question.

export const HOUR = 3_600e6;
export const LATENESS = 4 * HOUR;

export const orders = dataset(
  'Order',
  [
    field('order_id', 'string'),
    field('user_id', 'string'),
    field('amount', 'float', true),
    field('kind', 'string', true),
    field('at', 'timestamp'),
  ],
  ['user_id'],
  { maxLatenessUs: LATENESS, index: true, cdc: { mode: 'upsert', rowKey: ['order_id'] } },
);

const measured = [
  field('n_1h', 'int'),
  field('sum_3h', 'float'),
  field('sum_big', 'float'),
  field('min_all', 'float', true),
  field('p50_all', 'float', true),
  field('last_kind', 'string', true),
  { name: 'kinds', type: { kind: 'list', of: { kind: 'string', optional: true }, optional: false } } as const,
  field('at', 'timestamp'),
];
const amount = { kind: 'column', name: 'amount' } as const;
const float = (value: number) => ({ kind: 'literal', value: { type: 'float', value } }) as const;
const aggregations = [
  { field: 'n_1h', operator: 'count', windowUs: HOUR },
  { field: 'sum_3h', operator: 'sum', of: 'amount', windowUs: 3 * HOUR },
  {
    field: 'sum_big',
    operator: 'sum',
    of: 'amount',
    windowUs: 3 * HOUR,
    where: { kind: 'comparison', operator: 'gt', left: amount, right: float(50) },
  },
  { field: 'min_all', operator: 'min', of: 'amount', windowUs: null },
  { field: 'p50_all', operator: 'percentile', of: 'amount', windowUs: null, pct: 50 },
  { field: 'last_kind', operator: 'last', of: 'kind', windowUs: null },
  { field: 'kinds', operator: 'lastK', of: 'kind', windowUs: 3 * HOUR, k: 3 },
] as const;
/** Rows of this amount pass no filter. */
const FILTERED = 10;
const filter = {
  kind: 'filter',
  where: { kind: 'comparison', operator: 'ne', left: { kind: 'fillNull', operand: amount, fallback: float(0) }, right: float(FILTERED) },
} as const;
const bucket = {
  kind: 'assign',
  columns: [
    {
      name: 'bucket',
      value: {
        kind: 'fillNull',
        operand: { kind: 'column', name: 'kind' },
        fallback: { kind: 'literal', value: { type: 'string', value: 'none' } },
      },
    },
  ],
} as const;

/** Grouped by what a row stays with, by what its changes may move it to, and by what a step makes of it. */
export const definitions = {
  datasets: [
    orders,
    dataset('ByOrder', [field('order_id', 'string'), ...measured], ['order_id']),
    dataset('ByUser', [field('user_id', 'string'), ...measured], ['user_id']),
    dataset('ByBucket', [field('bucket', 'string'), ...measured], ['bucket']),
  ],
  pipelines: [
    pipeline('ByOrder', ['Order'], { steps: [filter], aggregate: { groupBy: ['order_id'], aggregations } }),
    pipeline('ByUser', ['Order'], { steps: [filter], aggregate: { groupBy: ['user_id'], aggregations } }),
    pipeline('ByBucket', ['Order'], { steps: [filter, bucket], aggregate: { groupBy: ['bucket'], aggregations } }),
  ],
};

/** A record as its topic holds it, with its place. */
export interface StoredChange extends Omit<DatasetRecord, 'row'> {
  readonly order: string;
  readonly user: string;
  readonly amount: number | null;
  readonly kind: string | null;
  readonly partition: number;
  readonly offset: number;
}

/** What a row was from one change to the next. */
export interface Version extends StoredChange {
  readonly startUs: number;
  readonly knownUs: number;
  endUs: number;
  endKnownUs: number;
}

export interface Outcome {
  readonly versions: readonly Version[];
  readonly late: number;
  readonly outdated: number;
  readonly duplicate: number;
  readonly deletes: number;
}

/** S10, S13 and S17 as a loop over the log, in its order. */
export function versionsOf(stored: readonly StoredChange[], latenessUs = LATENESS): Outcome {
  const versions: Version[] = [];
  const watermarks = new Map<string, number>();
  const seen = new Set<string>();
  const rows = new Map<string, { readonly changeTimeUs: number; readonly record: StoredChange; readonly version: Version | undefined }>();
  let [late, outdated, duplicate, deletes] = [0, 0, 0, 0];
  for (const record of stored) {
    const { producerId, sequence, change, historical, eventTimeUs, appendTimeUs } = record;
    const deleted = change?.deleted === true;
    if (producerId !== undefined) {
      const name = `${record.partition} ${producerId} ${sequence}`;
      if (seen.has(name)) duplicate++;
      if (seen.has(name)) continue;
      seen.add(name);
    }
    const statedUs = change?.timeUs ?? (historical ? eventTimeUs : appendTimeUs);
    const lane = `${record.partition} ${record.lane}`;
    const watermark = watermarks.get(lane) ?? Number.NEGATIVE_INFINITY;
    watermarks.set(lane, Math.max(watermark, Math.min(statedUs, appendTimeUs)));
    const before = rows.get(record.order);
    const isLate = !historical && statedUs < watermark - latenessUs;
    if (isLate) late++;
    const isOutdated = !isLate && before !== undefined && change?.timeUs !== undefined && change.timeUs < before.changeTimeUs;
    if (isOutdated) outdated++;
    if (isLate || isOutdated) continue;
    const changeTimeUs = Math.max(statedUs, before?.changeTimeUs ?? statedUs);
    const isStillDeleted = deleted && change?.timeUs === undefined && before !== undefined && before.version === undefined;
    if (isStillDeleted || (before !== undefined && change?.timeUs === before.changeTimeUs && isSame(before.record, record))) {
      duplicate++;
      continue;
    }
    const knownUs = !historical ? appendTimeUs : before === undefined ? eventTimeUs : changeTimeUs;
    if (before?.version !== undefined) [before.version.endUs, before.version.endKnownUs] = [changeTimeUs, knownUs];
    const startUs = before === undefined ? Number.NEGATIVE_INFINITY : changeTimeUs;
    const version = deleted
      ? undefined
      : { ...record, startUs, knownUs, endUs: Number.POSITIVE_INFINITY, endKnownUs: Number.POSITIVE_INFINITY };
    if (version === undefined) deletes++;
    else versions.push(version);
    rows.set(record.order, { changeTimeUs, record, version });
  }
  return { versions, late, outdated, duplicate, deletes };
}

function isSame(a: StoredChange, b: StoredChange): boolean {
  if (a.change?.deleted === true || b.change?.deleted === true) return a.change?.deleted === b.change?.deleted;
  return a.eventTimeUs === b.eventTimeUs && a.user === b.user && a.amount === b.amount && a.kind === b.kind;
}

export interface Instant {
  readonly asOfUs: number;
  readonly knownAtUs: number;
}

/** The versions that count, oldest first (S7). */
export function counting(versions: readonly Version[], { asOfUs, knownAtUs }: Instant): Version[] {
  return versions
    .filter(({ eventTimeUs, startUs, knownUs }) => eventTimeUs <= asOfUs && startUs <= asOfUs && knownUs <= knownAtUs)
    .filter(({ endUs, endKnownUs }) => endUs > asOfUs || endKnownUs > knownAtUs)
    .sort((a, b) => a.eventTimeUs - b.eventTimeUs || a.partition - b.partition || a.offset - b.offset);
}

/** What passes the filter. */
export function passes({ amount: value }: StoredChange): boolean {
  return value !== FILTERED;
}

/** The aggregations over a group's counting versions. */
export function measure(rows: readonly Version[], asOfUs: number): Record<string, unknown> {
  const within = (us: number): readonly Version[] => rows.filter(({ eventTimeUs }) => eventTimeUs >= asOfUs - us);
  const amounts = (list: readonly Version[]): number[] => list.flatMap(({ amount: value }) => value ?? []);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const all = amounts(rows).sort((a, b) => a - b);
  return {
    n_1h: within(HOUR).length,
    sum_3h: sum(amounts(within(3 * HOUR))),
    sum_big: sum(amounts(within(3 * HOUR)).filter((value) => value > 50)),
    min_all: all[0] ?? null,
    p50_all: all[Math.max(1, Math.ceil(all.length / 2)) - 1] ?? null,
    last_kind: rows.at(-1)?.kind ?? null,
    kinds: within(3 * HOUR)
      .slice(-3)
      .reverse()
      .map(({ kind }) => kind),
  };
}
