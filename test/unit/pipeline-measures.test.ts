import { expect } from 'chai';
import type { Aggregation, PipelineDefinition } from '../../libs/definition/definitions.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Expression } from '../../libs/expression/expression.js';
import { finishAnswer } from '../../libs/pipeline/answers.js';
import { compileFromColumn, compileToColumn } from '../../libs/pipeline/column-values.js';
import { KeyLineage } from '../../libs/pipeline/key-lineage.js';
import { compileMeasures } from '../../libs/pipeline/measure-values.js';
import { measuresOf, questionsOf, shapeOf } from '../../libs/pipeline/measures.js';
import type { Field, Value, ValueType } from '../../libs/schema/value-type.js';

const fields: readonly Field[] = [
  { name: 'amount', type: { kind: 'float', optional: true } },
  { name: 'kind', type: { kind: 'string', optional: true } },
  { name: 'paid', type: { kind: 'bool', optional: false } },
];
const paid: Expression = { kind: 'column', name: 'paid' };
const aggregations: readonly Aggregation[] = [
  { field: 'n', operator: 'count', windowUs: 5 },
  { field: 'n_paid', operator: 'count', windowUs: 5, where: paid },
  { field: 'sum', operator: 'sum', of: 'amount', windowUs: null },
  { field: 'p95', operator: 'percentile', of: 'amount', windowUs: 7, pct: 95 },
  { field: 'last_paid', operator: 'last', of: 'kind', windowUs: null, where: paid },
  { field: 'kinds', operator: 'lastK', of: 'kind', windowUs: 9, k: 3, dedup: true, dropNull: true },
];
const pipeline: PipelineDefinition = {
  name: 'A.b',
  version: 1,
  output: 'A',
  inputs: ['B'],
  steps: [],
  aggregate: { groupBy: ['x'], aggregations },
};

describe('measures', () => {
  const measures = measuresOf(pipeline, fields);

  it('are the distinct pairs of column and condition, in order of their JSON', () => {
    expect(measures.map(({ of, where, digest }) => [of, where === undefined ? '' : 'paid', digest])).to.deep.equal([
      ['amount', '', true], // one column for sum and percentile
      ['kind', 'paid', false],
      ['kind', '', false],
      [undefined, 'paid', false],
    ]);
    expect(shapeOf(measures).columns.map((column) => column.kind)).to.deep.equal(['number', 'bytes', 'bytes', 'number']);
  });

  it('do not depend on how a condition was written down', () => {
    const other = { name: 'paid', kind: 'column' } as const;
    const twice = {
      ...pipeline,
      aggregate: {
        groupBy: ['x'],
        aggregations: [...aggregations, { field: 'again', operator: 'count', windowUs: 1, where: other } as const],
      },
    };
    expect(measuresOf(twice, fields)).to.deep.equal(measures);
  });

  it('hold null where the condition is not true (S6)', () => {
    const values = compileMeasures(measures, fields, 'A.b');
    expect(values([2.5, 'k', true])).to.deep.equal([2.5, Buffer.from('k'), Buffer.from('k'), 1]);
    expect(values([null, 'k', false])).to.deep.equal([null, null, Buffer.from('k'), null]);
  });

  it('are asked one question for each aggregation', () => {
    expect(questionsOf(aggregations, measures)).to.deep.equal([
      { kind: 'count', windowUs: 5 },
      { kind: 'count', column: 3, windowUs: 5 },
      { kind: 'sum', column: 0, windowUs: null },
      { kind: 'percentile', column: 0, windowUs: 7, pct: 95 },
      { kind: 'lastK', column: 1, windowUs: null, k: 1, dedup: false, dropNull: false, whereColumn: 3 },
      { kind: 'lastK', column: 2, windowUs: 9, k: 3, dedup: true, dropNull: true },
    ]);
  });
});

describe('answers', () => {
  const aggregation = (operator: Aggregation['operator']): Aggregation => ({ field: 'f', operator, of: 'x', windowUs: null });
  const int: ValueType = { kind: 'int', optional: true };

  it('over nothing are 0 for count and sum, an empty list, and null (S5)', () => {
    expect(finishAnswer(aggregation('count'), int, null, 'A.f')).to.equal(0);
    expect(finishAnswer(aggregation('sum'), int, null, 'A.f')).to.equal(0);
    expect(finishAnswer(aggregation('lastK'), { kind: 'list', of: int, optional: false }, [], 'A.f')).to.deep.equal([]);
    for (const operator of ['avg', 'min', 'max', 'percentile', 'percentRank'] as const)
      expect(finishAnswer(aggregation(operator), int, null, 'A.f')).to.equal(null);
    expect(finishAnswer(aggregation('last'), int, [], 'A.f')).to.equal(null);
  });

  it('beyond the range of their type are an error that names the field (S8)', () => {
    for (const [type, value] of [
      ['int', 2 ** 53],
      ['int', -(2 ** 60)],
      ['float', Number.POSITIVE_INFINITY],
      ['float', Number.NaN],
    ] as const) {
      const sum = (): Value => finishAnswer(aggregation('sum'), { kind: type, optional: false }, value, 'A.f');
      expect(sum).to.throw(ThymeError, 'A.f').with.property('status', 'OUT_OF_RANGE');
    }
    expect(finishAnswer(aggregation('sum'), int, 2 ** 53 - 1, 'A.f')).to.equal(2 ** 53 - 1);
  });

  it('columns give back what they were given', () => {
    const cases: readonly (readonly [ValueType, Value])[] = [
      [{ kind: 'string', optional: false }, 'ü€😀'],
      [{ kind: 'enum', values: ['a'], optional: false }, 'a'],
      [{ kind: 'decimal', optional: false }, '12.5'],
      [int, -3],
      [{ kind: 'float', optional: false }, 0.1],
      [{ kind: 'bool', optional: false }, true],
      [{ kind: 'bool', optional: false }, false],
      [{ kind: 'timestamp', optional: false }, 1_700_000_000_000_001],
      [{ kind: 'date', optional: false }, -5],
      [{ kind: 'bytes', optional: false }, Uint8Array.of(0, 255)],
      [{ kind: 'list', of: int, optional: false }, [1, null, 3]],
      [{ kind: 'struct', fields, optional: false }, [1.5, null, true]],
      [int, null],
    ];
    for (const [type, value] of cases) expect(compileFromColumn(type)(compileToColumn(type)(value)), type.kind).to.deep.equal(value);
  });
});

describe('key lineage', () => {
  const schema = [
    { name: 'a', type: { kind: 'string', optional: false } },
    { name: 'b', type: { kind: 'string', optional: false } },
  ] as const;

  it('re-keys only where the key is not the one that records lie by', () => {
    expect(new KeyLineage(schema, ['a']).moveTo(['a'])).to.equal(false);
    expect(new KeyLineage(schema, ['a']).moveTo(['b'])).to.equal(true);
    expect(new KeyLineage(schema, ['a', 'b']).moveTo(['b', 'a']), 'another order is another key').to.equal(true);
    expect(new KeyLineage(schema, ['a', 'b']).moveTo(['a'])).to.equal(true);
  });

  it('follows renames, and sees what was made anew', () => {
    const renamed = new KeyLineage(schema, ['a']);
    renamed.follow({ kind: 'rename', from: 'a', to: 'c' }, [{ ...schema[0], name: 'c' }, schema[1]]);
    expect(renamed.moveTo(['c'])).to.equal(false);
    const assigned = new KeyLineage(schema, ['a']);
    assigned.follow({ kind: 'assign', columns: [{ name: 'a', value: { kind: 'column', name: 'b' } }] }, schema);
    expect(assigned.moveTo(['a'])).to.equal(true);
    expect(assigned.moveTo(['a']), 'it lies by it now').to.equal(false);
  });
});
