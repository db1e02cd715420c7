import { expect } from 'chai';
import fc from 'fast-check';
import { murmur3 } from '../../libs/codec/slot.js';
import { RowCache } from '../../services/aggregator/row-cache.js';

const keyOf = (id: number): Buffer => Buffer.from(`order_${id}`);

describe('the cache of current rows', () => {
  it('has what was put last for a key, or nothing, whatever was driven out, grew, shrank or went', () => {
    const step = fc.record({ id: fc.nat({ max: 400 }), length: fc.nat({ max: 300 }), fill: fc.nat({ max: 255 }), isDelete: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 1_500, size: 'max' }), fc.constantFrom(4_096, 32_768, 1_048_576), (steps, bytesMax) => {
        const cache = new RowCache(bytesMax);
        const expected = new Map<number, Buffer>();
        for (const { id, length, fill, isDelete } of steps) {
          const key = keyOf(id);
          if (isDelete && length < 30) {
            cache.delete(key, murmur3(key));
            expected.delete(id);
          } else {
            const value = Buffer.alloc(length, fill);
            cache.put(key, murmur3(key), value);
            expected.set(id, value);
          }
          const found = cache.get(key, murmur3(key));
          if (found !== undefined) expect(Buffer.compare(found, expected.get(id)!)).to.equal(0);
        }
        for (let id = 0; id <= 400; id++) {
          const found = cache.get(keyOf(id), murmur3(keyOf(id)));
          if (found !== undefined) expect(Buffer.compare(found, expected.get(id) ?? Buffer.of(1, 2, 3)), String(id)).to.equal(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('keeps what fits, and the newest of what does not', () => {
    const cache = new RowCache(1_048_576);
    const value = Buffer.alloc(80, 7);
    const put = (id: number): void => {
      cache.put(keyOf(id), murmur3(keyOf(id)), value);
    };
    const kept = (from: number, to: number): number => {
      let count = 0;
      for (let id = from; id < to; id++) if (cache.get(keyOf(id), murmur3(keyOf(id))) !== undefined) count++;
      return count;
    };
    for (let id = 0; id < 8_000; id++) put(id);
    for (let id = 0; id < 8_000; id++) put(id); // in their places
    expect(kept(0, 8_000)).to.be.at.least(7_900);
    for (let id = 8_000; id < 40_000; id++) put(id);
    expect(kept(0, 8_000)).to.equal(0);
    expect(kept(33_000, 40_000)).to.be.at.least(6_900);
  });

  it('has not what is too large for it, and forgets what that was before', () => {
    const cache = new RowCache(65_536);
    const key = keyOf(1);
    cache.put(key, murmur3(key), Buffer.of(1));
    cache.put(key, murmur3(key), Buffer.alloc(5_000));
    expect(cache.get(key, murmur3(key))).to.equal(undefined);
  });
});
