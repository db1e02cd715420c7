// A process for log-crash.test.ts: appends numbered records and commits numbered transactions to the
// embedded log in a folder, without end, and prints a line for each that was acknowledged. When a
// write fails it prints how, sees that the log is as it was before, lifts the limit on its files,
// as if there were room on the disk again, tries once more, and exits.
//
//   numbered <partition> <number>      the record with this number is acknowledged, and those before
//   transaction <number>               so is the transaction with this number
//   failed <status> <code>             a write failed
//   unchanged                          ... and nothing that was not acknowledged can be read
import { execFileSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import type { Log, NewRecord } from '../../libs/log/log.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { ThymeError } from '../../libs/errors/errors.js';

/** Each lane awaits its own appends, so this many share synced writes. */
const LANES = 3;
const [folder = '', valueBytes = ''] = process.argv.slice(2);
const padding = Buffer.alloc(Number(valueBytes), 'x');
const acknowledgedEnds = new Map<number, number>();

const store = await openLevelStore(folder);
const log = await openLevelLog(store);
await log.createTopic('numbered', LANES);
await log.createTopic('left', 1);
await log.createTopic('right', 2);

const lanes = Array.from({ length: LANES }, (_, partition) => appendForever(log, partition));
const results = await Promise.allSettled([...lanes, commitForever(log)]);
for (const result of results) {
  const { reason } = result as PromiseRejectedResult; // They end in no other way.
  printFailure(reason);
}
for (const [partition, end] of acknowledgedEnds) {
  if ((await log.endOffset({ topic: 'numbered', partition })) !== end)
    throw new Error(`partition ${partition} has another end than was acknowledged`);
}
print('unchanged');
execFileSync('prlimit', ['--pid', `${process.pid}`, '--fsize=unlimited']);
await appendForever(log, 0).catch(printFailure);
await log.close();
await store.close();

async function appendForever(target: Log, partition: number): Promise<never> {
  const topicPartition = { topic: 'numbered', partition };
  for (let number = await target.endOffset(topicPartition); ;) {
    const records = Array.from({ length: 1 + (number % 3) }, (_, n) => record(number + n));
    await target.append(topicPartition, records);
    number += records.length;
    acknowledgedEnds.set(partition, number);
    print(`numbered ${partition} ${number - 1}`);
  }
}

async function commitForever(target: Log): Promise<never> {
  const writer = await target.writer('appender');
  for (let number = await target.endOffset({ topic: 'left', partition: 0 }); ; number++) {
    await writer.commit([
      { target: { topic: 'left', partition: 0 }, records: [record(number)] },
      { target: { topic: 'right', partition: 0 }, records: [record(number)] },
      { target: { topic: 'right', partition: 1 }, records: [record(number), record(number)] },
    ]);
    print(`transaction ${number}`);
  }
}

function record(number: number): NewRecord {
  const value = Buffer.concat([Buffer.from(`${number} `), padding]);
  return { key: new Uint8Array(0), value };
}

function printFailure(error: unknown): void {
  if (!(error instanceof ThymeError)) throw error;
  print(`failed ${error.status} ${error.code}`);
}

/** At once and not through a stream, so that a kill cannot take back what was said. */
function print(line: string): void {
  writeSync(1, `${line}\n`);
}
