import { expect } from 'chai';
import { EntityKeys } from '../../libs/feature/entity-keys.js';
import type { Field, ValueType } from '../../libs/schema/value-type.js';

function keysOf(...types: readonly ValueType[]): EntityKeys {
  return new EntityKeys(
    types.map((type, i): Field => ({ name: `k${i}`, type })),
    'Key',
  );
}

const string: ValueType = { kind: 'string', optional: false };
const int: ValueType = { kind: 'int', optional: false };
const timestamp: ValueType = { kind: 'timestamp', optional: false };
const level: ValueType = { kind: 'enum', values: ['u1', 'u2'], optional: false };

describe('entity keys', () => {
  it('of the row that is evaluated are not made again for its own id, where they must be the same', () => {
    const user = keysOf(string).read('u1', 'id');
    expect(keysOf(string).readLike(user, 'u1', 'id')).to.equal(user);
    expect(keysOf(string).readLike(keysOf(level).read('u1', 'id'), 'u1', 'id')).to.deep.equal(user);
  });

  it('are read whatever the row is, as if there were none', () => {
    const rows = [
      keysOf(string).read('7', 'id'),
      keysOf(int).read(7, 'id'),
      keysOf(timestamp).read(7, 'id'),
      keysOf(level).read('u2', 'id'),
      keysOf(string, int).read(['u1', 7], 'id'),
    ];
    const asked: readonly (readonly [EntityKeys, unknown])[] = [
      [keysOf(string), '7'],
      [keysOf(string), 7],
      [keysOf(string), 'u1'],
      [keysOf(string), { k0: '7' }],
      [keysOf(int), 7],
      [keysOf(int), '7'],
      [keysOf(timestamp), 7],
      [keysOf(level), 'u2'],
      [keysOf(string, int), ['u1', 7]],
    ];
    for (const row of rows) for (const [keys, id] of asked) expect(keys.readLike(row, id, 'id')).to.deep.equal(keys.read(id, 'id'));
    expect(() => keysOf(level).readLike(keysOf(string).read('u3', 'id'), 'u3', 'id')).to.throw('id');
  });
});
