import { expect } from 'chai';
import { describeType, sameType, type ValueType } from '../../libs/schema/value-type.js';

const float: ValueType = { kind: 'float', optional: false };

describe('value types', () => {
  it('are described as they are written', () => {
    const place: ValueType = {
      kind: 'struct',
      fields: [
        { name: 'lat', type: float },
        { name: 'kind', type: { kind: 'enum', values: ['a', 'b'], optional: true } },
      ],
      optional: false,
    };
    expect(describeType({ kind: 'list', of: place, optional: true })).to.equal(
      "t.list(t.struct({ lat: t.float, kind: t.enum('a', 'b').optional })).optional",
    );
  });

  it('differ by kind, members and nullability', () => {
    expect(sameType(float, { kind: 'float', optional: false })).to.equal(true);
    expect(sameType(float, { kind: 'int', optional: false })).to.equal(false);
    expect(sameType(float, { kind: 'float', optional: true })).to.equal(false);
  });
});
