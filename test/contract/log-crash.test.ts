import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import type { Log } from '../../libs/log/log.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const APPENDER = fileURLToPath(new URL(`./log-appender${extname(import.meta.url)}`, import.meta.url));
/** Lines after which the process is killed: at its first write, and under load. */
const KILLS_AFTER_LINES = [1, 40, 300, 7, 900];
const FILE_SIZE_MAX_BLOCKS = 2_000;
/** More than fit, and fewer than fill a write buffer: with that, LevelDB would start a new file and hide the damage. */
const LINES_WHEN_FULL_MAX = 1_000;

interface Acknowledged {
  readonly lines: readonly string[];
  readonly signal: NodeJS.Signals | null;
}

describe('the embedded log and a process that dies', () => {
  it('keeps every acknowledged record and whole transactions over SIGKILLs (L2, L3, S13, S14)', async function () {
    this.timeout(60_000);
    const folder = temporaryFolder();
    const lines: string[] = [];
    for (const killAfterLines of KILLS_AFTER_LINES) {
      const acknowledged = await runAppender([process.execPath, '--import', 'tsx', APPENDER, folder, '100'], killAfterLines);
      expect(acknowledged.signal).to.equal('SIGKILL');
      expect(acknowledged.lines.length).to.be.at.least(killAfterLines);
      lines.push(...acknowledged.lines);
      await checkLog(folder, lines);
    }
  });

  it('takes no write after one that failed for a full disk, and has lost nothing when opened again (S13)', async function () {
    if (process.platform !== 'linux') this.skip(); // prlimit is of Linux.
    this.timeout(60_000);
    const folder = temporaryFolder();
    // The limit on the size of a file acts as a full disk does: a write that ends in the middle.
    const limited = [
      'sh',
      '-c',
      `ulimit -S -f ${FILE_SIZE_MAX_BLOCKS}; exec "$@"`,
      'sh',
      process.execPath,
      '--import',
      'tsx',
      APPENDER,
      folder,
      '3000',
    ];
    const { lines, signal } = await runAppender(limited, LINES_WHEN_FULL_MAX);
    expect(signal).to.equal(null);
    const failed = 'failed UNAVAILABLE THYME_STORE_FAILED';
    expect(lines.slice(-6)).to.deep.equal([failed, failed, failed, failed, 'unchanged', failed]);
    await checkLog(folder, lines);
  });
});

/** Runs the appender until it ends, or kills it after so many lines. */
async function runAppender([command = '', ...args]: readonly string[], killAfterLines: number): Promise<Acknowledged> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (lines.length === killAfterLines) child.kill('SIGKILL');
  });
  const [, signal]: [number | null, NodeJS.Signals | null] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]; // As documented.
  return { lines, signal };
}

/** Nothing lost, nothing twice, no gap, and each transaction everywhere or nowhere. */
async function checkLog(folder: string, lines: readonly string[]): Promise<void> {
  const store = await openLevelStore(folder);
  const log = await openLevelLog(store);
  const partitions = (await log.partitionCount('numbered')) ?? 0;
  for (let partition = 0; partition < partitions; partition++) {
    const numbers = await numbersOf(log, 'numbered', partition);
    expect(numbers).to.deep.equal(numbers.map((_, n) => n));
    expect(numbers.length).to.be.greaterThan(highest(lines, `numbered ${partition} `));
  }
  const transactions = await numbersOf(log, 'left', 0);
  expect(transactions).to.deep.equal(transactions.map((_, n) => n));
  expect(transactions.length).to.be.greaterThan(highest(lines, 'transaction '));
  expect(await numbersOf(log, 'right', 0)).to.deep.equal(transactions);
  expect(await numbersOf(log, 'right', 1)).to.deep.equal(transactions.flatMap((number) => [number, number]));
  await log.close();
  await store.close();
}

async function numbersOf(log: Log, topic: string, partition: number): Promise<number[]> {
  const end = await log.endOffset({ topic, partition });
  const numbers: number[] = [];
  for (let offset = 0; offset < end;) {
    const { records, nextOffset } = await log.read({ topic, partition }, offset, { recordsMax: 500, bytesMax: 100_000 });
    numbers.push(...records.map(({ value }) => Number.parseInt(Buffer.from(value).toString('latin1'), 10)));
    offset = nextOffset;
  }
  return numbers;
}

/** The highest number acknowledged by lines that start like this; -1 if there is none. */
function highest(lines: readonly string[], start: string): number {
  return lines.filter((line) => line.startsWith(start)).reduce((max, line) => Math.max(max, Number(line.slice(start.length))), -1);
}
