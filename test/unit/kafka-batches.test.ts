import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { committedBatches, type AbortedTransaction } from '../../libs/log/kafka/aborted-filter.js';
import { crc32c } from '../../libs/codec/crc32c.js';
import { ProducerSession } from '../../libs/log/kafka/producer-id.js';
import { encodeRecordBatch, openRecordBatches, recordsOf } from '../../libs/log/kafka/record-batch.js';
import type { NewRecord } from '../../libs/log/log.js';

const HEAD_LENGTH = 61;
const ATTRIBUTES_AT = 21;
const CONTROL = 0x20;
const GZIP = 1;

const anyBytes = fc.uint8Array({ maxLength: 300 });
const anyRecords = fc.array(fc.record({ key: anyBytes, value: anyBytes }), { minLength: 1, maxLength: 200 });

describe('a record batch of Kafka', () => {
  it('gives back its records, their offsets, and who wrote them', () => {
    fc.assert(
      fc.property(anyRecords, fc.nat(2 ** 40), fc.boolean(), (records, baseOffset, transactional) => {
        const [batch] = openRecordBatches(placed(records, { baseOffset, producerId: 7_000_000_000, transactional }));
        expect(batch).to.include({
          baseOffset,
          lastOffset: baseOffset + records.length - 1,
          producerId: 7_000_000_000,
          transactional,
          control: false,
        });
        const from = baseOffset + Math.floor(records.length / 2);
        const read = batch === undefined ? [] : recordsOf(batch, from);
        expect(read.map(({ offset }) => offset)).to.deep.equal(
          Array.from({ length: baseOffset + records.length - from }, (_, n) => from + n),
        );
        for (const { offset, key, value } of read)
          expect([[...key], [...value]]).to.deep.equal([
            [...(records[offset - baseOffset]?.key ?? [])],
            [...(records[offset - baseOffset]?.value ?? [])],
          ]);
      }),
      { numRuns: 50 },
    );
  });

  it('has no value where a record has no bytes in it, as a tombstone has to be', () => {
    const valueLengthAt = HEAD_LENGTH + 5; // behind length, attributes, two deltas and the key's length
    const empty = new Uint8Array();
    const tombstone = placed([{ key: empty, value: empty }], { baseOffset: 0, producerId: 1 });
    expect(tombstone.length).to.equal(placed([text('')], { baseOffset: 0, producerId: 1 }).length);
    expect(tombstone[valueLengthAt]).to.equal(1); // -1, zigzag
    expect(placed([{ key: empty, value: Buffer.from('v') }], { baseOffset: 0, producerId: 1 })[valueLengthAt]).to.equal(2);
  });

  it('has the checksum of its standard', () => {
    expect(crc32c(Buffer.from('123456789'))).to.equal(0xe306_9283);
    expect(crc32c(new Uint8Array())).to.equal(0);
    expect(crc32c(new Uint8Array(32))).to.equal(0x8a91_36aa);
  });

  it('is refused where a bit has turned, and left out where it is cut off', () => {
    const whole = placed([text('a'), text('b')], { baseOffset: 3, producerId: 1 });
    const set = Buffer.concat([whole, placed([text('c')], { baseOffset: 5, producerId: 1 })]);
    expect(openRecordBatches(set).map(({ lastOffset }) => lastOffset)).to.deep.equal([4, 5]);
    for (let length = 0; length < set.length; length++)
      expect(openRecordBatches(set.subarray(0, length))).to.have.lengthOf(length < whole.length ? 0 : 1);
    for (let at = ATTRIBUTES_AT; at < whole.length; at++) {
      const turned = Buffer.from(whole);
      turned[at] = (turned[at] ?? 0) ^ 1;
      expect(() => openRecordBatches(turned), `bit of byte ${at}`).to.throw('checksum');
    }
  });

  it('is read when a tool has compressed it with gzip, and refused with the fix otherwise', () => {
    const plain = placed([text('a'), text('b')], { baseOffset: 9, producerId: 1 });
    const compressed = Buffer.concat([plain.subarray(0, HEAD_LENGTH), gzipSync(plain.subarray(HEAD_LENGTH))]);
    compressed.writeUInt32BE(compressed.length - 12, 8);
    const [batch] = openRecordBatches(resealed(compressed, GZIP));
    expect(batch && recordsOf(batch, 0).map(({ value }) => Buffer.from(value).toString())).to.deep.equal(['a', 'b']);
    const [snappy] = openRecordBatches(resealed(compressed, 2));
    expect(() => snappy && recordsOf(snappy, 0)).to.throw('compression.type=producer');
  });
});

describe('the filter of aborted transactions (L3)', () => {
  it('gives what a reader of the whole log would see, for interleaved producers and an unsorted list', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ producer: fc.nat(3), act: fc.constantFrom('write', 'write', 'plain', 'commit', 'abort') }), { maxLength: 60 }),
        fc.nat(),
        fc.nat(),
        (acts, from, length) => {
          const { batches, aborted, committed } = writtenLog(acts);
          const start = batches.length === 0 ? 0 : from % batches.length;
          const fetched = openRecordBatches(Buffer.concat(batches.slice(start, start + 1 + (length % 20))));
          const [first, last] = [fetched[0]?.baseOffset ?? 0, fetched.at(-1)?.lastOffset ?? -1];
          // The broker names those that overlap what it sends, in the order in which they ended.
          const named = aborted.filter(({ firstOffset, lastOffset }) => lastOffset >= first && firstOffset <= last);
          const seen = committedBatches(fetched, named)
            .flatMap((batch) => recordsOf(batch, 0))
            .map(({ offset }) => offset);
          expect(seen).to.deep.equal(committed.filter((offset) => offset >= first && offset <= last));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes a record whose key is four zero bytes for a record', () => {
    const zeros: NewRecord = { key: new Uint8Array(4), value: new Uint8Array() };
    const set = Buffer.concat([
      placed([zeros], { baseOffset: 0, producerId: 1, transactional: true }),
      placed([text('aborted')], { baseOffset: 1, producerId: 1, transactional: true }),
      marker(2, 1, 'abort'),
      placed([zeros], { baseOffset: 3, producerId: 2, transactional: true }),
      marker(4, 2, 'commit'),
    ]);
    const seen = committedBatches(openRecordBatches(set), [{ producerId: 1, firstOffset: 0 }]).map(({ baseOffset }) => baseOffset);
    expect(seen).to.deep.equal([3]);
  });
});

describe('the sequences of a producer', () => {
  it('count for each partition, and go on at 0 after 2^31 - 1, as the broker counts', () => {
    const session = new ProducerSession({ producerId: 1, producerEpoch: 0 }, 2 ** 31 - 3);
    expect(session.takeSequences('orders', 0, 2)).to.equal(2 ** 31 - 3);
    expect(session.takeSequences('orders', 0, 5)).to.equal(2 ** 31 - 1);
    expect(session.takeSequences('orders', 0, 1)).to.equal(4);
    expect(session.takeSequences('orders', 1, 1)).to.equal(2 ** 31 - 3);
  });
});

interface Placed {
  readonly baseOffset: number;
  readonly producerId: number;
  readonly transactional?: boolean;
}

/** A batch as a broker keeps it: with its offset. */
function placed(records: readonly NewRecord[], { baseOffset, producerId, transactional = false }: Placed): Buffer {
  const batch = encodeRecordBatch(records, {
    producerId,
    producerEpoch: 0,
    baseSequence: 0,
    transactional,
    timestampMs: 1_700_000_000_000,
  });
  batch.writeBigInt64BE(BigInt(baseOffset), 0);
  return batch;
}

function marker(baseOffset: number, producerId: number, end: 'commit' | 'abort'): Buffer {
  const key = Uint8Array.of(0, 0, 0, end === 'commit' ? 1 : 0);
  return resealed(placed([{ key, value: new Uint8Array(6) }], { baseOffset, producerId, transactional: true }), CONTROL);
}

/** With these attributes set, and the checksum that goes with them. */
function resealed(batch: Buffer, attributes: number): Buffer {
  const copy = Buffer.from(batch);
  copy.writeUInt16BE(copy.readUInt16BE(ATTRIBUTES_AT) | attributes, ATTRIBUTES_AT);
  copy.writeUInt32BE(crc32c(copy.subarray(ATTRIBUTES_AT)), 17);
  return copy;
}

/** What producers do, as batches; which offsets are committed; transactions that stay open are left out, as a broker does. */
function writtenLog(acts: readonly { readonly producer: number; readonly act: string }[]): {
  batches: Buffer[];
  aborted: (AbortedTransaction & { lastOffset: number })[];
  committed: number[];
} {
  const batches: Buffer[] = [];
  const aborted: (AbortedTransaction & { lastOffset: number })[] = [];
  const committed: number[] = [];
  const open = new Map<number, number[]>();
  const ends = [0, 1, 2, 3].map((producer) => ({ producer, act: 'abort' }));
  let offset = 0;
  for (const { producer, act } of [...acts, ...ends]) {
    const own = open.get(producer) ?? [];
    if (act === 'plain') {
      committed.push(offset);
      batches.push(placed([text('p')], { baseOffset: offset++, producerId: 10 + producer }));
    } else if (act === 'write') {
      open.set(producer, [...own, offset, offset + 1]);
      batches.push(placed([text('a'), text('b')], { baseOffset: offset, producerId: producer, transactional: true }));
      offset += 2;
    } else if (own.length > 0) {
      if (act === 'commit') committed.push(...own);
      else aborted.push({ producerId: producer, firstOffset: own[0] ?? 0, lastOffset: offset });
      open.delete(producer);
      batches.push(marker(offset++, producer, act === 'commit' ? 'commit' : 'abort'));
    }
  }
  return { batches, aborted, committed: committed.toSorted((a, b) => a - b) };
}

function text(value: string): NewRecord {
  return { key: new Uint8Array(), value: Buffer.from(value) };
}
