import { expect } from 'chai';
import { seenKey } from '../../libs/change/state-keys.js';
import { formerProducerId, ownedProducerId } from '../../libs/codec/owned-producer.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { SeenSequences } from '../../services/aggregator/seen-sequences.js';
import { SEQUENCE_JUMP_MAX, SequenceJumps } from '../../services/ingest/sequence-jumps.js';

describe('producers (S13)', () => {
  it('are apart by the key, and without one what they were', () => {
    const stored = [undefined, 'aaaaaaaa', 'bbbbbbbb'].flatMap((key) =>
      [true, false].map((required) => ownedProducerId('till', key, required)),
    );
    expect(new Set(stored).size).to.equal(5);
    expect(ownedProducerId('till', undefined, false)).to.equal('till');
    for (const id of stored.slice(2)) expect(() => ownedProducerId(id, undefined, false)).to.throw('control character');
  });

  it('that had to show a key go on with what they had before; those that need not do not', async () => {
    const store = new MemoryStore();
    const window = Buffer.alloc(8 + 512);
    window.writeDoubleLE(41, 0);
    const batch = store.batch();
    batch.put(seenKey(1, 0, 'till'), window);
    await batch.write({ sync: false });
    const seen = new SeenSequences(1, 0, store);
    expect(seen.observe(ownedProducerId('till', 'aaaaaaaa', true), 41), 'a retry across the upgrade').to.equal('seen');
    expect(seen.observe(ownedProducerId('till', 'aaaaaaaa', true), 42)).to.equal('new');
    expect(seen.observe(ownedProducerId('till', 'bbbbbbbb', true), 42), 'windows are apart from there').to.equal('new');
    expect(seen.observe(ownedProducerId('till', 'aaaaaaaa', false), 41)).to.equal('new');
    expect(formerProducerId('till')).to.equal(undefined);
  });

  it('go on with records of the very tick in which they change over', () => {
    const seen = new SeenSequences(1, 0, new MemoryStore());
    expect(seen.observe('till', 9)).to.equal('new');
    const owned = ownedProducerId('till', 'aaaaaaaa', true);
    expect([seen.observe(owned, 9), seen.observe(owned, 10), seen.observe('till', 10)]).to.deep.equal(['seen', 'new', 'new']);
  });

  it('may leave out 2^32 sequences and no more, each in each dataset', () => {
    const jumps = new SequenceJumps();
    jumps.check('D', 'p', Number.MAX_SAFE_INTEGER); // the first may be any
    jumps.note('D', 'p', 10);
    jumps.check('D', 'p', 10 + SEQUENCE_JUMP_MAX);
    expect(() => jumps.check('D', 'p', 11 + SEQUENCE_JUMP_MAX)).to.throw('more than 2^32 beyond 10');
    jumps.check('E', 'p', 11 + SEQUENCE_JUMP_MAX);
    jumps.note('D', 'p', 5); // an old batch again
    jumps.check('D', 'p', 10 + SEQUENCE_JUMP_MAX);
    for (let i = 0; i < 10_000; i++) jumps.note('D', `q${i}`, 0);
    jumps.check('D', 'p', Number.MAX_SAFE_INTEGER); // forgotten: memory is bounded
    expect(() => jumps.check('D', 'q9999', SEQUENCE_JUMP_MAX + 1)).to.throw('2^32');
  });
});
