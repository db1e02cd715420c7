// What an owner does about each kind of failure: the error says it (retry, rebuild, stop), and what is no error of ours says nothing.
import assert from 'node:assert/strict';
import { expect } from 'chai';
import { ThymeError } from '../../libs/errors/errors.js';
import { logCorrupt } from '../../libs/log/log-errors.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { storeClosed, storeDamaged, storeFailed, storeLocked } from '../../libs/store/store-errors.js';
import type { Store } from '../../libs/store/store.js';
import { ManualClock } from '../../libs/time/clock.js';
import { PartitionOwner } from '../../services/aggregator/partition-owner.js';
import { damagedDisk, overDisk } from '../support/failing-store.js';
import { Harness } from './aggregator-harness.js';

interface Life {
  /** Whether each `openStore`, in order, asked for an empty store. */
  readonly opened: boolean[];
  readonly failures: unknown[];
  readonly pausesMs: number[];
  /** How `run` ended; undefined while it runs. */
  ended: unknown;
}

/** An owner whose clock passes every pause at once, and whose store opens as the script says; when that is over, over memory. */
async function live(script: readonly ((inner: Store) => Store)[]): Promise<Life> {
  const life: Life = { opened: [], failures: [], pausesMs: [], ended: undefined };
  const stopping = new AbortController();
  const clock = new ManualClock(1_700_000_000_000_000);
  const owner = new PartitionOwner({
    environment: {
      ...new Harness({ partitionCount: 1 }).environment(0),
      clock: { nowUs: () => clock.nowUs(), sleep: async (ms) => void life.pausesMs.push(ms) },
    },
    openStore: async (anew) => {
      life.opened.push(anew);
      const inner = new MemoryStore();
      return script[life.opened.length - 1]?.(inner) ?? inner;
    },
    tickMs: 1,
    heartbeatMs: 5,
    recentBytesMax: 1_000_000,
    random: () => 0,
    onFailure: (_, cause) => life.failures.push(cause),
  });
  const running = owner.run(stopping.signal).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  life.ended = await Promise.race([running, owner.acquired]);
  stopping.abort();
  await running;
  return life;
}

function failing(cause: unknown): () => Store {
  return () => {
    throw cause;
  };
}

/** Opens, and throws at the first read. */
function unreadable(cause: unknown): (inner: Store) => Store {
  return (inner) => ({
    ...overDisk(inner, { failures: 0, isFull: false }),
    get: () => {
      throw cause;
    },
  });
}

const newer = new ThymeError('THYME_TIMELINE_FORMAT', 'FAILED_PRECONDITION', 'newer', [], { disposition: 'stop' });
const assertion = new assert.AssertionError({ message: 'a byte has flipped' });

/** What opening the store, or the first read of it, throws; and what is opened after it. */
const CASES: readonly { readonly name: string; readonly cause: unknown; readonly next: 'again' | 'anew' | 'nothing' }[] = [
  { name: 'a damaged store', cause: damagedDisk(), next: 'anew' },
  {
    name: 'a page that cannot be one',
    cause: new ThymeError('THYME_PAGE_DAMAGED', 'UNAVAILABLE', '', [], { disposition: 'rebuild' }),
    next: 'anew',
  },
  { name: 'a full disk', cause: storeFailed('x', 'cannot be written', new Error('IO error: No space left on device')), next: 'again' },
  { name: 'a store that was closed', cause: storeClosed(), next: 'again' },
  { name: 'a folder that another process has', cause: storeLocked('x'), next: 'nothing' },
  { name: 'a format that is newer', cause: newer, next: 'nothing' },
  { name: 'a damaged log', cause: logCorrupt('x'), next: 'nothing' },
  { name: 'an assertion', cause: assertion, next: 'again' },
  { name: 'a length out of range', cause: new RangeError('offset is out of bounds'), next: 'again' },
];

describe('an owner', () => {
  for (const { name, cause, next } of CASES) {
    it(`${{ again: 'tries again after', anew: 'builds anew after', nothing: 'stops at' }[next]} ${name}, found at the opening`, async () => {
      const { opened, failures, ended } = await live([failing(cause)]);
      expect(failures).to.deep.equal([cause]);
      expect(opened).to.deep.equal({ again: [false, false], anew: [false, true], nothing: [false] }[next]);
      expect(ended).to.equal(next === 'nothing' ? cause : undefined);
    });
  }

  it('builds anew what does not even say of itself what it is', async () => {
    const { opened, failures, ended } = await live([unreadable(new RangeError('offset is out of bounds'))]);
    expect(failures.map((cause) => (cause as ThymeError).code)).to.deep.equal(['THYME_CORRUPT']); // of its own records: damage
    expect(opened).to.deep.equal([false, true]);
    expect(ended).to.equal(undefined);
  });

  it('closes and opens again a store of which something came that is no error of ours: its files are compared then', async () => {
    let closed = 0;
    const once = (inner: Store): Store => ({
      ...overDisk(inner, { failures: 0, isFull: false }),
      batch: () => {
        throw new RangeError('offset is out of bounds');
      },
      close: async () => {
        closed++;
      },
    });
    const { opened, failures } = await live([once]);
    expect(failures.map(String)).to.deep.equal(['RangeError: offset is out of bounds']);
    expect([opened, closed]).to.deep.equal([[false, false], 1]);
  });

  it('opens a store again that failed to write: a disk that was full has room again', async () => {
    const disk = { failures: 1, isFull: false };
    const { opened, failures, ended } = await live([(inner) => overDisk(inner, disk)]);
    expect(failures).to.have.length(1);
    expect(opened).to.deep.equal([false, false]);
    expect(ended).to.equal(undefined);
  });

  it('pauses longer each time', async () => {
    const full = storeFailed('x', 'cannot be written', new Error('IO error: No space left on device'));
    const { pausesMs } = await live([1, 2, 3, 4].map(() => failing(full)));
    expect(pausesMs.slice(0, 4)).to.deep.equal([50, 100, 200, 400]);
  });

  it('stops where what it builds is damaged each time, instead of building for ever', async () => {
    const damaged = storeDamaged('x', new Error('bits flip in memory'));
    const { opened, ended } = await live(Array.from({ length: 10 }, () => failing(damaged)));
    expect(opened).to.deep.equal([false, true, true, true]);
    expect(ended).to.be.instanceOf(ThymeError).and.to.include({ code: 'THYME_BUILT_IN_VAIN', disposition: 'stop' });
  });
});
