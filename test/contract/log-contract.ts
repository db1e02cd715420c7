import { expect } from 'chai';
import { RECORD_BYTES_MAX } from '../../libs/log/log-limits.js';
import type { Log, NewRecord, ReadLimits, TopicPartition } from '../../libs/log/log.js';
import { modelTest } from './log-model.js';
import type { OpenedLog } from './opened-log.js';

type CurrentLog = () => Log;

const P0: TopicPartition = { topic: 'orders', partition: 0 };
const P1: TopicPartition = { topic: 'orders', partition: 1 };
const OTHER: TopicPartition = { topic: 'other', partition: 0 };
const NO_LIMITS: ReadLimits = { recordsMax: 1_000_000, bytesMax: 1_000_000_000 };
const NEVER = new AbortController().signal;

/** What every driver of the log contract must do (libs/log/log.ts, L1 to L4). */
export function logContract(name: string, open: () => Promise<OpenedLog>, { modelRuns }: { readonly modelRuns?: number } = {}): void {
  describe(`${name} keeps the log contract`, () => {
    let opened: OpenedLog;
    let log: Log;

    beforeEach(async () => {
      opened = await open();
      log = opened.log;
      await log.createTopic('orders', 2);
      await log.createTopic('other', 1);
    });
    afterEach(() => opened.close());

    describeTopics(() => log);
    describeAppends(() => log);
    describeReads(() => log);
    describeTransactions(
      () => log,
      () => opened.marksTransactions === true,
    );
    describeWaiting(() => log);
    modelTest(open, modelRuns);

    it('keeps topics, records, ends and epochs over a close and an open', async function () {
      if (opened.reopen === undefined) return this.skip();
      await log.append(P0, numbered(0, 3));
      const old = await log.writer('w');
      await old.commit([{ target: P1, records: numbered(0, 2) }]);
      log = await opened.reopen();
      expect(await log.partitionCount('orders')).to.equal(2);
      expect(await failureOf(log.createTopic('orders', 3))).to.include({ status: 'FAILED_PRECONDITION' });
      expect([await log.endOffset(P0), await log.endOffset(OTHER)]).to.deep.equal([3, 0]);
      expect(await log.endOffset(P1)).to.equal(opened.marksTransactions === true ? 3 : 2);
      expect(await valuesOf(log, P1)).to.deep.equal(['0', '1']);
      expect((await log.writer('w')).epoch).to.be.greaterThan(old.epoch);
      expect(await log.append(P0, numbered(3, 4))).to.equal(3);
      expect(await valuesOf(log, P0)).to.deep.equal(['0', '1', '2', '3']);
      expect(await valuesOf(log, P0, 1)).to.deep.equal(['1', '2', '3']);
    });

    it('refuses everything once it is closed, wakes who waits, and closes twice', async () => {
      const writer = await log.writer('w');
      const waiting = log.waitFor(P0, 0, NEVER);
      await log.close();
      await log.close();
      await waiting;
      const calls = [
        log.append(P0, numbered(0, 1)),
        log.read(P0, 0, NO_LIMITS),
        log.endOffset(P0),
        log.writer('x'),
        log.createTopic('t', 1),
        log.waitFor(P0, 0, NEVER),
        log.partitionCount('orders'),
        writer.commit([]),
      ];
      for (const call of calls) expect(await failureOf(call)).to.include({ status: 'UNAVAILABLE' });
    });

    it('ends what was accepted before it closes', async () => {
      const accepted = Promise.all([1, 2, 3].map((n) => log.append(P0, numbered(n, n + 1))));
      await log.close();
      expect(await accepted).to.deep.equal([0, 1, 2]);
    });
  });
}

function describeTopics(log: CurrentLog): void {
  it('creates a topic once, and refuses another partition count with the fix', async () => {
    await log().createTopic('orders', 2);
    expect(await log().partitionCount('orders')).to.equal(2);
    expect(await log().partitionCount('nobody')).to.equal(undefined);
    const error = await failureOf(log().createTopic('orders', 3));
    expect(error).to.include({ status: 'FAILED_PRECONDITION', code: 'THYME_PARTITION_COUNT' });
    expect(error.message).to.contain('orders').and.to.contain('2 partitions');
  });

  it('creates a topic once for those who ask at the same time', async () => {
    const results = await Promise.allSettled([1, 1, 2, 1].map((partitions) => log().createTopic('raced', partitions)));
    expect(results.map(({ status }) => status)).to.deep.equal(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(await log().partitionCount('raced')).to.equal(1);
  });

  it('refuses names and counts that some driver could not hold', async () => {
    for (const name of ['', 'a b', 'a/b', '..', 'é', 'x'.repeat(250)]) {
      expect(await failureOf(log().createTopic(name, 1)), name).to.include({ status: 'INVALID_ARGUMENT' });
    }
    for (const partitions of [0, -1, 1.5, 65_536, Number.NaN]) {
      expect(await failureOf(log().createTopic('t', partitions))).to.include({ status: 'INVALID_ARGUMENT' });
    }
    expect(await failureOf(log().writer(''))).to.include({ status: 'INVALID_ARGUMENT' });
  });

  it('knows no topic that was not created, and suggests the one that was meant', async () => {
    const nobody = { topic: 'order', partition: 0 };
    const calls = [
      log().append(nobody, numbered(0, 1)),
      log().read(nobody, 0, NO_LIMITS),
      log().endOffset(nobody),
      log().waitFor(nobody, 0, NEVER),
    ];
    for (const call of calls) {
      const error = await failureOf(call);
      expect(error).to.include({ status: 'NOT_FOUND' });
      expect(error.message).to.contain('orders');
    }
    expect(await failureOf(log().append({ topic: 'orders', partition: 2 }, numbered(0, 1)))).to.include({ status: 'INVALID_ARGUMENT' });
    expect(await failureOf(log().read({ topic: 'orders', partition: -1 }, 0, NO_LIMITS))).to.include({ status: 'INVALID_ARGUMENT' });
  });
}

function describeAppends(log: CurrentLog): void {
  it('numbers the records of each partition from 0 without gaps (L1)', async () => {
    expect(await log().append(P0, numbered(0, 3))).to.equal(0);
    expect(await log().append(P1, numbered(0, 1))).to.equal(0);
    expect(await log().append(P0, numbered(3, 5))).to.equal(3);
    expect(await log().append(P0, [])).to.equal(5);
    expect([await log().endOffset(P0), await log().endOffset(P1), await log().endOffset(OTHER)]).to.deep.equal([5, 1, 0]);
    const { records } = await log().read(P0, 0, NO_LIMITS);
    expect(records.map(({ offset }) => offset)).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('keeps the order of calls among appends at the same time, and each append together', async () => {
    const appends = Array.from({ length: 200 }, (_, n) => log().append(n % 3 === 0 ? P1 : P0, numbered(n * 10, n * 10 + (n % 5))));
    const offsets = await Promise.all(appends);
    for (const [partition, target] of [P0, P1].entries()) {
      const expected = offsets.flatMap((_, n) =>
        (n % 3 === 0 ? 1 : 0) === partition ? numbered(n * 10, n * 10 + (n % 5)).map(textOf) : [],
      );
      expect(await valuesOf(log(), target)).to.deep.equal(expected);
    }
  });

  it('keeps empty keys and values, and bytes as they are', async () => {
    const every = Uint8Array.from({ length: 256 }, (_, n) => n);
    await log().append(P0, [record('', ''), record('k', ''), record('', 'v'), { key: every, value: every }]);
    const { records } = await log().read(P0, 0, NO_LIMITS);
    expect(records.map(({ key, value }) => [key.length, value.length])).to.deep.equal([
      [0, 0],
      [1, 0],
      [0, 1],
      [256, 256],
    ]);
    expect(Buffer.compare(records[3]?.key ?? every.subarray(1), every)).to.equal(0);
    expect(Buffer.compare(records[3]?.value ?? every.subarray(1), every)).to.equal(0);
  });

  it('copies what is appended, so that buffers may be used again', async () => {
    const buffers = record('key', 'value');
    const appended = log().append(P0, [buffers]);
    buffers.key.fill(0);
    buffers.value.fill(0);
    await appended;
    expect(await valuesOf(log(), P0)).to.deep.equal(['value']);
  });

  it('takes records up to the limit and refuses larger ones, with all that came with them', async () => {
    const large = { key: new Uint8Array(1_000), value: new Uint8Array(RECORD_BYTES_MAX - 1_000).fill(7) };
    await log().append(P0, [large, large]);
    const tooLarge = { key: new Uint8Array(1_001), value: large.value };
    expect(await failureOf(log().append(P0, [large, tooLarge]))).to.include({ status: 'INVALID_ARGUMENT' });
    expect(await log().endOffset(P0)).to.equal(2);
    const { records } = await log().read(P0, 1, NO_LIMITS);
    expect(Buffer.compare(records[0]?.value ?? large.key, large.value)).to.equal(0);
  });

  it('refuses more records or bytes at once than its limits', async () => {
    const tiny = record('', '');
    const large = { key: tiny.key, value: new Uint8Array(1_000_000) };
    expect(await failureOf(log().append(P0, new Array(100_001).fill(tiny)))).to.include({ status: 'INVALID_ARGUMENT' });
    expect(await failureOf(log().append(P0, new Array(40).fill(large)))).to.include({ status: 'INVALID_ARGUMENT' });
    expect(await log().endOffset(P0)).to.equal(0);
  });
}

function describeReads(log: CurrentLog): void {
  it('reads from any offset, also in the middle of what was appended at once', async () => {
    for (const [from, to] of [
      [0, 5],
      [5, 6],
      [6, 20],
      [20, 21],
    ] as const)
      await log().append(P0, numbered(from, to));
    for (let offset = 0; offset <= 21; offset++) {
      const expected = Array.from({ length: 21 - offset }, (_, n) => `${offset + n}`);
      expect(await valuesOf(log(), P0, offset)).to.deep.equal(expected);
    }
  });

  it('brings nothing at or past the end, and goes on where it was asked', async () => {
    await log().append(P0, numbered(0, 2));
    expect(await log().read(P0, 2, NO_LIMITS)).to.deep.equal({ records: [], nextOffset: 2 });
    expect(await log().read(P0, 7, NO_LIMITS)).to.deep.equal({ records: [], nextOffset: 7 });
    expect(await log().read(OTHER, 0, NO_LIMITS)).to.deep.equal({ records: [], nextOffset: 0 });
  });

  it('respects its limits, but brings at least one record', async () => {
    await log().append(P0, [record('', 'x'.repeat(10)), record('', 'x'.repeat(10)), record('', 'x'.repeat(50))]);
    await log().append(P0, [record('', 'x'.repeat(10))]);
    const count = async (offset: number, limits: Partial<ReadLimits>): Promise<number> =>
      (await log().read(P0, offset, { ...NO_LIMITS, ...limits })).records.length;
    expect(await count(0, { recordsMax: 2 })).to.equal(2);
    expect(await count(2, { recordsMax: 2 })).to.equal(2);
    expect(await count(0, { recordsMax: 0 })).to.equal(1);
    expect(await count(0, { bytesMax: 20 })).to.equal(2);
    expect(await count(0, { bytesMax: 69 })).to.equal(2);
    expect(await count(0, { bytesMax: 70 })).to.equal(3);
    expect(await count(2, { bytesMax: 0 })).to.equal(1);
    expect(await count(2, { bytesMax: 60 })).to.equal(2);
  });

  it('says where to go on, so that small reads in a row bring each record once', async () => {
    for (let n = 0; n < 40; n += 4) await log().append(P0, numbered(n, n + 4));
    const seen: string[] = [];
    for (let offset = 0; offset < 40;) {
      const { records, nextOffset } = await log().read(P0, offset, { recordsMax: 3, bytesMax: 1_000 });
      expect(nextOffset)
        .to.equal(offset + records.length)
        .and.to.be.greaterThan(offset);
      seen.push(...records.map(textOf));
      offset = nextOffset;
    }
    expect(seen).to.deep.equal(numbered(0, 40).map(textOf));
  });
}

function describeTransactions(log: CurrentLog, marksTransactions: () => boolean): void {
  it('commits to several topics and partitions, and says where (L3)', async () => {
    await log().append(P1, numbered(0, 1));
    const writer = await log().writer('w');
    const result = await writer.commit([
      { target: P0, records: numbered(0, 2) },
      { target: P1, records: numbered(1, 3) },
      { target: OTHER, records: [] },
      { target: P0, records: numbered(2, 3) },
    ]);
    expect(result.offsets).to.deep.equal([0, 1, 0, 2]);
    expect(await valuesOf(log(), P0)).to.deep.equal(['0', '1', '2']);
    expect(await valuesOf(log(), P1)).to.deep.equal(['0', '1', '2']);
    expect(await writer.commit([])).to.deep.equal({ offsets: [] });
  });

  it('makes a transaction readable in every partition at the same time (L3)', async () => {
    const writer = await log().writer('w');
    const committed = writer.commit([
      { target: P0, records: numbered(0, 1) },
      { target: OTHER, records: numbered(0, 1) },
    ]);
    await log().waitFor(OTHER, 0, NEVER);
    if (marksTransactions()) await committed; // Then all partitions show it.
    expect(await valuesOf(log(), P0)).to.deep.equal(['0']);
    await committed;
  });

  it('leaves nothing of a transaction with one bad part (L3), and a dead writer', async () => {
    const writer = await log().writer('w');
    const bad = [
      { target: P0, records: numbered(0, 1) },
      { target: { topic: 'nobody', partition: 0 }, records: numbered(0, 1) },
    ];
    expect(await failureOf(writer.commit(bad))).to.include({ status: 'NOT_FOUND' });
    expect(await log().endOffset(P0)).to.equal(0);
    const later = await failureOf(writer.commit([{ target: P0, records: numbered(0, 1) }]));
    expect(later).to.include({ code: 'THYME_WRITER_DEAD' });
    expect(later.cause).to.include({ status: 'NOT_FOUND' });
    await (await log().writer('w')).commit([{ target: P0, records: numbered(5, 6) }]);
    expect(await valuesOf(log(), P0)).to.deep.equal(['5']);
  });

  it('fences the older of two writers with one id (L4), and no other', async () => {
    const old = await log().writer('w');
    const other = await log().writer('x');
    await old.commit([{ target: P0, records: numbered(0, 1) }]);
    const newer = await log().writer('w');
    expect(newer.epoch).to.be.greaterThan(old.epoch);
    expect(await failureOf(old.commit([{ target: P0, records: numbered(9, 10) }]))).to.include({ status: 'ABORTED', code: 'THYME_FENCED' });
    expect(await failureOf(old.commit([]))).to.be.instanceOf(Error);
    await newer.commit([{ target: P0, records: numbered(1, 2) }]);
    await other.commit([{ target: P0, records: numbered(2, 3) }]);
    expect(await valuesOf(log(), P0)).to.deep.equal(['0', '1', '2']);
  });

  it('decides a race of commit and fence one way or the other, before the newer writer is there (L4)', async () => {
    for (let round = 0; round < 20; round++) {
      const old = await log().writer('w');
      const before = (await valuesOf(log(), P0)).length;
      const racing = old.commit([{ target: P0, records: numbered(0, 1) }]).then(
        () => 1,
        () => 0,
      );
      const newer = await log().writer('w');
      const after = (await valuesOf(log(), P0)).length;
      expect(after).to.equal(before + (await racing));
      await newer.commit([]);
      expect(await failureOf(old.commit([{ target: P0, records: numbered(1, 2) }]))).to.be.instanceOf(Error);
      expect(await valuesOf(log(), P0)).to.have.lengthOf(after);
    }
  });

  it('takes one transaction at a time from a writer, and none once it is closed', async () => {
    const writer = await log().writer('w');
    const first = writer.commit([{ target: P0, records: numbered(0, 1) }]);
    expect(await failureOf(writer.commit([]))).to.be.instanceOf(Error);
    await first;
    const last = writer.commit([{ target: P0, records: numbered(1, 2) }]);
    await writer.close();
    await last;
    expect(await failureOf(writer.commit([]))).to.include({ code: 'THYME_WRITER_CLOSED' });
    expect(await valuesOf(log(), P0)).to.deep.equal(['0', '1']);
  });
}

function describeWaiting(log: CurrentLog): void {
  it('wakes who waits for a record that is appended or committed', async () => {
    const appended = log().waitFor(P0, 0, NEVER);
    await log().append(P0, numbered(0, 1));
    await appended;
    const committed = log().waitFor(P1, 0, NEVER);
    await (await log().writer('w')).commit([{ target: P1, records: numbered(0, 1) }]);
    await committed;
    await log().waitFor(P0, 0, NEVER); // It is there: nothing to wait for.
  });

  it('lets others wait on, until theirs is there or their signal aborts', async () => {
    const abort = new AbortController();
    const woken: string[] = [];
    const second = log()
      .waitFor(P0, 1, NEVER)
      .then(() => woken.push('second'));
    const never = log()
      .waitFor(P0, 5, abort.signal)
      .then(() => woken.push('aborted'));
    const elsewhere = log()
      .waitFor(P1, 0, abort.signal)
      .then(() => woken.push('elsewhere'));
    await log().append(P0, numbered(0, 1));
    expect(woken).to.deep.equal([]);
    await log().append(P0, numbered(1, 2));
    await second;
    expect(woken).to.deep.equal(['second']);
    abort.abort();
    await Promise.all([never, elsewhere]);
    await log().waitFor(P0, 5, abort.signal); // Aborted already.
  });
}

function numbered(from: number, to: number): NewRecord[] {
  return Array.from({ length: to - from }, (_, n) => record(`key ${from + n}`, `${from + n}`));
}

function record(key: string, value: string): NewRecord {
  return { key: Uint8Array.from(Buffer.from(key)), value: Uint8Array.from(Buffer.from(value)) };
}

function textOf({ value }: NewRecord): string {
  return Buffer.from(value).toString();
}

async function valuesOf(log: Log, source: TopicPartition, offset = 0): Promise<string[]> {
  return (await log.read(source, offset, NO_LIMITS)).records.map(textOf);
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('this should have failed');
}
