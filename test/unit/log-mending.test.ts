import { expect } from 'chai';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { Store } from '../../libs/store/store.js';
import { ManualClock } from '../../libs/time/clock.js';
import { damagedDisk, type Disk, diskFull, overDisk } from '../support/failing-store.js';

const TOPIC = { topic: 'orders', partition: 0 };
const LIMITS = { recordsMax: 100, bytesMax: 1_000_000 };

function record(text: string) {
  return { key: Buffer.from('k'), value: Buffer.from(text) };
}

/** A log over a disk that the test fills and empties. */
async function world(options: { readonly leaves?: () => boolean; readonly reopen?: (inner: Store) => Store } = {}) {
  const disk: Disk = { failures: 0, isFull: false };
  const inner = new MemoryStore();
  const clock = new ManualClock();
  const attempts: (string | undefined)[] = [];
  const open = async (): Promise<Store> => {
    if (disk.isFull) throw diskFull();
    return options.reopen?.(inner) ?? overDisk(inner, disk, options.leaves);
  };
  const log = await openLevelLog(overDisk(inner, disk, options.leaves), {
    reopening: {
      open,
      clock,
      random: () => 0,
      onAttempt: (failure) => attempts.push(failure instanceof Error ? failure.message : undefined),
    },
  });
  await log.createTopic(TOPIC.topic, 1);
  const texts = async (): Promise<string[]> => (await log.read(TOPIC, 0, LIMITS)).records.map(({ value }) => Buffer.from(value).toString());
  /** Lets the pause pass that is being made, and what follows it happen. */
  const passPause = async (ms: number): Promise<void> => {
    const before = attempts.length;
    while (clock.sleeping === 0) await new Promise(setImmediate);
    clock.advance(ms);
    while (attempts.length === before) await new Promise(setImmediate);
  };
  return { disk, log, clock, attempts, texts, passPause };
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a log whose disk was full', () => {
  it('takes writes again when there is room, without a restart, and refuses them until then (S13)', async () => {
    const { disk, log, attempts, texts, passPause } = await world();
    await log.append(TOPIC, [record('before')]);
    disk.failures = 1;
    disk.isFull = true;
    expect(await failureOf(log.append(TOPIC, [record('lost')]))).to.include({ status: 'UNAVAILABLE', disposition: 'retry' });
    expect(log.failure).to.be.instanceOf(Error);
    expect(await failureOf(log.append(TOPIC, [record('refused')]))).to.equal(log.failure);
    for (const ms of [100, 200, 400]) await passPause(ms); // the pauses grow
    expect(log.failure).to.be.instanceOf(Error);
    disk.isFull = false;
    await passPause(800);
    expect(log.failure).to.equal(undefined);
    expect(attempts.at(-1)).to.equal(undefined);
    expect(await log.append(TOPIC, [record('after')])).to.equal(1);
    expect(await texts()).to.deep.equal(['before', 'after']);
    await log.close();
  });

  it('shows a write whose failure was reported and which is there all the same, to readers and to who waits (L2)', async () => {
    const { disk, log, texts, passPause } = await world({ leaves: () => true });
    await log.append(TOPIC, [record('before')]);
    const waiting = log.waitFor(TOPIC, 1, new AbortController().signal);
    disk.failures = 1;
    await failureOf(log.append(TOPIC, [record('in doubt')]));
    await passPause(100);
    await waiting;
    expect(await texts()).to.deep.equal(['before', 'in doubt']);
    expect(await log.append(TOPIC, [record('after')])).to.equal(2);
    expect(await texts()).to.deep.equal(['before', 'in doubt', 'after']);
    await log.close();
  });

  it('keeps the newest epoch of a writer whose fence failed, whether or not that is there (L4)', async () => {
    for (const leaves of [true, false]) {
      const { disk, log, passPause } = await world({ leaves: () => leaves });
      const first = await log.writer('a writer');
      disk.failures = 1;
      await failureOf(log.writer('a writer'));
      await passPause(100);
      const next = await log.writer('a writer');
      expect(next.epoch).to.equal(leaves ? 3 : 2);
      expect(await failureOf(first.commit([]))).to.include({ code: 'THYME_FENCED', disposition: 'stop' });
      await next.commit([{ target: TOPIC, records: [record('x')] }]);
      await log.close();
    }
  });

  it('is not tried any more where what is opened again is damaged: it says what to do', async () => {
    const { disk, log, attempts, passPause } = await world({
      reopen: () => {
        throw damagedDisk();
      },
    });
    disk.failures = 1;
    await failureOf(log.append(TOPIC, [record('lost')]));
    await passPause(100);
    expect(attempts).to.have.length(2);
    expect(log.failure).to.include({ code: 'THYME_LOG_CORRUPT', disposition: 'stop' });
    expect(await failureOf(log.append(TOPIC, [record('refused')]))).to.equal(log.failure);
    await log.close();
  });

  it('ends its tries when it is closed', async () => {
    const { disk, log, clock } = await world();
    disk.failures = 1;
    disk.isFull = true;
    await failureOf(log.append(TOPIC, [record('lost')]));
    await log.close();
    expect(clock.sleeping).to.equal(0);
  });
});
