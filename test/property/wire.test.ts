import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect } from 'chai';
import fc from 'fast-check';
import { ValueSchema } from '../../gen/thyme/v1/values_pb.js';
import { compileValueReader } from '../../libs/schema/read-value.js';
import { decodeDefinitions, encodeDefinitions } from '../../libs/wire/definitions.js';
import { decodeRevision, encodeRevision } from '../../libs/wire/revisions.js';
import { plainFromProto } from '../../libs/wire/untyped-values.js';
import { valueFromProto, valueToProto } from '../../libs/wire/values.js';
import { definitions, revisions, valuesOf, valueTypes } from './wire-arbitrary.js';

describe('the wire, over random data', () => {
  it('carries definitions there and back', () => {
    fc.assert(
      fc.property(definitions, (original) => {
        expect(decodeDefinitions(encodeDefinitions(original))).to.deep.equal(original);
      }),
    );
  });

  it('carries revisions there and back', () => {
    fc.assert(
      fc.property(revisions, (original) => {
        expect(decodeRevision(encodeRevision(original))).to.deep.equal(original);
      }),
    );
  });

  it('carries values of every type there and back', () => {
    fc.assert(
      fc.property(typedValues, ({ type, value }) => {
        const bytes = toBinary(ValueSchema, valueToProto(value, type));
        expect(valueFromProto(fromBinary(ValueSchema, bytes), type, 'value')).to.deep.equal(value);
      }),
    );
  });

  it('gives a reader of the schema what it needs to read the same value, to the microsecond (S1)', () => {
    const readable = typedValues.filter(({ value }) => !Object.is(value, -0));
    fc.assert(
      fc.property(readable, ({ type, value }) => {
        const plain = plainFromProto(fromBinary(ValueSchema, toBinary(ValueSchema, valueToProto(value, type))), 'value');
        expect(compileValueReader(type, 'value')(plain)).to.deep.equal(positiveZeros(value));
      }),
    );
  });
});

const typedValues = valueTypes.chain((type) => valuesOf(type).map((value) => ({ type, value })));

type Nested = null | string | number | boolean | Uint8Array | readonly Nested[];

/** A reader makes 0 of −0 wherever it stands. */
function positiveZeros(value: Nested): Nested {
  if (Array.isArray(value)) return value.map(positiveZeros);
  return typeof value === 'number' ? value + 0 : value;
}
