import { expect } from 'chai';
import fc from 'fast-check';
import { compileKeyEncoder, decodeKey } from '../../libs/codec/entity-key.js';
import { ByteWriter } from '../../libs/codec/byte-writer.js';
import { compileRecordCodec, peekTimes } from '../../libs/codec/dataset-record.js';
import { compileRowCodec } from '../../libs/codec/row-codec.js';
import type { Field } from '../../libs/schema/value-type.js';
import { bytesAsText, tableArbitrary } from './schema-arbitrary.js';

describe('codecs', () => {
  it('give rows back from anywhere in a buffer', () => {
    fc.assert(
      fc.property(tableArbitrary, fc.nat(9), ({ fields, rows }, padding) => {
        const [codec, writer] = [compileRowCodec(fields), new ByteWriter()];
        for (const row of rows) {
          writer.clear();
          writer.zeros(padding);
          codec.encode(row, writer);
          expect(bytesAsText(codec.decode(writer.copy(), padding))).to.equal(bytesAsText(row));
        }
      }),
    );
  });

  it('give dataset records back', () => {
    const times = fc.maxSafeInteger().map((value) => value + 0);
    const producer = fc.option(fc.record({ producerId: fc.string({ unit: 'binary', maxLength: 60 }), sequence: times }), { nil: {} });
    const head = fc.record({
      eventTimeUs: times,
      appendTimeUs: times,
      lane: fc.string({ unit: 'binary', maxLength: 60 }),
      historical: fc.boolean(),
    });
    fc.assert(
      fc.property(tableArbitrary, head, producer, ({ fields, rows }, common, by) => {
        const codec = compileRecordCodec(fields);
        for (const row of rows) {
          const bytes = codec.encode({ ...common, ...by, row });
          expect(bytesAsText(codec.decode(bytes))).to.equal(bytesAsText({ ...common, ...by, row }));
          expect(peekTimes(bytes)).to.deep.equal({ eventTimeUs: common.eventTimeUs, appendTimeUs: common.appendTimeUs });
        }
      }),
    );
  });

  it('refuse damage or give a row of the right width, and never run away', () => {
    fc.assert(
      fc.property(tableArbitrary, fc.uint8Array({ maxLength: 60 }), ({ fields }, bytes) => {
        try {
          expect(compileRowCodec(fields).decode(bytes, 0)).to.have.length(fields.length);
        } catch (error) {
          expect(error).to.have.property('code', 'THYME_CORRUPT');
        }
      }),
    );
  });
});

describe('entity keys', () => {
  const fields: readonly Field[] = (['string', 'int', 'bool', 'timestamp', 'date'] as const).map((kind) => ({
    name: kind,
    type: { kind, optional: false },
  }));
  const number = fc.maxSafeInteger().map((value) => value + 0);
  const values = fc.tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), number, fc.boolean(), number, number);

  it('come back, and are one for each list of values', () => {
    const encode = compileKeyEncoder(fields, 'X');
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(decodeKey(encode(a))).to.deep.equal(a);
        expect(Buffer.compare(encode(a), encode(b)) === 0).to.equal(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
});
