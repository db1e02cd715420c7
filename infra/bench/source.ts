// source: what a connector brings into the embedded log, and how soon, beside a bare reader of the same rows in the same run.
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Log } from '../../libs/log/log.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { cpuClock, report, say, type Figure } from './bench-report.js';
import { openFolderLog, withFolder } from './fraud-owner.js';
import { Latencies, nowUs } from './latencies.js';
import { bigqueryKind } from './source-kinds/bigquery-kind.js';
import { filesKind } from './source-kinds/files-kind.js';
import { icebergKind } from './source-kinds/iceberg-kind.js';
import { kafkaKind } from './source-kinds/kafka-kind.js';
import { kinesisKind } from './source-kinds/kinesis-kind.js';
import { postgresLogKind } from './source-kinds/postgres-log-kind.js';
import { postgresKind } from './source-kinds/postgres-kind.js';
import { s3Kind } from './source-kinds/s3-kind.js';
import { snowflakeKind } from './source-kinds/snowflake-kind.js';
import type { PreparedSource, SourceKind } from './source-kinds/source-kind.js';
import { startSource } from './source-owner.js';

const KINDS: ReadonlyMap<string, SourceKind> = new Map([
  ['files', filesKind],
  ['s3', s3Kind],
  ['postgres', postgresKind],
  ['postgres-cdc', postgresLogKind],
  ['kafka', kafkaKind],
  ['kinesis', kinesisKind],
  ['bigquery', bigqueryKind],
  ['snowflake', snowflakeKind],
  ['iceberg', icebergKind],
]);
/** What comes while the source waits: so many rows at once, one batch after another. */
const LIVE_ROWS = 100;
const LIVE_PAUSE_MS = 50;
const DEADLINE_MS = 600_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string' }, batches: { type: 'string', default: '100' } },
});
const [name = ''] = positionals;
const kind = KINDS.get(name);
if (kind === undefined) throw new RangeError(`name one of ${[...KINDS.keys()].join(', ')}`);
const rows = Number(values.rows ?? kind.rowsDefault);
const batches = Number(values.batches);

await withFolder(async (folder) => {
  say(`${rows} rows are put into ${name}`);
  const prepared = await kind.prepare(folder, rows);
  const opened = await openFolderLog(folder);
  const { log } = opened;
  try {
    if (kind.isPrimed === true) await prime(log, kind, prepared);
    const bare = await measured(() => prepared.readBare());
    if (bare.rows !== rows) throw new Error(`the bare reader found ${bare.rows} rows of ${rows}`);
    let sources: Sources | undefined;
    const loaded = await measured(async () => {
      sources = await startSource(log, kind, prepared);
      await reaches(sources, rows);
      return rows;
    });
    const lag = sources === undefined ? new Latencies() : await measureLag(sources, prepared);
    await sources?.stop({ graceMs: 1_000 });
    report('source', [...figuresOf(loaded, bare, prepared, kind), ...lagFigures(lag)]);
  } finally {
    await opened.close();
    await prepared.close();
  }
});

/** The source is there once, before the first row, and then away while rows come. */
async function prime(log: Log, primed: SourceKind, prepared: PreparedSource): Promise<void> {
  const sources = await startSource(log, primed, prepared);
  await prepared.append(0, 1);
  await reaches(sources, 1);
  await sources.stop({ graceMs: 1_000 });
  await prepared.append(1, rows);
}

interface Measured {
  readonly rows: number;
  readonly seconds: number;
  readonly cpuUs: number;
}

async function measured(work: () => Promise<number>): Promise<Measured> {
  const cpu = cpuClock();
  const startUs = nowUs();
  const count = await work();
  return { rows: count, seconds: (nowUs() - startUs) / 1e6, cpuUs: cpu() };
}

/** Resolves once so many rows are committed; rejects where one was refused, or the source fails. */
async function reaches(sources: Sources, count: number): Promise<void> {
  const deadlineUs = nowUs() + DEADLINE_MS * 1_000;
  for (;;) {
    const status = sources.list()[0];
    const phase = status?.phase;
    if (phase?.kind === 'stopped' || phase?.kind === 'retrying') throw new Error(`the source failed: ${phase.cause}`);
    if ((status?.refused ?? 0) > 0) throw new Error('the source refused rows');
    if ((status?.rows ?? 0) >= count) return;
    if (nowUs() > deadlineUs) throw new Error(`the source read ${status?.rows ?? 0} of ${count} rows in ${DEADLINE_MS} ms`);
    await pause(1);
  }
}

/** From the moment that rows are there to their commit. */
async function measureLag(sources: Sources, prepared: PreparedSource): Promise<Latencies> {
  const lag = new Latencies();
  for (let batch = 0; batch < batches; batch++) {
    const from = rows + batch * LIVE_ROWS;
    await prepared.append(from, from + LIVE_ROWS);
    const startUs = nowUs();
    await reaches(sources, from + LIVE_ROWS);
    lag.add(nowUs() - startUs);
    await pause(LIVE_PAUSE_MS * Math.random()); // not in step with the polls
  }
  return lag;
}

function figuresOf(loaded: Measured, bare: Measured, { bareReader }: PreparedSource, { goalRowsPerS }: SourceKind): readonly Figure[] {
  return [
    {
      name: 'rows_per_s',
      value: loaded.rows / loaded.seconds,
      goal: { atLeast: goalRowsPerS },
      note: `${name}: ${loaded.rows} rows into the embedded log in ${loaded.seconds.toFixed(1)} s`,
    },
    { name: 'cpu_us_per_row', value: loaded.cpuUs / loaded.rows, note: 'of this process: connector, runner and log' },
    { name: 'bare_rows_per_s', value: bare.rows / bare.seconds, note: bareReader },
    { name: 'bare_cpu_us_per_row', value: bare.cpuUs / bare.rows, note: 'of this process' },
  ];
}

function lagFigures(lag: Latencies): readonly Figure[] {
  const note = `from ${LIVE_ROWS} rows being there to their commit, ${lag.count} times; what is polled, each 100 ms`;
  return [
    { name: 'lag_p50_ms', value: lag.quantile(0.5) / 1_000, note },
    { name: 'lag_p99_ms', value: lag.quantile(0.99) / 1_000 },
  ];
}
