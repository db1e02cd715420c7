import { cpSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import type { Log, TopicPartition } from '../../libs/log/log.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const TRANSACTIONS = 30;
const LEFT: TopicPartition = { topic: 'left', partition: 0 };
const RIGHT: TopicPartition = { topic: 'right', partition: 1 };
const LIMITS = { recordsMax: 1_000, bytesMax: 1_000_000 };

/** What lies in the folder after so many transactions were acknowledged, as bytes of LevelDB's own log. */
interface Written {
  readonly folder: string;
  readonly logFile: string;
  readonly sizes: readonly number[];
}

describe('the embedded log and a torn tail', () => {
  it('is a whole number of transactions, all that were on the disk, wherever the last write was cut (L2, L3)', async function () {
    this.timeout(60_000);
    const written = await write();
    const cuts = fc.oneof(
      fc.integer({ min: 0, max: written.sizes.at(-1) ?? 0 }),
      fc.tuple(fc.constantFrom(...written.sizes), fc.integer({ min: -3, max: 3 })).map(([size, by]) => size + by),
    );
    await fc.assert(
      fc.asyncProperty(cuts, (cut) => checkCut(written, Math.min(cut, written.sizes.at(-1) ?? 0))),
      { numRuns: 80, endOnFailure: true },
    );
  });
});

async function write(): Promise<Written> {
  const folder = temporaryFolder();
  const store = await openLevelStore(folder);
  const logFile = readdirSync(folder).find((name) => name.endsWith('.log')) ?? '';
  const log = await openLevelLog(store);
  await log.createTopic('left', 1);
  await log.createTopic('right', 2);
  const writer = await log.writer('torn');
  const sizes = [statSync(join(folder, logFile)).size];
  for (let number = 0; number < TRANSACTIONS; number++) {
    await writer.commit([
      { target: LEFT, records: [record(number)] },
      { target: RIGHT, records: [record(number), record(number)] },
    ]);
    sizes.push(statSync(join(folder, logFile)).size);
  }
  await log.close();
  await store.close();
  return { folder, logFile, sizes };
}

/** Records of different lengths, so that transactions lie across the 32 KiB blocks of LevelDB's log as they come. */
function record(number: number): { readonly key: Uint8Array; readonly value: Uint8Array } {
  return { key: new Uint8Array(0), value: Buffer.from(`${number} ${'x'.repeat((number * 397) % 3_000)}`) };
}

async function checkCut({ folder, logFile, sizes }: Written, cut: number): Promise<void> {
  const copy = join(temporaryFolder(), 'log');
  cpSync(folder, copy, { recursive: true });
  truncateSync(join(copy, logFile), cut);
  const store = await openLevelStore(copy);
  const log = await openLevelLog(store);
  try {
    const whole = sizes.filter((size) => size <= cut).length - 1; // the first is of what came before any
    if (whole < 0) return; // the topics themselves are in the part that is gone
    const numbers = Array.from({ length: whole }, (_, number) => number);
    expect(await numbersOf(log, LEFT)).to.deep.equal(numbers);
    expect(await numbersOf(log, RIGHT)).to.deep.equal(numbers.flatMap((number) => [number, number]));
    const writer = await log.writer('torn');
    expect((await writer.commit([{ target: LEFT, records: [record(whole)] }])).offsets).to.deep.equal([whole]);
  } finally {
    await log.close();
    await store.close();
  }
}

async function numbersOf(log: Log, source: TopicPartition): Promise<number[]> {
  const { records } = await log.read(source, 0, LIMITS);
  return records.map(({ value }) => Number.parseInt(Buffer.from(value).toString('latin1'), 10));
}
