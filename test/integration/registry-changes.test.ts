import { expect } from 'chai';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { changed, failure, proposalOf, SHOP, startRegistry } from './registry-fixture.js';

type Outcome = { readonly taken: string } | { readonly refused: string };

/** A change to the shop, and what becomes of it: the place that is named. */
const TABLE: readonly (readonly [string, string, string, Outcome])[] = [
  [
    'an added optional field',
    '@field(t.int.optional) quantity;',
    '@field(t.int.optional) quantity; @field(t.string.optional) note;',
    { taken: 'Order.note' },
  ],
  [
    'an added required field',
    '@field(t.int.optional) quantity;',
    '@field(t.int.optional) quantity; @field(t.string) note;',
    { refused: 'Order.note' },
  ],
  ['a field taken away', '@field(t.int.optional) quantity;', '', { refused: 'Order.quantity' }],
  ['another type', '@field(t.int.optional) quantity;', '@field(t.float.optional) quantity;', { refused: 'Order.quantity' }],
  ['another filter', 'o.amount.gt(0)', 'o.amount.gt(1)', { refused: 'OrderStats.stats' }],
  ['another window', "Count({ window: '1h' })", "Count({ window: '2h' })", { refused: 'OrderStats.orders' }],
  [
    'another where',
    "Sum({ of: 'amount', window: '7d' })",
    "Sum({ of: 'amount', window: '7d', where: col('amount').lt(9) })",
    { refused: 'OrderStats.spend' },
  ],
  [
    'an aggregation over columns that are held',
    '@field(t.int) orders;',
    "@field(t.int) orders; @field(t.float.optional) most;|orders: Count|most: Max({ of: 'amount', window: '7d' }), orders: Count",
    { taken: 'OrderStats.most' },
  ],
  [
    'an aggregation over columns that are not held',
    '@field(t.int) orders;',
    "@field(t.int) orders; @field(t.int) items;|orders: Count|items: Sum({ of: 'quantity', window: '7d' }), orders: Count",
    { taken: 'OrderStats.items' },
  ],
  [
    'a percentile where no digest is held',
    '@field(t.int) orders;',
    "@field(t.int) orders; @field(t.float.optional) p95;|orders: Count|p95: ApproxPercentile({ of: 'amount', window: '7d', pct: 95 }), orders: Count",
    { taken: 'OrderStats.p95' },
  ],
  [
    'a new version of the pipeline',
    '@pipeline({ version: 1,',
    '@pipeline({ version: 2,|o.amount.gt(0)|o.amount.gt(1)',
    { taken: 'OrderStats.stats' },
  ],
  ['changed extractor code', 'orders > 5', 'orders > 6', { taken: 'Signals.rule' }],
  [
    'an added feature',
    '@feature(t.bool, { id: 3 }) many;',
    '@feature(t.bool, { id: 3 }) many; @input(t.float, { id: 4 }) cart;',
    { taken: 'Signals.cart' },
  ],
  [
    'a reused feature id',
    "@feature(t.int, { id: 2, ref: [OrderStats, 'orders'] }) orders;",
    "@feature(t.float, { id: 2, ref: [OrderStats, 'spend'] }) spend;|inputs: ['orders']|inputs: ['spend']|{ orders }|{ spend }|orders > 5|spend > 5",
    { refused: 'Signals.spend' },
  ],
];

const PUBLISHED = changed(SHOP, 'version: 1, index: true', 'version: 1, index: true, publish: true');

describe('changes of definitions (S19)', () => {
  for (const [what, from, to, outcome] of TABLE) {
    it(`${'taken' in outcome ? 'takes in place' : 'refuses'}: ${what}`, async () => {
      const registry = await startRegistry(new MemoryLog());
      await registry.commit(await proposalOf(SHOP));
      // More replacements may follow the first, as pairs behind bars.
      const [first = '', ...pairs] = to.split('|');
      let source = changed(SHOP, from, first);
      for (let i = 0; i < pairs.length; i += 2) source = changed(source, pairs[i] ?? '', pairs[i + 1] ?? '');
      const proposal = await proposalOf(source);
      const plan = await registry.plan(proposal, { runBundle: true });
      const breaking = plan.changes.filter((change) => change.kind === 'breaking').map((change) => change.place);
      if ('taken' in outcome) {
        expect(breaking).to.deep.equal([]);
        expect((await registry.commit(proposal)).changes.map((change) => change.place)).to.include(outcome.taken);
        expect(registry.history.latestNumber).to.equal(2);
      } else {
        const error = await failure(registry.commit(proposal));
        expect([error.status, error.violations.map((violation) => violation.field)]).to.deep.equal([
          'FAILED_PRECONDITION',
          [outcome.refused],
        ]);
        expect(breaking).to.deep.equal([outcome.refused]);
      }
      await registry.stop();
    });
  }

  it('builds beside what it must hold besides, and keeps what it held', async () => {
    const registry = await startRegistry(new MemoryLog());
    const held = async (source: string): Promise<unknown> => {
      await registry.commit(await proposalOf(source), { removes: ['OrderStats.items'] });
      return registry.history
        .latest()
        ?.timelines.filter(({ name }) => name === 'OrderStats.stats')
        .map(({ id, measures }) => [id, measures.map(({ of }) => of ?? 'records')]);
    };
    const [[before]] = (await held(SHOP)) as [[number]];
    const withItems = changed(
      changed(SHOP, '@field(t.int) orders;', '@field(t.int) orders; @field(t.int) items;'),
      'orders: Count',
      "items: Sum({ of: 'quantity', window: '7d' }), orders: Count",
    );
    const [[after, columns]] = (await held(withItems)) as [[number, readonly string[]]];
    expect(after).to.be.greaterThan(before);
    expect([...columns].sort()).to.deep.equal(['amount', 'quantity']);
    expect(await held(SHOP), 'going back is served at once').to.deep.equal([[after, columns]]);
    await registry.stop();
  });

  it('refuses an aggregation over columns that are not held where rows are published: they would come twice (S25)', async () => {
    const registry = await startRegistry(new MemoryLog());
    await registry.commit(await proposalOf(PUBLISHED));
    const source = changed(
      changed(PUBLISHED, '@field(t.int) orders;', '@field(t.int) orders; @field(t.int.optional) items;'),
      'orders: Count',
      "items: Sum({ of: 'quantity', window: '7d' }), orders: Count",
    );
    const error = await failure(registry.commit(await proposalOf(source)));
    expect(error.violations.map(({ field, description }) => [field, description.includes('since it publishes')])).to.deep.equal([
      ['OrderStats.stats', true],
    ]);
    await registry.stop();
  });

  it('refuses a feature id that a featureset had two revisions ago', async () => {
    const registry = await startRegistry(new MemoryLog());
    const without = changed(
      changed(SHOP, '@feature(t.bool, { id: 3 }) many;', ''),
      "@extractor({ inputs: ['orders'], outputs: ['many'] }) static rule(context, { orders }) { return { many: orders > 5 }; }",
      '',
    );
    for (const source of [SHOP, without]) await registry.commit(await proposalOf(source), { removes: ['Signals.many'] });
    const reused = changed(
      without,
      '@feature(t.string, { id: 1 }) user_id;',
      '@feature(t.string, { id: 1 }) user_id; @input(t.float, { id: 3 }) cart;',
    );
    expect((await failure(registry.commit(await proposalOf(reused)))).violations.map((violation) => violation.field)).to.deep.equal([
      'Signals.cart',
    ]);
    await registry.stop();
  });
});
