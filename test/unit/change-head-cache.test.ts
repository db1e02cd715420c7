import { expect } from 'chai';
import fc from 'fast-check';
import { HeadCache } from '../../libs/change/head-cache.js';

describe('head cache', () => {
  it('gives the value that was put last, or none; and keeps the newest', () => {
    const operation = fc.record({
      key: fc.nat({ max: 40 }),
      length: fc.nat({ max: 300 }),
      remove: fc.boolean(),
      fill: fc.nat({ max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
        const cache = new HeadCache(4_096);
        const truth = new Map<string, Uint8Array>();
        for (const { key, length, remove, fill } of operations) {
          const name = String(key);
          if (remove && fill < 64) {
            cache.delete(name);
            truth.delete(name);
          } else {
            const value = new Uint8Array(length).fill(fill);
            cache.put(name, value);
            truth.set(name, value);
            expect(cache.get(name)).to.deep.equal(value);
          }
          for (const [each, value] of truth) {
            const got = cache.get(each);
            if (got !== undefined) expect(got).to.deep.equal(value);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('holds everything while there is room', () => {
    const cache = new HeadCache(1_024 * 1_024);
    for (let i = 0; i < 1_000; i++) cache.put(`k${i}`, new Uint8Array(100).fill(i));
    for (let i = 0; i < 1_000; i++) expect(cache.get(`k${i}`)?.[0]).to.equal(i % 256);
  });

  it('gives a place that was outgrown to the next value of its size', () => {
    const cache = new HeadCache(256 * 1_024);
    for (let length = 100; length < 2_000; length += 100) {
      for (let key = 0; key < 60; key++) cache.put(`k${key}`, new Uint8Array(length).fill(key));
    }
    // All that they left behind is several times as much as there is room for.
    for (let key = 0; key < 500; key++) cache.put(`small${key}`, new Uint8Array(100).fill(key));
    for (let key = 0; key < 60; key++) expect(cache.get(`k${key}`)?.[0], String(key)).to.equal(key);
  });

  it('does not take what would drive out an eighth of the rest', () => {
    const cache = new HeadCache(4_096);
    cache.put('large', new Uint8Array(2_000));
    expect(cache.get('large')).to.equal(undefined);
  });
});
