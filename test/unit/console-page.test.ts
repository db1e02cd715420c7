// What of the console's page is no drawing: its axis of time, its addresses, its lineage, its search.
import { expect } from 'chai';
import fc from 'fast-check';
import { matching, type CatalogEntry } from '../../services/console/page/catalog/search.js';
import { columnEdges, columnId, columnOf } from '../../services/console/page/lineage/columns.js';
import { featuresOn, graphOf, reached } from '../../services/console/page/lineage/graph.js';
import { hrefOf, readPlace } from '../../services/console/page/place.js';
import type { Feature, Featureset, Status } from '../../services/console/page/status.js';
import { sampleInstants, SPAN_US_MIN, ticksOf, usAt, xOf, zoomed } from '../../services/console/page/travel/time-axis.js';
import { durationUs, spanText } from '../../services/console/page/words.js';

const span = fc
  .record({ fromUs: fc.integer({ min: -1e15, max: 4e15 }), lengthUs: fc.integer({ min: SPAN_US_MIN, max: 3e14 }) })
  .map(({ fromUs, lengthUs }) => ({ fromUs, toUs: fromUs + lengthUs }));

describe('console page', () => {
  it('pixels and instants lead to one another, and never out of the span', () => {
    fc.assert(
      fc.property(span, fc.integer({ min: 1, max: 4_000 }), fc.double({ min: -1, max: 2, noNaN: true }), (shown, width, share) => {
        const us = usAt(share * width, shown, width);
        expect(Number.isSafeInteger(us)).to.equal(true);
        expect(us).to.be.within(shown.fromUs, shown.toUs);
        if (share >= 0 && share <= 1)
          expect(Math.abs(xOf(us, shown, width) - share * width)).to.be.below(width / (shown.toUs - shown.fromUs) + 1e-6);
      }),
    );
  });

  it('samples begin and end with the span and go forward; ticks lie within it, and are few', () => {
    fc.assert(
      fc.property(span, fc.integer({ min: 200, max: 4_000 }), (shown, width) => {
        const instants = sampleInstants(shown, 200);
        expect([instants[0], instants.at(-1)]).to.deep.equal([shown.fromUs, shown.toUs]);
        expect(instants.every((us, i) => i === 0 || us > (instants[i - 1] ?? us))).to.equal(true);
        const ticks = ticksOf(shown, width);
        expect(ticks.length).to.be.at.most(Math.max(2, width / 90) + 1);
        for (const { us } of ticks) expect(us).to.be.within(shown.fromUs, shown.toUs);
      }),
    );
  });

  it('zooming keeps the instant that it is about where it was, and ends at a span that can be told apart', () => {
    const shown = { fromUs: 0, toUs: 1_000e6 };
    expect(zoomed(shown, 250e6, 0.5)).to.deep.equal({ fromUs: 125e6, toUs: 625e6 });
    const closest = zoomed(shown, 250e6, 1e-12);
    expect(closest.toUs - closest.fromUs).to.equal(SPAN_US_MIN);
  });

  it('an address says again what it was made of, whatever names and values hold', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1, maxLength: 3 }),
        fc.string({ unit: 'grapheme', minLength: 1 }),
        (path, value) => {
          const place = readPlace(hrefOf(path, { entity: value, empty: '' }));
          expect(place.path).to.deep.equal(path);
          expect([...place.query]).to.deep.equal([['entity', value]]);
        },
      ),
    );
    expect(readPlace('#/a%zz?b=%').path).to.deep.equal(['a%zz']);
  });

  it('lineage follows what is read: up, down, and feature by feature', () => {
    const status = lineageStatus();
    const graph = graphOf(status);
    expect([...reached(graph, 'dataset Raw', 'down')].sort()).to.deep.equal([
      'dataset Sums',
      'featureset First',
      'featureset Second',
      'pipeline Sums.of',
    ]);
    expect([...reached(graph, 'dataset Sums', 'up')].sort()).to.deep.equal(['dataset Raw', 'pipeline Sums.of']);
    const names = (chosen: string): Record<string, readonly string[]> =>
      Object.fromEntries(
        [...featuresOn(status, new Set([chosen, ...reached(graph, chosen, 'down')]), chosen)].map(([name, found]) => [
          name,
          found.map((one) => one.name),
        ]),
      );
    expect(names('dataset Raw')).to.deep.equal({ First: ['sum', 'twice', 'more'], Second: ['copied'] });
    expect(names('dataset Other')).to.deep.equal({});
    expect(names('featureset Second')).to.deep.equal({ Second: ['key', 'copied', 'plain'] });
  });

  it('lineage goes down to columns: through aggregations, conditions, steps and keys, to features and what is made of those', () => {
    const edges = columnEdges(columnStatus());
    const reachedFrom = (kind: 'dataset' | 'featureset', owner: string, name: string, way: 'up' | 'down'): readonly string[] =>
      [...reached({ edges }, columnId(kind, owner, name), way)]
        .map(columnOf)
        .map((column) => `${column.owner}.${column.name}`)
        .sort();
    expect(reachedFrom('dataset', 'Raw', 'amount', 'down')).to.deep.equal(['First.sum', 'First.twice', 'Second.copied', 'Sums.sum']);
    expect(reachedFrom('dataset', 'Raw', 'shop', 'down'), 'of a condition').to.deep.equal(['First.count', 'Sums.count']);
    const all = ['First.count', 'First.sum', 'First.twice', 'Second.copied', 'Sums.count', 'Sums.key', 'Sums.sum'];
    for (const name of ['key', 'state', 'at']) expect(reachedFrom('dataset', 'Raw', name, 'down'), name).to.deep.equal(all);
    expect(reachedFrom('dataset', 'Raw', 'note', 'down')).to.deep.equal([]);
    expect(reachedFrom('featureset', 'Second', 'copied', 'up')).to.deep.equal(
      ['First.sum', 'First.twice', 'Raw.amount', 'Raw.at', 'Raw.key', 'Raw.state', 'Sums.sum'].sort(),
    );
  });

  it('a search wants every word, in whatever part and case', () => {
    const entry = (name: string, description: string): CatalogEntry => ({
      ...described(name),
      description,
      kind: 'dataset',
      parts: ['amount'],
    });
    const entries = [entry('Order', 'of a shop'), entry('Flight', 'of a plane')];
    expect(matching(entries, ' SHOP order').map(({ name }) => name)).to.deep.equal(['Order']);
    expect(matching(entries, 'amount')).to.have.length(2);
    expect(matching(entries, 'shop plane')).to.deep.equal([]);
    expect(matching(entries, '  ')).to.have.length(2);
  });

  it('durations are read as REST writes them, and told in their two largest units', () => {
    expect(['1h', '30d', '2w', '0.5s'].map(durationUs)).to.deep.equal([3_600e6, 2_592_000e6, 1_209_600e6, 0.5e6]);
    expect(['forever', '', '1y'].map(durationUs)).to.deep.equal([null, null, null]);
    expect([90e6, 3_600e6, 90_061e6, 86_401e6].map(spanText)).to.deep.equal(['1m 30s', '1h', '1d 1h', '1d']);
  });
});

function described(name: string) {
  return { name, description: '', owner: '', tags: [], deprecated: false };
}

function feature(name: string, reads: Feature['reads'] = null): Feature {
  return { ...described(name), id: 1, dtype: 'int', optional: false, input: false, reads, default: null };
}

/** Raw → Sums.of → Sums → First (sum, twice of it, more of that) → Second (copied of more). */
function lineageStatus(): Status {
  const first: Featureset = {
    ...described('First'),
    version: '1',
    entity: ['key'],
    features: [feature('key'), feature('sum', { kind: 'dataset', name: 'Sums', field: 'sum' }), feature('twice'), feature('more')],
    extractors: [
      { name: 'b', inputs: ['twice'], outputs: ['more'] },
      { name: 'a', inputs: ['sum'], outputs: ['twice'] },
    ],
  };
  const second: Featureset = {
    ...described('Second'),
    version: '1',
    entity: ['key'],
    features: [
      feature('key'),
      feature('copied', { kind: 'featureset', name: 'First', field: 'more' }),
      feature('plain', { kind: 'featureset', name: 'First', field: 'key' }),
    ],
    extractors: [],
  };
  const dataset = (name: string) => ({
    ...described(name),
    version: '1',
    max_lateness: '',
    history: '',
    cdc: 'append',
    keys: ['key'],
    timestamp: 'at',
    index: false,
    publish: false,
    fields: [],
  });
  return {
    latest_commit: null,
    datasets: ['Raw', 'Sums', 'Other'].map(dataset),
    pipelines: [{ ...described('Sums.of'), version: '1', input_datasets: ['Raw'], output_dataset: 'Sums' }],
    featuresets: [first, second],
    sources: [],
    jobs: [],
    backfills: [],
    intakes: [],
    tasks: [],
    timings: [],
    recent_events: [],
    unavailable: [],
  };
}

/** A pipeline that keeps what has a state, groups by a key, and aggregates a sum and a count under a condition. */
function columnStatus(): Status {
  const fields = (...names: readonly string[]) => names.map((name) => ({ name, dtype: 'int', optional: false }));
  const feature = (name: string, reads: Feature['reads']) => ({ name, reads }) as Feature;
  const aggregation = { of: null, window: '1h', where: null, pct: null, k: null };
  const operators = [
    { type: 'filter', text: 'keeps records where state = 1' },
    {
      type: 'aggregate',
      text: 'groups by key',
      keys: ['key'],
      aggregations: [
        { ...aggregation, field: 'sum', operator: 'sum', of: 'amount' },
        { ...aggregation, field: 'count', operator: 'count', where: 'shop = 7' },
      ],
    },
  ];
  const first: Partial<Featureset> = {
    name: 'First',
    features: [
      feature('sum', { kind: 'dataset', name: 'Sums', field: 'sum' }),
      feature('count', { kind: 'dataset', name: 'Sums', field: 'count' }),
      feature('twice', null),
    ],
    extractors: [{ name: 'double', inputs: ['sum'], outputs: ['twice'] }],
  };
  const second: Partial<Featureset> = {
    name: 'Second',
    features: [feature('copied', { kind: 'featureset', name: 'First', field: 'twice' })],
    extractors: [],
  };
  const status = {
    datasets: [
      { name: 'Raw', timestamp: 'at', fields: fields('key', 'amount', 'shop', 'state', 'note', 'at') },
      { name: 'Sums', timestamp: '', fields: fields('key', 'sum', 'count') },
    ],
    pipelines: [{ name: 'Sums.of', input_datasets: ['Raw'], output_dataset: 'Sums' }],
    featuresets: [first, second],
    jobs: [{ name: 'Sums.of', spec: { pipeline_spec: { operators } } }],
  };
  return status as unknown as Status; // what the columns of a lineage are told by
}
