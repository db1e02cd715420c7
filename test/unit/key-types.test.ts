import { expect } from 'chai';
import { checkKeyType } from '../../libs/codec/entity-key.js';
import { isKeyType, KEY_TYPES } from '../../libs/definition/check-common.js';
import type { ScalarKind, ValueType } from '../../libs/schema/value-type.js';

const SCALARS: readonly ScalarKind[] = ['string', 'int', 'float', 'bool', 'bytes', 'timestamp', 'date', 'decimal'];
const TYPES: readonly ValueType[] = [
  ...SCALARS.map((kind): ValueType => ({ kind, optional: false })),
  { kind: 'enum', values: ['a'], optional: false },
  { kind: 'list', of: { kind: 'string', optional: false }, optional: false },
  { kind: 'struct', fields: [], optional: false },
];

describe('types of keys', () => {
  for (const type of TYPES)
    it(`a ${type.kind} is one at commit, in keys' bytes and in what is advised alike`, () => {
      const isEncoded = ((): boolean => {
        try {
          checkKeyType(type, 'key');
          return true;
        } catch {
          return false;
        }
      })();
      expect(isKeyType(type)).to.equal(isEncoded);
      expect(KEY_TYPES.split(/, | or /).includes(`t.${type.kind}`)).to.equal(isEncoded);
    });
});
