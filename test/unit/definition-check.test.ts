import { expect } from 'chai';
import { checkDefinitions } from '../../libs/definition/check.js';
import { PROBLEMS_MAX } from '../../libs/definition/limits.js';
import { COUNT, feature, signals, kafka, RIGHT, steps, column, eq, join, joined, other, FROM } from './definition-check-module.js';

describe('checkDefinitions', () => {
  it('finds nothing in a module that is right', () => {
    expect(checkDefinitions(RIGHT)).to.deep.equal([]);
    expect(checkDefinitions({ ...RIGHT, sources: [kafka] })).to.deep.equal([]);
    expect(checkDefinitions({ ...RIGHT, ...joined(join(['user_id'])) })).to.deep.equal([]);
    expect(checkDefinitions({ ...RIGHT, featuresets: [signals([FROM]), other([COUNT])] })).to.deep.equal([]);
  });

  it('stops at so many problems, and says that there are more', () => {
    const wrong = Array.from({ length: 1_000 }, (_, i) => feature(`f${i}`, i + 10, { ref: { dataset: 'Stats', field: `no_field_${i}` } }));
    const problems = checkDefinitions({ ...RIGHT, featuresets: [signals([...wrong, COUNT])] });
    expect(problems).to.have.length(PROBLEMS_MAX + 1);
    expect(problems.at(-1)).to.deep.equal({
      place: 'module',
      message: `it has more than ${PROBLEMS_MAX} problems`,
      fix: 'mend these, and ask again',
    });
  });

  it('reports what builds on a problem once', () => {
    const broken = steps(
      { kind: 'assign', columns: [{ name: 'x', value: column('nope') }] },
      { kind: 'filter', where: eq(column('x'), column('x')) },
      { kind: 'filter', where: eq(column('note'), column('items')) },
    );
    expect(checkDefinitions({ ...RIGHT, ...broken }).map(({ place }) => place)).to.deep.equal([
      'Stats.all, step 1 (assign)',
      'Stats.all, step 3 (filter)',
    ]);
  });
});
