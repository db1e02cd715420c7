import { expect } from 'chai';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import type { LevelLogOptions } from '../../libs/log/level/level-log.js';
import { batchKey, formatKey } from '../../libs/log/level/log-keys.js';
import type { Log, NewRecord, TopicPartition } from '../../libs/log/log.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { RangeOptions, Store, StoreBatch } from '../../libs/store/store.js';

const P0: TopicPartition = { topic: 'orders', partition: 0 };
const P1: TopicPartition = { topic: 'orders', partition: 1 };
const NO_LIMITS = { recordsMax: 1_000_000, bytesMax: 1_000_000_000 };

/** A store whose writes wait, or fail, as the test says; it counts what it is asked. */
class ScriptedStore implements Store {
  readonly #inner = new MemoryStore();
  /** Each write awaits this first. */
  beforeWrite: () => Promise<void> = async () => {};
  writes = 0;
  unsyncedWrites = 0;
  ranges = 0;

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#inner.get(key);
  }

  snapshot(): ReturnType<Store['snapshot']> {
    return this.#inner.snapshot();
  }

  batch(): StoreBatch {
    const batch = this.#inner.batch();
    return {
      put: (key, value) => batch.put(key, value),
      delete: (key) => batch.delete(key),
      write: async (options) => {
        this.writes++;
        if (!options.sync) this.unsyncedWrites++;
        await this.beforeWrite();
        await batch.write(options);
      },
    };
  }

  entries(range: RangeOptions): ReturnType<Store['entries']> {
    this.ranges++;
    return this.#inner.entries(range);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

describe('the embedded log', () => {
  let store: ScriptedStore;

  beforeEach(() => {
    store = new ScriptedStore();
  });

  async function open(options: LevelLogOptions = {}): Promise<Log> {
    const log = await openLevelLog(store, options);
    await log.createTopic('orders', 2);
    return log;
  }

  it('puts appends that come during a write into one next write (L2)', async () => {
    const log = await open();
    const held = hold(store);
    const first = log.append(P0, [record('0')]);
    await held.started;
    const rest = Array.from({ length: 50 }, (_, n) => log.append(n % 2 === 0 ? P0 : P1, [record(`${n}`)]));
    const writes = store.writes;
    held.release();
    await Promise.all([first, ...rest]);
    expect(store.writes - writes).to.equal(1);
    expect(store.unsyncedWrites).to.equal(0);
    expect([await log.endOffset(P0), await log.endOffset(P1)]).to.deep.equal([26, 25]);
  });

  it('shows nothing of an append before its write has ended', async () => {
    const log = await open();
    const held = hold(store);
    const appended = log.append(P0, [record('0')]);
    await held.started;
    expect(await log.endOffset(P0)).to.equal(0);
    expect(await log.read(P0, 0, NO_LIMITS)).to.deep.equal({ records: [], nextOffset: 0 });
    held.release();
    await appended;
    expect(await log.endOffset(P0)).to.equal(1);
  });

  it('rejects all whose write failed, shows none of it, and kills the writers among them', async () => {
    const log = await open();
    await log.append(P0, [record('kept')]);
    const writer = await log.writer('w');
    const failing = new Error('disk full');
    store.beforeWrite = async () => {
      throw failing;
    };
    const calls = [
      log.append(P0, [record('a')]),
      log.append(P1, [record('b')]),
      writer.commit([{ target: P0, records: [record('c')] }]),
      log.createTopic('more', 1),
      log.writer('w'),
    ];
    for (const result of await Promise.allSettled(calls)) expect(result).to.include({ status: 'rejected', reason: failing });
    store.beforeWrite = async () => {};
    expect([await log.endOffset(P0), await log.endOffset(P1)]).to.deep.equal([1, 0]);
    expect(await log.partitionCount('more')).to.equal(undefined);
    expect(await failureOf(writer.commit([]))).to.include({ code: 'THYME_WRITER_DEAD', cause: failing });
    expect(await log.append(P0, [record('next')])).to.equal(1);
    expect(await valuesOf(log, P0)).to.deep.equal(['kept', 'next']);
  });

  it('refuses appends while too many or too large ones wait, but no transaction', async () => {
    const log = await open({ queueLengthMax: 2, queueBytesMax: 1_000 });
    const writer = await log.writer('w');
    const held = hold(store);
    const accepted = [log.append(P0, [record('in flight')])];
    await held.started;
    accepted.push(log.append(P0, [record('x'.repeat(600))]));
    expect(await failureOf(log.append(P0, [record('x'.repeat(600))]))).to.include({ status: 'RESOURCE_EXHAUSTED', code: 'THYME_LOG_BUSY' });
    accepted.push(log.append(P0, [record('x')]));
    expect(await failureOf(log.append(P0, [record('x')]))).to.include({ status: 'RESOURCE_EXHAUSTED' });
    const committed = writer.commit([{ target: P1, records: [record('x')] }]);
    held.release();
    expect(await Promise.all(accepted)).to.deep.equal([0, 1, 2]);
    await committed;
    expect(await log.append(P0, [record('x'.repeat(5_000))])).to.equal(3); // However large: it does not wait behind others.
  });

  it('serves a reader that keeps up without the store', async () => {
    const log = await open({ tailBytesMax: 3_000 });
    for (let n = 0; n < 100; n++) {
      await log.append(P0, [record(`${n}`), record(`${n}`)]);
      const ranges = store.ranges;
      expect((await log.read(P0, n * 2 + 1, NO_LIMITS)).records).to.have.length(1);
      expect(store.ranges).to.equal(ranges);
    }
    const ranges = store.ranges;
    expect(await valuesOf(log, P0)).to.have.length(200);
    expect(store.ranges).to.be.greaterThan(ranges); // The start of it is no longer in memory.
  });

  it('opens without reading a batch', async () => {
    await (await open()).append(P0, [record('0')]);
    const log = await openLevelLog(store);
    expect(store.ranges).to.equal(3 * 2); // Topics, ends and epochs, at each of two openings.
    expect(await log.endOffset(P0)).to.equal(1);
  });

  it('says so when a batch is damaged or missing, and skips nothing', async () => {
    for (let n = 0; n < 3; n++) await (await open()).append(P0, [record(`${n}`)]);
    const key = batchKey({ topicId: 1, partition: 0 }, 1);
    const value = Uint8Array.from(store.get(key) ?? []);
    value[value.length - 1] = (value.at(-1) ?? 0) ^ 1;
    const log = await open();
    for (const damage of [value, value.subarray(0, 3), undefined]) {
      const batch = store.batch();
      if (damage === undefined) batch.delete(key);
      else batch.put(key, damage);
      await batch.write({ sync: true });
      for (const offset of [0, 1]) expect(await failureOf(log.read(P0, offset, NO_LIMITS))).to.include({ code: 'THYME_LOG_CORRUPT' });
      expect((await log.read(P0, 2, NO_LIMITS)).records).to.have.length(1);
    }
  });

  it('refuses a log of a later format', async () => {
    const batch = store.batch();
    batch.put(formatKey, Uint8Array.of(2));
    await batch.write({ sync: true });
    expect(await failureOf(openLevelLog(store))).to.include({ status: 'FAILED_PRECONDITION', code: 'THYME_LOG_FORMAT' });
  });
});

/** Holds the next write until it is released. */
function hold(store: ScriptedStore): { readonly started: Promise<void>; readonly release: () => void } {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const started = new Promise<void>((resolve) => {
    store.beforeWrite = () => {
      store.beforeWrite = async () => {};
      resolve();
      return released;
    };
  });
  return { started, release };
}

function record(value: string): NewRecord {
  return { key: new Uint8Array(0), value: Uint8Array.from(Buffer.from(value)) };
}

async function valuesOf(log: Log, source: TopicPartition): Promise<string[]> {
  return (await log.read(source, 0, NO_LIMITS)).records.map(({ value }) => Buffer.from(value).toString());
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('this should have failed');
}
