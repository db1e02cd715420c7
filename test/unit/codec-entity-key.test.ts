import { expect } from 'chai';
import { keyFromText, keyValuesFrom } from '../../libs/codec/entity-id.js';
import { checkKeyType, compileKeyEncoder, decodeKey, KEY_BYTES_MAX } from '../../libs/codec/entity-key.js';
import { murmur3, partitionOf, SLOT_COUNT, slotOf } from '../../libs/codec/slot.js';
import type { Field, ScalarKind, Value, ValueType } from '../../libs/schema/value-type.js';

const scalar = (kind: ScalarKind): ValueType => ({ kind, optional: false });
const keyFields = (...kinds: ScalarKind[]): readonly Field[] => kinds.map((kind, i) => ({ name: `k${i}`, type: scalar(kind) }));
const encode = (kinds: ScalarKind[], values: readonly Value[]): Uint8Array => compileKeyEncoder(keyFields(...kinds), 'Order')(values);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('entity keys', () => {
  // A change here changes where every stored record lies: never change a vector.
  it('have these bytes and slots, for ever', () => {
    const vectors: [ScalarKind[], readonly Value[], string, number][] = [
      [['string'], ['user_42'], '010007757365725f3432', 80],
      [['string'], ['é'], '010002c3a9', 769],
      [['int'], [42], '02800000000000002a', 754],
      [['int'], [0], '028000000000000000', 629],
      [['int'], [-1], '027fffffffffffffff', 309],
      [['int'], [Number.MAX_SAFE_INTEGER], '02801fffffffffffff', 525],
      [['bool', 'string'], [true, 'a'], '030101000161', 804],
      [['timestamp'], [1_767_225_600_000_000], '048006474846204000', 685],
      [['date'], [-1], '057fffffffffffffff', 235],
    ];
    expect(vectors.map(([kinds, values]) => [hex(encode(kinds, values)), slotOf(encode(kinds, values))])).to.deep.equal(
      vectors.map(([, , bytes, slot]) => [bytes, slot]),
    );
    for (const [kinds, values] of vectors) expect(decodeKey(encode(kinds, values))).to.deep.equal(values);
  });

  it('order ints as numbers', () => {
    const ascending = [Number.MIN_SAFE_INTEGER, -(2 ** 32) - 1, -(2 ** 32), -1, 0, 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER].map((n) =>
      encode(['int'], [n]),
    );
    expect([...ascending].sort(Buffer.compare)).to.deep.equal(ascending);
  });

  it('have limits', () => {
    expect(encode(['string'], ['x'.repeat(KEY_BYTES_MAX - 3)])).to.have.length(KEY_BYTES_MAX);
    expect(() => encode(['string'], ['x'.repeat(KEY_BYTES_MAX - 2)])).to.throw(
      'Order.k0: the key would have 1025 bytes, over the limit of 1024',
    );
    expect(() => encode(['string', 'int'], ['x'.repeat(KEY_BYTES_MAX - 3), 1])).to.throw('Order.k1: the key would have 1033 bytes');
    expect(() => encode(['string'], ['é'.repeat(511)])).to.throw('1025 bytes');
    expect(() => encode(['string'], [''])).to.throw('Order.k0: empty');
    expect(() => encode(['int'], [null])).to.throw('Order.k0: required');
    for (const kind of ['float', 'decimal', 'bytes'] as const)
      expect(() => checkKeyType(scalar(kind), 'Order.k')).to.throw('cannot be a key');
    expect(() => checkKeyType({ kind: 'string', optional: true }, 'Order.k')).to.throw('remove .optional');
  });

  it('are refused when damaged', () => {
    for (const bytes of ['00', '06', '01', '010005aa', '0280', '03', '02ffffffffffffffff'])
      expect(() => decodeKey(Buffer.from(bytes, 'hex')), bytes).to.throw('damaged');
  });
});

describe('entity ids of requests (REST 8)', () => {
  it('are coerced to the type of the key', () => {
    const cases: [ScalarKind, unknown, Value][] = [
      ['int', '42', 42],
      ['int', 42, 42],
      ['int', '-7', -7],
      ['int', 42n, 42],
      ['string', 42, '42'],
      ['string', 'user_42', 'user_42'],
      ['string', '042', '042'],
      ['bool', 'true', true],
      ['timestamp', '1767225600', 1_767_225_600_000_000],
      ['date', '1970-01-02', 1],
    ];
    for (const [kind, input, value] of cases) expect(keyFromText(scalar(kind), input, 'entity_id'), String(input)).to.equal(value);
    expect(keyFromText({ kind: 'enum', values: ['1', '2'], optional: false }, 2, 'entity_id')).to.equal('2');
  });

  it('are refused where they do not fit', () => {
    const cases: [ScalarKind, unknown][] = [
      ['int', 'x'],
      ['int', '4.0'],
      ['int', '042'],
      ['int', ''],
      ['int', '9007199254740992'],
      ['int', 1.5],
      ['int', null],
      ['int', true],
      ['string', ''],
      ['string', 1.5],
      ['string', 2 ** 53],
      ['string', true],
      ['string', undefined],
      ['bool', 1],
      ['date', 'x'],
      ['float', 1],
    ];
    for (const [kind, input] of cases)
      expect(() => keyFromText(scalar(kind), input, 'entity_ids[3]'), `${kind} ${String(input)}`).to.throw(/^entity_ids\[3\]: /);
    expect(() => keyFromText(scalar('int'), 'x', 'entity_id')).to.throw(
      'entity_id: expected an int, got text "x": send digits, such as 42',
    );
  });

  it('are objects or lists for a composite key', () => {
    const fields = keyFields('string', 'int');
    expect(keyValuesFrom(fields, { k1: '5', k0: 'a' }, 'entity_id')).to.deep.equal(['a', 5]);
    expect(keyValuesFrom(fields, ['a', 5], 'entity_id')).to.deep.equal(['a', 5]);
    expect(keyValuesFrom(keyFields('string'), 'a', 'entity_id')).to.deep.equal(['a']);
    expect(keyValuesFrom(keyFields('string'), { k0: 'a' }, 'entity_id')).to.deep.equal(['a']);
    expect(() => keyValuesFrom(fields, 'a', 'entity_id')).to.throw("the key is 'k0', 'k1', got text \"a\"");
    expect(() => keyValuesFrom(fields, ['a'], 'entity_id')).to.throw('1 values for a key');
    expect(() => keyValuesFrom(fields, { k0: 'a' }, 'entity_id')).to.throw('entity_id.k1');
    expect(() => keyValuesFrom(fields, { k0: 'a', k1: 1, k2: 2 }, 'entity_id')).to.throw("'k2' is not part of the key");
  });
});

describe('slots', () => {
  it('are MurmurHash3 as published', () => {
    const vectors: [string, number][] = [
      ['', 0],
      ['a', 0x3c2569b2],
      ['ab', 0x9bbfd75f],
      ['abc', 0xb3dd93fa],
      ['hello', 0x248bfa47],
      ['hello, world', 0x149bbb7f],
      ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
    ];
    for (const [text, hash] of vectors) expect(murmur3(Buffer.from(text)), text).to.equal(hash);
  });

  it('are shared out evenly and in ranges', () => {
    for (const partitions of [1, 2, 3, 8, 12, 1_024]) {
      const counts = new Map<number, number>();
      let previous = 0;
      for (let slot = 0; slot < SLOT_COUNT; slot++) {
        const partition = partitionOf(slot, partitions);
        expect(partition).to.be.within(previous, previous + 1);
        counts.set(partition, (counts.get(partition) ?? 0) + 1);
        previous = partition;
      }
      expect([...counts.keys()]).to.have.length(partitions);
      expect(Math.max(...counts.values()) - Math.min(...counts.values())).to.be.at.most(1);
    }
  });

  it('spread keys that differ in their last digits', () => {
    const counts = new Array<number>(8).fill(0);
    for (let i = 0; i < 80_000; i++) {
      const partition = partitionOf(slotOf(encode(['string'], [`user_${i}`])), 8);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    for (const count of counts) expect(count).to.be.within(9_500, 10_500);
  });
});
