import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  baseOffsetOfKey,
  batchKey,
  endKey,
  endOfValue,
  endValue,
  partitionOfEndKey,
  topicKey,
  topicOfKey,
  topicOfValue,
  topicValue,
} from '../../libs/log/level/log-keys.js';
import { LogWaiters } from '../../libs/log/log-waiters.js';
import { encodeRecords, openBatch } from '../../libs/log/level/record-batch.js';
import { PartitionTail, TailCache } from '../../libs/log/level/tail-cache.js';

const offset = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(1_000),
  fc.nat(4).map((n) => 2 ** 32 - 2 + n),
);
const id = fc.record({ topicId: fc.nat(0xffff_ffff), partition: fc.nat(65_534) });

describe('the keys of the log', () => {
  it('have the bytes that are drawn', () => {
    const partition = { topicId: 0x01020304, partition: 0x0506 };
    expect(hex(batchKey(partition, 2 ** 40 + 7))).to.equal('04' + '01020304' + '0506' + '0000010000000007');
    expect(hex(endKey(partition))).to.equal('02' + '01020304' + '0506');
    expect(hex(topicKey('ab'))).to.equal('01' + '6162');
    expect(hex(topicValue(7, 256))).to.equal('00000007' + '0100');
  });

  it('come back, and order the batches of a partition by offset', () => {
    fc.assert(
      fc.property(id, offset, offset, (partition, a, b) => {
        expect(baseOffsetOfKey(batchKey(partition, a))).to.equal(a);
        expect(endOfValue(endValue(a))).to.equal(a);
        expect(partitionOfEndKey(endKey(partition))).to.deep.equal(partition);
        expect(Math.sign(Buffer.compare(batchKey(partition, a), batchKey(partition, b)))).to.equal(Math.sign(a - b));
      }),
    );
    expect(topicOfKey(topicKey('orders'))).to.equal('orders');
    expect(topicOfValue(topicValue(9, 65_535))).to.deep.equal({ topicId: 9, partitions: 65_535 });
  });

  it('refuse what does not fit', () => {
    for (const bad of [-1, 1.5, 2 ** 53]) expect(() => batchKey({ topicId: 1, partition: 0 }, bad)).to.throw();
    expect(() => batchKey({ topicId: 1, partition: 65_535 }, 0)).to.throw();
  });
});

describe('a batch of records', () => {
  it('has the bytes that are drawn', () => {
    const bytes = encodeRecords([{ key: Uint8Array.of(0xaa), value: Uint8Array.of(0xbb, 0xcc) }]);
    expect(hex(bytes)).to.match(/^01.{8}000000010000000100000002aabbcc$/);
  });

  it('has memory of its own, so that the tail, which keeps it, keeps nothing else', () => {
    for (const length of [1, 100, 3_000, 100_000]) {
      const bytes = encodeRecords([{ key: new Uint8Array(0), value: new Uint8Array(length) }]);
      expect(bytes.buffer.byteLength).to.equal(bytes.length);
    }
  });

  it('is refused when any of its bits is turned', () => {
    const bytes = encodeRecords([
      { key: Uint8Array.of(1), value: Uint8Array.of(2) },
      { key: Uint8Array.of(), value: Uint8Array.of() },
    ]);
    expect(openBatch(5, bytes).count).to.equal(2);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Uint8Array.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openBatch(5, damaged)).to.throw('offset 5');
    }
  });
});

describe('the tail of the log', () => {
  it('never holds more bytes than it may, and of each partition the newest without gaps', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 5 }), fc.nat(900)), { maxLength: 300 }), (appends) => {
        const cache = new TailCache(4_000);
        const partitions = Array.from({ length: 3 }, () => ({ tail: new PartitionTail(), end: 0 }));
        for (const [index, count, size] of appends) {
          const partition = partitions[index];
          if (partition === undefined) continue;
          cache.add(partition.tail, { baseOffset: partition.end, count, bytes: new Uint8Array(size) });
          partition.end += count;
          expect(cache.bytes).to.be.at.most(4_000);
        }
        for (const { tail, end } of partitions) {
          const found = Array.from({ length: end }, (_, n) => tail.find(n) !== undefined);
          expect(found.indexOf(true)).to.equal(found.includes(true) ? found.lastIndexOf(false) + 1 : -1);
          expect(tail.find(end)).to.equal(undefined);
        }
      }),
    );
  });
});

describe('waiting for records', () => {
  it('is no leak to Node, with one signal for many partitions', () => {
    const abort = new AbortController();
    const warned: string[] = [];
    const emitWarning = process.emitWarning;
    process.emitWarning = (warning: string | Error) => void warned.push(String(warning));
    try {
      for (let n = 0; n < 50; n++) void new LogWaiters().wait(0, abort.signal);
    } finally {
      process.emitWarning = emitWarning;
    }
    abort.abort();
    expect(warned).to.deep.equal([]);
  });

  it('leaves no waiter and no listener behind, however it ends', async () => {
    const waiters = new LogWaiters();
    const abort = new AbortController();
    const listeners = (): number => getEventListeners(abort.signal, 'abort').length;
    const waits = [0, 1, 2].map((n) => waiters.wait(n, abort.signal));
    expect([waiters.size, listeners()]).to.deep.equal([3, 3]);
    waiters.wake(1);
    await waits[0];
    expect([waiters.size, listeners()]).to.deep.equal([2, 2]);
    waiters.wakeAll();
    await Promise.all(waits);
    expect([waiters.size, listeners()]).to.deep.equal([0, 0]);
    const aborted = waiters.wait(0, abort.signal);
    abort.abort();
    await aborted;
    await waiters.wait(0, abort.signal);
    expect([waiters.size, listeners()]).to.deep.equal([0, 0]);
  });
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
