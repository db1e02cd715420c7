import { expect } from 'chai';
import { checkDefinitions } from '../../libs/definition/check.js';
import { compareDefinitions } from '../../libs/definition/compare.js';
import type { ChangeCapture, DatasetDefinition, Definitions, PipelineDefinition } from '../../libs/definition/definitions.js';

const text = { kind: 'string', optional: false } as const;
const upsert: ChangeCapture = { mode: 'upsert', rowKey: ['order_id'] };

const order: DatasetDefinition = {
  name: 'Order',
  version: 1,
  fields: [
    { name: 'order_id', type: text },
    { name: 'user_id', type: text },
    { name: 'amount', type: { kind: 'float', optional: true } },
    { name: 'at', type: { kind: 'timestamp', optional: false } },
  ],
  keys: ['user_id'],
  timestamp: 'at',
  index: true,
  publish: false,
  maxFutureUs: 600e6,
  expectations: [],
  cdc: upsert,
};
const events: DatasetDefinition = { ...withoutCdc(order), name: 'Click' };
const out: DatasetDefinition = { ...withoutCdc(order), name: 'Out', index: false };
const copy = (inputs: readonly string[], steps: PipelineDefinition['steps'] = []): PipelineDefinition => ({
  name: 'Out.copy',
  version: 1,
  output: 'Out',
  inputs,
  steps,
});

function withoutCdc({ cdc: _cdc, ...rest }: DatasetDefinition): DatasetDefinition {
  return rest;
}

function problemsOf(datasets: readonly DatasetDefinition[], pipelines: readonly PipelineDefinition[] = []): string[] {
  return checkDefinitions({ datasets, sources: [], pipelines, featuresets: [] }).map(({ place, message }) => `${place}: ${message}`);
}

const withKey = (rowKey: readonly string[], mode: ChangeCapture['mode'] = 'upsert'): DatasetDefinition => ({
  ...order,
  cdc: { mode, rowKey },
});
const withField = (name: string, cdc: ChangeCapture): DatasetDefinition => ({
  ...order,
  cdc,
  fields: [...order.fields, { name, type: { kind: 'string', optional: true } }],
});

describe('cdc of a dataset (S17)', () => {
  it('is taken with a rowKey that names a row', () => {
    expect(problemsOf([order, withoutCdc(out)], [copy(['Order'])])).to.deep.equal([]);
    expect(problemsOf([withKey(['order_id', 'user_id'], 'debezium')])).to.deep.equal([]);
    expect(problemsOf([withField('op', { ...upsert, mode: 'debezium' })])).to.deep.equal([]);
  });

  const refused: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['no rowKey', problemsOf([withKey([])]), /Order: cdc is 'upsert', but no rowKey/],
    ['an unknown field', problemsOf([withKey(['id'])]), /Order\.id: the rowKey names it/],
    ['a field twice', problemsOf([withKey(['order_id', 'order_id'])]), /names a field twice/],
    ['an optional field', problemsOf([withKey(['amount'])]), /Order\.amount: a rowKey cannot be/],
    ['the timestamp', problemsOf([withKey(['at'])]), /Order\.at: /],
    ['a field that says what a change is', problemsOf([withField('op', upsert)]), /Order\.op: 'op' says what a change is/],
    ['another of these', problemsOf([withField('op_time', upsert)]), /Order\.op_time/],
    [
      'a dataset that a pipeline fills',
      problemsOf([events, { ...out, cdc: upsert }], [copy(['Click'])]),
      /fills 'Out', which declares cdc/,
    ],
    [
      'a join on its left side',
      problemsOf([order, events, out], [copy(['Order', 'Click'], [{ kind: 'join', dataset: 'Click', on: ['user_id'], how: 'left' }])]),
      /joins records of 'Order', which are changes/,
    ],
    [
      'a join on its right side, where its rows are not its entities',
      problemsOf([order, events, out], [copy(['Click', 'Order'], [{ kind: 'join', dataset: 'Order', on: ['user_id'], how: 'left' }])]),
      /joins 'Order', whose rowKey is \(order_id\)/,
    ],
  ];
  for (const [name, problems, wanted] of refused) {
    it(`refuses ${name}, naming it`, () => {
      expect(problems.join('\n')).to.match(wanted);
    });
  }

  it('may be the right side of a join where its rowKey is its key (S24)', () => {
    const right = withKey(['user_id']);
    const join = { kind: 'join', dataset: 'Order', on: ['user_id'], how: 'left' } as const;
    expect(problemsOf([right, events, out], [copy(['Click', 'Order'], [join])]).join('\n')).to.not.match(/rowKey/);
  });

  it('cannot change within a version (S19)', () => {
    const module = (dataset: DatasetDefinition): Definitions => ({ datasets: [dataset], sources: [], pipelines: [], featuresets: [] });
    const breaking = (before: DatasetDefinition, after: DatasetDefinition): string[] =>
      compareDefinitions(module(before), module(after))
        .filter(({ kind }) => kind === 'breaking')
        .map(({ message }) => message);
    expect(breaking(order, order)).to.deep.equal([]);
    expect(breaking(withoutCdc(order), order).join()).to.contain('were events and are changes (upsert) of rows by (order_id)');
    expect(breaking(order, withKey(['user_id'])).join()).to.contain('rows by (user_id)');
    expect(breaking(order, withKey(['order_id'], 'debezium')).join()).to.contain('changes (debezium)');
  });

  it('is raised with upgrade: empty alone, and the refusal says why (S19a)', () => {
    const module = (dataset: DatasetDefinition): Definitions => ({ datasets: [dataset], sources: [], pipelines: [], featuresets: [] });
    const planned = (before: DatasetDefinition, after: Partial<DatasetDefinition>): string[] =>
      compareDefinitions(module(before), module({ ...order, version: 2, ...after })).map(({ kind, message }) => `${kind}: ${message}`);
    const carried = { upgrade: { kind: 'function', function: 'Order#upgrade' } } as const;
    for (const [before, after] of [
      [order, carried],
      [order, {}],
      [withoutCdc(order), carried],
    ] as const)
      expect(planned(before, after).join()).to.match(
        /^breaking: version 1 → 2: changes of rows .* a delete names its row .*upgrade: 'empty'/,
      );
    expect(planned(order, { upgrade: { kind: 'empty' } }).join()).to.match(/^changed: version 1 → 2: it starts empty/);
  });
});
