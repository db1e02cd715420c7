// What of the console's page is no drawing: its axis of time, its addresses, its lineage, its search.
import { expect } from 'chai';
import fc from 'fast-check';
import { matching, type CatalogEntry } from '../../services/console/page/catalog/search.js';
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
