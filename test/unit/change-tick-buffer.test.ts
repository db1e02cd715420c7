import { expect } from 'chai';
import { TickBuffer } from '../../libs/change/tick-buffer.js';

const MIB = 1_024 * 1_024;

describe('tick buffer', () => {
  it('gives room that nobody else has until it is cleared, aligned to eight bytes', () => {
    const buffer = new TickBuffer();
    for (const round of [1, 2]) {
      const given = Array.from({ length: 3_000 }, (_, index) => buffer.allocate(1 + ((index * 37) % 2_000)).fill(index % 251));
      for (const [index, bytes] of given.entries()) {
        expect(bytes.length).to.equal(1 + ((index * 37) % 2_000));
        expect(bytes.byteOffset % 8).to.equal(0);
        expect(
          bytes.every((byte) => byte === index % 251),
          `round ${round}, ${index}`,
        ).to.equal(true);
      }
      buffer.clear();
    }
  });

  it('uses its memory again, and none of its own for what is large', () => {
    const buffer = new TickBuffer();
    const first = buffer.allocate(100);
    expect(buffer.allocate(MIB).buffer).to.not.equal(first.buffer);
    buffer.clear();
    expect(buffer.allocate(8).buffer).to.equal(first.buffer);
  });
});
