// changes: a table whose rows are updated (S17), half of its records updates, from log to committed, and what a read of
// it costs beside one of the same rows that were never updated.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import { slotOf } from '../../libs/codec/slot.js';
import { headKey } from '../../libs/change/state-keys.js';
import type { Aggregation, DatasetDefinition, Definitions } from '../../libs/definition/definitions.js';
import { questionsOf, shapeOf } from '../../libs/pipeline/measures.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import { systemClock } from '../../libs/time/clock.js';
import { Aggregator } from '../../services/aggregator/aggregator.js';
import { cachedAuthorFunctions } from '../../services/aggregator/author-functions.js';
import { Ingest } from '../../services/ingest/ingest.js';
import { Registry } from '../../services/registry/registry.js';
import { cpuClock, report, say } from './bench-report.js';
import { DEPLOYMENT, DOOR, openFolderLog, withFolder } from './fraud-owner.js';
import { Latencies, nowUs } from './latencies.js';
import { lcg, userId } from './orders.js';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000' },
    entities: { type: 'string', default: '1000' },
    queries: { type: 'string', default: '20000' },
  },
});
const [ROWS, ENTITIES, QUERIES] = [Number(values.rows), Number(values.entities), Number(values.queries)];
const PUSH_EVENTS = 5_000;
const SPAN_US = 29 * 86_400e6;
const DAY_US = 86_400e6;

const text = { kind: 'string', optional: false } as const;
const float = { kind: 'float', optional: true } as const;
const at = { name: 'at', type: { kind: 'timestamp', optional: false } } as const;
const aggregations: readonly Aggregation[] = [
  { field: 'orders', operator: 'count', windowUs: DAY_US },
  { field: 'spent', operator: 'sum', of: 'amount', windowUs: 7 * DAY_US },
  { field: 'largest', operator: 'max', of: 'amount', windowUs: 7 * DAY_US },
  { field: 'mean', operator: 'avg', of: 'amount', windowUs: 30 * DAY_US },
  { field: 'p95', operator: 'percentile', of: 'amount', windowUs: 30 * DAY_US, pct: 95 },
];

function definitionsOf(cdc: boolean): Definitions {
  const common = { version: 1, keys: ['user_id'], timestamp: 'at', publish: false, maxFutureUs: 600e6, expectations: [] };
  const order: DatasetDefinition = {
    ...common,
    name: 'Order',
    index: false,
    fields: [
      { name: 'order_id', type: text },
      { name: 'user_id', type: text },
      { name: 'amount', type: { ...float, optional: false } },
      at,
    ],
    ...(cdc ? { cdc: { mode: 'upsert', rowKey: ['order_id'] } } : {}),
  };
  const columns = aggregations.map(({ field, operator }) => ({
    name: field,
    type: operator === 'count' ? ({ kind: 'int', optional: false } as const) : { ...float, optional: operator !== 'sum' },
  }));
  const stats: DatasetDefinition = { ...common, name: 'Stats', index: true, fields: [{ name: 'user_id', type: text }, ...columns, at] };
  const pipeline = {
    name: 'Stats.ofUser',
    version: 1,
    output: 'Stats',
    inputs: ['Order'],
    steps: [],
    aggregate: { groupBy: ['user_id'], aggregations },
  };
  return { datasets: [order, stats], sources: [], pipelines: [pipeline], featuresets: [] };
}

interface Measured {
  readonly perS: number;
  readonly cpuUs: number;
  readonly reads: Latencies;
}

await withFolder(async (folder) => {
  const appended = await measure(join(folder, 'appended'), false);
  const changed = await measure(join(folder, 'changed'), true);
  const [p50, appendedP50] = [changed.reads.quantile(0.5), appended.reads.quantile(0.5)];
  report('changes', [
    {
      name: 'events_per_s',
      value: changed.perS,
      goal: { atLeast: 50_000 },
      note: `${ROWS} rows of ${ENTITIES} users, each updated once on average, anywhere in 29 days`,
    },
    { name: 'cpu_us_per_change', value: changed.cpuUs, note: 'of the whole process, LevelDB and garbage collection included' },
    { name: 'appended_events_per_s', value: appended.perS, note: 'the same rows where nothing is taken back, without the updates' },
    { name: 'appended_cpu_us_per_event', value: appended.cpuUs },
    { name: 'read_p50_us', value: p50, note: 'five aggregates of a user, now' },
    { name: 'appended_read_p50_us', value: appendedP50 },
    { name: 'read_ratio', value: p50 / appendedP50, goal: { atMost: 2 } },
  ]);
});

async function measure(folder: string, cdc: boolean): Promise<Measured> {
  const opened = await openFolderLog(folder);
  const { log } = opened;
  const registry = new Registry({ deployment: { name: DEPLOYMENT, partitions: 1 }, log, clock: systemClock });
  await registry.start();
  await registry.commit({ definitions: definitionsOf(cdc), bundle: { sha256: '', code: '' } });
  const events = await fill(
    new Ingest({ deployment: DEPLOYMENT, log, revisions: registry.history, clock: systemClock, hasRoom: () => true, ...DOOR }),
    cdc,
  );
  say(`${events} records are in the log`);
  const aggregator = new Aggregator({
    deployment: DEPLOYMENT,
    log,
    clock: systemClock,
    partitionCount: 1,
    feed: registry.history,
    functionsOf: cachedAuthorFunctions(),
    openStore: (partition) => openLevelStore(join(folder, 'store', `p${partition}`)),
    onFailure: (_, error) => {
      throw error;
    },
  });
  const [startUs, cpuUs] = [nowUs(), cpuClock()];
  await aggregator.start();
  await aggregator.views
    .view(0)
    .waitFor(({ counters }) => counters.reduce((sum, { applied }) => sum + applied, 0) >= events, new AbortController().signal);
  const [perS, usedUs] = [(events * 1e6) / (nowUs() - startUs), cpuUs() / events];
  const reads = read(aggregator, registry, cdc);
  await aggregator.stop({ graceMs: 10_000 });
  await registry.stop();
  await opened.close();
  return { perS, cpuUs: usedUs, reads };
}

/** Every row once; as changes, then as many updates of rows anywhere among them. */
async function fill(ingest: Ingest, cdc: boolean): Promise<number> {
  const random = lcg(7);
  const startUs = Math.floor(systemClock.nowUs()) - SPAN_US;
  const count = cdc ? 2 * ROWS : ROWS;
  let records: object[] = [];
  for (let i = 0; i < count; i++) {
    const row = i < ROWS ? i : Math.floor(random() * ROWS);
    const ordered = { order_id: `o${row}`, user_id: userId(row % ENTITIES), amount: Math.floor(random() * 1e5) / 100 };
    records.push({ ...ordered, at: new Date((startUs + (row * SPAN_US) / ROWS) / 1_000).toISOString() });
    if (records.length < PUSH_EVENTS && i < count - 1) continue;
    const { refused, errors } = await ingest.push({ dataset: 'Order', body: { kind: 'parsed', records }, historical: false });
    if (refused > 0) throw new Error(`${refused} orders were refused, first: ${errors[0]?.error ?? ''}`);
    records = [];
  }
  return count;
}

function read(aggregator: Aggregator, registry: Registry, cdc: boolean): Latencies {
  const timeline = registry.history.latest()?.timelines[0];
  if (timeline === undefined) throw new Error('no timeline is committed');
  const [shape, questions] = [shapeOf(timeline.measures, cdc), questionsOf(aggregations, timeline.measures)];
  const encode = compileKeyEncoder([{ name: 'user_id', type: text }], 'Stats');
  const random = lcg(11);
  const [reads, counts] = [new Latencies(), { kind: 'count', windowUs: null } as const];
  for (let i = 0; i < QUERIES; i++) {
    const key = encode([userId(Math.floor(random() * ENTITIES))]);
    const instant = { asOfUs: Math.floor(systemClock.nowUs()), knownAtUs: Number.POSITIVE_INFINITY };
    const startUs = nowUs();
    const place = headKey(slotOf(key), timeline.id, key);
    readWindows(shape, aggregator.views.view(0).tick(), place, instant, questions);
    reads.add(nowUs() - startUs);
    // Updates replace rows: there are as many as there were.
    const [count] = i % 100 === 0 ? readWindows(shape, aggregator.views.view(0).tick(), place, instant, [counts]) : [];
    if (count !== undefined && Math.abs(Number(count) - ROWS / ENTITIES) > 1) throw new Error(`a user has ${String(count)} orders`);
  }
  return reads;
}
