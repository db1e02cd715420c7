import { expect } from 'chai';
import fc from 'fast-check';
import { laneKey, seenKey } from '../../libs/change/state-keys.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { HopTable } from '../../services/aggregator/hop-table.js';
import { LaneWatermarks } from '../../services/aggregator/lane-watermarks.js';
import { decodeRekeyMessage, RekeyPacker } from '../../services/aggregator/rekey-message.js';
import { SeenSequences, SEQUENCES_REMEMBERED } from '../../services/aggregator/seen-sequences.js';
import { compileRowCodec } from '../../libs/codec/row-codec.js';

describe('seen sequences (S13)', () => {
  it('judge as a set of all that was seen does, within what is remembered', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -3, max: 40 }) },
      { weight: 1, arbitrary: fc.integer({ min: 4_000, max: 9_000 }) },
      { weight: 3, arbitrary: fc.integer({ min: -4_200, max: 0 }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const sequences = new SeenSequences(1, 0, new MemoryStore());
        const seen = new Set<number>();
        let highest = Number.NEGATIVE_INFINITY;
        for (const change of steps) {
          const sequence = (Number.isFinite(highest) ? highest : 0) + change;
          const expected = sequence < highest - SEQUENCES_REMEMBERED ? 'forgotten' : seen.has(sequence) ? 'seen' : 'new';
          expect(sequences.observe('p', sequence)).to.equal(expected);
          if (expected !== 'new') continue;
          seen.add(sequence);
          highest = Math.max(highest, sequence);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('go on from what was stored', async () => {
    const store = new MemoryStore();
    const first = new SeenSequences(1, 2, store);
    for (const sequence of [5, 7, 9]) first.observe('p', sequence);
    const [change] = first.takeChanges();
    if (change?.kind !== 'seen') throw new Error('no change');
    expect(first.takeChanges(), 'nothing more has changed').to.deep.equal([]);
    const bytes = Buffer.alloc(8 + change.bitmap.length);
    bytes.writeDoubleLE(change.highest);
    bytes.set(change.bitmap, 8);
    const batch = store.batch();
    batch.put(seenKey(1, 2, 'p'), bytes);
    await batch.write({ sync: false });
    const second = new SeenSequences(1, 2, store);
    expect([5, 6, 7, 8, 9, 10].map((sequence) => second.observe('p', sequence))).to.deep.equal([
      'seen',
      'new',
      'seen',
      'new',
      'seen',
      'new',
    ]);
    expect(second.observe('q', 5), 'another producer').to.equal('new');
  });
});

describe('lane watermarks (S10)', () => {
  it('are the highest min(event time, append time) of their lane, and never decrease', async () => {
    const store = new MemoryStore();
    const lanes = new LaneWatermarks(1, 0, store);
    expect(lanes.observe('push', 100, 50)).to.equal(Number.NEGATIVE_INFINITY);
    expect(lanes.observe('push', 40, 60), 'a fast clock does not push it past the present').to.equal(50);
    expect(lanes.observe('push', 45, 70)).to.equal(50);
    expect(lanes.observe('shard', 10, 70), 'lanes do not share').to.equal(Number.NEGATIVE_INFINITY);
    const changes = lanes.takeChanges();
    expect(changes).to.deep.equal([
      { kind: 'lane', readerId: 1, partition: 0, lane: 'push', watermarkUs: 50 },
      { kind: 'lane', readerId: 1, partition: 0, lane: 'shard', watermarkUs: 10 },
    ]);
    const batch = store.batch();
    batch.put(laneKey(1, 0, 'push'), Buffer.from('50'));
    await batch.write({ sync: false });
    expect(new LaneWatermarks(1, 0, store).observe('push', 1, 1)).to.equal(50);
  });
});

describe('hop table', () => {
  const own = { source: 1, nextOffset: 10, caughtUp: true };

  it('stage 1 hears of a source from its own task', () => {
    const hops = new HopTable(1, 3);
    expect(hops.through(1, 1, own)).to.deep.equal(own);
    expect(hops.through(1, 0, own)).to.deep.equal({ source: 0, nextOffset: 0, caughtUp: false });
    hops.hear(0, { stage: 1, sources: [{ source: 0, nextOffset: 5, caughtUp: true }] });
    expect(hops.through(1, 0, own)).to.deep.equal({ source: 0, nextOffset: 5, caughtUp: true });
  });

  it('a later stage has seen through what the slowest sender has', () => {
    const hops = new HopTable(1, 3);
    hops.hear(0, { stage: 2, sources: [{ source: 1, nextOffset: 8, caughtUp: true }] });
    expect(hops.through(2, 1, own), 'sender 2 has said nothing').to.include({ nextOffset: 0, caughtUp: false });
    hops.hear(2, { stage: 2, sources: [{ source: 1, nextOffset: 7, caughtUp: true }] });
    expect(hops.through(2, 1, own)).to.deep.equal({ source: 1, nextOffset: 7, caughtUp: true });
    expect(hops.toHops(4)).to.have.length(2);
  });
});

describe('rekey message', () => {
  it('comes back as it was, split where it grows too large, with what was seen through in the last', () => {
    const rows = compileRowCodec([{ name: 'text', type: { kind: 'string', optional: false } }]);
    const packer = new RekeyPacker(6);
    const text = 'x'.repeat(60_000);
    for (let i = 0; i < 20; i++)
      packer.add(
        3,
        1,
        { eventTimeUs: i, appendTimeUs: i + 1, historical: i % 2 === 0, orderSource: 4_098, orderOffset: i, row: [text] },
        rows,
      );
    const through = [{ readerId: 3, stage: 1, sources: [{ source: 0, nextOffset: 20, caughtUp: true }] }];
    const messages = packer.finish(through).map(decodeRekeyMessage);
    expect(messages.length).to.be.greaterThan(1);
    expect(messages.map(({ revision }) => revision)).to.deep.equal(messages.map(() => 6));
    expect(messages.flatMap(({ through: heard }) => heard)).to.deep.equal(through);
    expect(messages.at(-1)?.through).to.deep.equal(through);
    const records = messages.flatMap((message) => message.records);
    expect(records.map(({ orderOffset }) => orderOffset)).to.deep.equal(Array.from({ length: 20 }, (_, i) => i));
    expect(records[1]).to.include({ readerId: 3, stage: 1, eventTimeUs: 1, appendTimeUs: 2, historical: false, orderSource: 4_098 });
    expect(rows.decode(records[0]?.rowBytes ?? new Uint8Array(), 0)).to.deep.equal([text]);
  });

  it('carries versions of rows that begin and end in a format of their own, in the order they were sent (S17)', () => {
    const rows = compileRowCodec([]);
    const packer = new RekeyPacker(6);
    const record = { eventTimeUs: 5, appendTimeUs: 6, historical: false, orderSource: 1, row: [] };
    const changes = [
      undefined,
      { kind: 'ends', endUs: 9, knownUs: 10 },
      { kind: 'begins', startUs: 9, knownUs: 10 },
      { kind: 'begins', startUs: undefined, knownUs: 11 },
      undefined,
    ] as const;
    changes.forEach((change, orderOffset) => {
      packer.add(3, 1, { ...record, orderOffset, change }, rows);
    });
    const messages = packer.finish([]);
    expect(messages.map((message) => message[0])).to.deep.equal([1, 2, 1]);
    const decoded = messages.flatMap((message) => decodeRekeyMessage(message).records);
    expect(decoded.map(({ orderOffset, change }) => [orderOffset, change])).to.deep.equal(
      changes.map((change, offset) => [offset, change]),
    );
    const newer = Uint8Array.from(messages[0] ?? []);
    newer[0] = 4;
    expect(() => decodeRekeyMessage(newer)).to.throw('upgrade it');
  });

  it('is nothing where there is nothing to say', () => {
    expect(new RekeyPacker(1).finish([])).to.deep.equal([]);
  });
});
