import { expect } from 'chai';
import { compileRecordCodec, peekTimes, RECORD_BYTES_MAX, type DatasetRecord } from '../../libs/codec/dataset-record.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Field } from '../../libs/schema/value-type.js';

const fields: readonly Field[] = [
  { name: 'user_id', type: { kind: 'string', optional: false } },
  { name: 'amount', type: { kind: 'float', optional: true } },
];
const codec = compileRecordCodec(fields);
const record: DatasetRecord = { eventTimeUs: 1, appendTimeUs: 2, lane: 'push', historical: false, row: ['u', 1] };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('dataset records', () => {
  // A change here makes every stored record unreadable: a new layout is a new version.
  it('have these bytes, for ever', () => {
    expect(hex(codec.encode(record))).to.equal(
      '0100' + '000000000000f03f' + '0000000000000040' + '0470757368' + '0203' + '0175' + '000000000000f03f',
    );
    expect(hex(codec.encode({ ...record, historical: true, producerId: 'p', sequence: 3, row: ['é', null] }))).to.equal(
      '0103' + '000000000000f03f' + '0000000000000040' + '0470757368' + '0170' + '0000000000000840' + '0201' + '02c3a9',
    );
  });

  it('have these bytes where they are changes of rows (S17), and come back as they were', () => {
    const change: DatasetRecord = { ...record, change: { deleted: false } };
    expect(hex(codec.encode(change))).to.equal(`0200${hex(codec.encode(record)).slice(4)}`);
    const deleted: DatasetRecord = { ...record, producerId: 'p', sequence: 3, change: { deleted: true, timeUs: 5 }, row: ['u', null] };
    expect(hex(codec.encode(deleted))).to.equal(
      '020e' + '000000000000f03f' + '0000000000000040' + '0470757368' + '0170' + '0000000000000840' + '0000000000001440' + '0201' + '0175',
    );
    for (const each of [change, deleted, { ...deleted, historical: true }]) expect(codec.decode(codec.encode(each))).to.deep.equal(each);
  });

  it('tell their times at a glance', () => {
    expect(peekTimes(codec.encode(record))).to.deep.equal({ eventTimeUs: 1, appendTimeUs: 2 });
  });

  it('are read with fields added since, and by those who know fewer (S19)', () => {
    const wider = compileRecordCodec([...fields, { name: 'note', type: { kind: 'string', optional: true } }]);
    expect(wider.decode(codec.encode(record)).row).to.deep.equal(['u', 1, null]);
    expect(codec.decode(wider.encode({ ...record, row: ['u', 1, 'n'] })).row).to.deep.equal(['u', 1]);
  });

  it('of a newer format are refused, never guessed at', () => {
    for (const header of [
      [3, 0],
      [2, 16],
      [1, 4],
    ]) {
      const bytes = codec.encode(record);
      bytes.set(header);
      for (const read of [peekTimes, codec.decode]) {
        expect(() => read(bytes))
          .to.throw(ThymeError, 'upgrade it')
          .that.includes({ code: 'THYME_FORMAT_NEWER', status: 'FAILED_PRECONDITION' });
      }
    }
  });

  it('cut short are damage, never values', () => {
    const bytes = codec.encode({ ...record, producerId: 'p', sequence: 3 });
    for (let length = 0; length < bytes.length; length++)
      expect(() => codec.decode(bytes.subarray(0, length)), String(length)).to.throw(ThymeError, 'damaged');
  });

  it('have limits', () => {
    expect(() => codec.encode({ ...record, producerId: 'p'.repeat(256), sequence: 1 })).to.throw(
      'producer_id: 256 bytes are over the limit of 128',
    );
    expect(() => codec.encode({ ...record, row: ['x'.repeat(RECORD_BYTES_MAX), 1] })).to.throw('over the limit of 1000000');
    expect(codec.decode(codec.encode({ ...record, lane: '', producerId: 'é'.repeat(64), sequence: 0 }))).to.deep.include({
      lane: '',
      producerId: 'é'.repeat(64),
      sequence: 0,
    });
  });
});
