import { expect } from 'chai';
import { murmur3 } from '../../libs/codec/slot.js';
import { GroupTable } from '../../services/aggregator/group-table.js';

const row = (orderOffset: number) => ({ eventTimeUs: 1, orderSource: 0, orderOffset, knownUs: 1, values: [] });

describe('the groups of a tick', () => {
  it('are found by the bytes of their keys, and stay in the order in which they came', () => {
    const table = new GroupTable();
    const expected = new Map<string, number[]>();
    for (let offset = 0; offset < 6_000; offset++) {
      const name = `user_${(offset * 7_919) % 2_000}`;
      table.add(Buffer.from(name), row(offset)); // a key of its own each time: bytes count, not objects
      expected.set(name, [...(expected.get(name) ?? []), offset]);
    }
    const found = table.entries.map(({ key, rows }) => [Buffer.from(key).toString(), rows.map(({ orderOffset }) => orderOffset)]);
    expect(found).to.deep.equal([...expected]);
  });

  it('are told apart where their hashes fall on one place, also where one key begins another', () => {
    const table = new GroupTable();
    const keys = Array.from({ length: 100_000 }, (_, i) => Buffer.from(`k${i}`))
      .filter((key) => (murmur3(key) & 255) === 7)
      .slice(0, 50);
    expect(keys).to.have.length(50);
    for (const key of [...keys, ...keys, Buffer.from('k'), new Uint8Array()]) table.add(key, row(0));
    expect(table.entries.map(({ rows }) => rows.length)).to.deep.equal([...keys.map(() => 2), 1, 1]);
  });
});
