// log: appends, transactions and reads through a driver of the log, without what comes before and after it.
import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import type { Log, NewRecord } from '../../libs/log/log.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { openBenchKafkaLog, readLogKind, startBenchKafka } from './bench-kafka.js';
import { cpuClock, report, say, type Figure } from './bench-report.js';
import { withFolder } from './fraud-owner.js';
import { lcg } from './orders.js';

const { values } = parseArgs({
  options: { log: { type: 'string', default: 'level' }, records: { type: 'string', default: '1000000' }, brokers: { type: 'string' } },
});
const RECORDS = Number(values.records);
const BATCH_RECORDS = 1_000;
/** As many as an ingest of one connection has in flight. */
const IN_FLIGHT = 4;
const KEY_BYTES = 12;
/** An order of the fraud example, encoded. */
const VALUE_BYTES = 100;
const READ_LIMITS = { recordsMax: 5_000, bytesMax: 1_024 * 1_024 };
/** The aggregator reads and folds so many; the log must not be what holds it up. */
const READ_GOAL_PER_S = 60_000;

interface BenchLog {
  readonly log: Log;
  readonly close: () => Promise<void>;
}

const batch = makeBatch();

await withFolder(async (folder) => {
  const { log, close } = await openBenchLog(folder);
  try {
    const target = { topic: `bench-log-${process.pid}`, partition: 0 };
    await log.createTopic(target.topic, 1);
    const writer = await log.writer(target.topic);
    say(`${RECORDS} records of ${KEY_BYTES + VALUE_BYTES} bytes, ${BATCH_RECORDS} at once, on ${values.log}`);
    const batches = Math.ceil(RECORDS / BATCH_RECORDS);
    const appends = await measured(async () => {
      for (let n = 0; n < batches; n += IN_FLIGHT)
        await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, batches - n) }, () => log.append(target, batch)));
      return batches * BATCH_RECORDS;
    });
    const reads = await measured(() => readAll(log, target.topic));
    const commits = await measured(async () => {
      for (let n = 0; n < batches / 10; n++) await writer.commit([{ target, records: batch }]);
      return Math.ceil(batches / 10) * BATCH_RECORDS;
    });
    report('log', [...figures('append', appends), ...figures('read', reads, READ_GOAL_PER_S), ...figures('commit', commits)]);
  } finally {
    await close();
  }
});

async function openBenchLog(folder: string): Promise<BenchLog> {
  if (readLogKind(values.log) === 'level') {
    const store = await openLevelStore(join(folder, 'log'));
    const log = await openLevelLog(store);
    return {
      log,
      close: async () => {
        await log.close();
        await store.close();
      },
    };
  }
  const kafka = await startBenchKafka(folder, values.brokers);
  const log = await openBenchKafkaLog(kafka);
  return {
    log,
    close: async () => {
      await log.close();
      await kafka.stop();
    },
  };
}

interface Measured {
  readonly records: number;
  readonly seconds: number;
  readonly cpuUs: number;
}

async function measured(work: () => Promise<number>): Promise<Measured> {
  const cpu = cpuClock();
  const startMs = performance.now();
  const records = await work();
  return { records, seconds: (performance.now() - startMs) / 1_000, cpuUs: cpu() };
}

/** From the first record to the end, as a task reads that was started after a while. */
async function readAll(log: Log, topic: string): Promise<number> {
  let records = 0;
  for (let offset = 0; ;) {
    const read = await log.read({ topic, partition: 0 }, offset, READ_LIMITS);
    if (read.nextOffset === offset) return records;
    records += read.records.length;
    offset = read.nextOffset;
  }
}

function figures(name: string, { records, seconds, cpuUs }: Measured, goal?: number): Figure[] {
  const note = `${records} records in ${seconds.toFixed(1)} s`;
  return [
    { name: `${name}_records_per_s`, value: records / seconds, note, ...(goal === undefined ? {} : { goal: { atLeast: goal } }) },
    { name: `${name}_cpu_us_per_record`, value: cpuUs / records, note: 'of this process, without the broker' },
  ];
}

function makeBatch(): readonly NewRecord[] {
  const random = lcg(7);
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => Math.floor(random() * 256));
  return Array.from({ length: BATCH_RECORDS }, () => ({ key: bytes(KEY_BYTES), value: bytes(VALUE_BYTES) }));
}
