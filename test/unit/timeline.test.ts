import { expect } from 'chai';
import { PRODUCTION_GEOMETRY, RAW_VALUES_MAX } from '../../libs/timeline/geometry.js';
import { baseKey, digestKey, pageKey } from '../../libs/timeline/page-keys.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import { TimelineWriter } from '../../libs/timeline/timeline-writer.js';
import type { TimelineRow, TimelineShape, WindowAnswer, WindowQuestion } from '../../libs/timeline/timeline.js';
import { MemoryPages, naiveAnswer, naiveSum } from './timeline-oracle.js';

const HEAD_KEY = Uint8Array.of(1, 2, 3);
const SHAPE: TimelineShape = { columns: [{ kind: 'number', digest: true }] };
const SUM: WindowQuestion = { kind: 'sum', column: 0, windowUs: null };

function rowsOf(values: readonly number[], startUs = 0): TimelineRow[] {
  return values.map((value, index) => ({
    eventTimeUs: startUs + index,
    orderSource: 0,
    orderOffset: index,
    knownUs: startUs + index,
    values: [value],
  }));
}

function write(rows: readonly TimelineRow[], shape = SHAPE, pages = new MemoryPages()): MemoryPages {
  const writer = new TimelineWriter(shape, pages, HEAD_KEY);
  for (const row of rows) writer.insert(row);
  writer.flush();
  return pages;
}

function ask(pages: MemoryPages, asOfUs: number, ...questions: WindowQuestion[]): WindowAnswer[] {
  return readWindows(SHAPE, pages, HEAD_KEY, { asOfUs, knownAtUs: Number.POSITIVE_INFINITY }, questions);
}

/** The same numbers on every run. */
function* pseudoRandom(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

function fill(length: number, make: (random: () => number, index: number) => number): number[] {
  const random = pseudoRandom(42);
  return Array.from({ length }, (_, index) => make(() => random.next().value, index));
}

describe('a timeline', () => {
  it('has nothing in its windows before anything was written (S5)', () => {
    const questions: WindowQuestion[] = [
      { kind: 'count', windowUs: 9 },
      { kind: 'count', column: 0, windowUs: 9 },
      SUM,
      { kind: 'avg', column: 0, windowUs: 9 },
      { kind: 'min', column: 0, windowUs: null },
      { kind: 'max', column: 0, windowUs: 9 },
      { kind: 'percentile', column: 0, windowUs: 9, pct: 50 },
      { kind: 'percentRank', column: 0, windowUs: 9 },
      { kind: 'lastK', column: 0, windowUs: 9, k: 3, dedup: false, dropNull: false },
    ];
    const nothing = [0, 0, 0, null, null, null, null, null, []];
    expect(ask(new MemoryPages(), 100, ...questions)).to.deep.equal(nothing);
    expect(ask(write(rowsOf([1, 2], 1_000)), 100, ...questions)).to.deep.equal(nothing);
  });

  it('is one value as long as it is small, fetched once for all questions', () => {
    const pages = write(rowsOf(fill(PRODUCTION_GEOMETRY.headRows - 1, (random) => random())));
    expect(pages.values.size).to.equal(1);
    pages.fetches.length = 0;
    ask(pages, 100, SUM, { kind: 'max', column: 0, windowUs: 10 }, { kind: 'percentile', column: 0, windowUs: 30, pct: 50 });
    expect(pages.fetches).to.have.length(1);
  });

  it('has the nearest rank of few values as of many (S9)', () => {
    for (const count of [1, 2, 3, 31, 32, 33, 34]) {
      const values = fill(count, (random) => Math.floor(random() * 20) - 10);
      const pages = write(rowsOf(values));
      const sorted = [...values].sort((a, b) => a - b);
      for (const pct of [0.1, 1, 50, 95, 99.9, 100]) {
        const expected = (sorted[Math.max(1, Math.ceil((pct * count) / 100)) - 1] ?? 0) + 0;
        expect(
          ask(pages, Number.MAX_SAFE_INTEGER, { kind: 'percentile', column: 0, windowUs: null, pct }),
          `${count}, ${pct}`,
        ).to.deep.equal([expected]);
      }
    }
  });

  it('answers a question the same whatever was asked of the window before it (S4)', () => {
    const pages = write(rowsOf(fill(5_000, (random) => random() * 1e6 - 5e5)));
    const questions: WindowQuestion[] = [
      { kind: 'count', column: 0, windowUs: 3_000 },
      { kind: 'max', column: 0, windowUs: 3_000 },
      { kind: 'percentile', column: 0, windowUs: 3_000, pct: 95 },
      { kind: 'percentRank', column: 0, windowUs: 3_000 },
      { ...SUM, windowUs: 3_000 },
      { kind: 'avg', column: 0, windowUs: 3_000 },
      { kind: 'min', column: 0, windowUs: 3_000 },
    ];
    const alone = questions.map((question) => ask(pages, 4_500, question)[0]);
    expect(ask(pages, 4_500, ...questions)).to.deep.equal(alone);
    expect(ask(pages, 4_500, ...[...questions].reverse())).to.deep.equal([...alone].reverse());
  });

  it('fetches no page twice, and few for a long window', () => {
    const pages = write(rowsOf(fill(40_000, (random) => random())));
    pages.fetches.length = 0;
    ask(
      pages,
      39_000,
      SUM,
      { kind: 'sum', column: 0, windowUs: 30_000 },
      { kind: 'percentile', column: 0, windowUs: 30_000, pct: 50 },
      { kind: 'lastK', column: 0, windowUs: 20_000, k: 500, dedup: false, dropNull: true },
    );
    expect(new Set(pages.fetches).size).to.equal(pages.fetches.length);
    pages.fetches.length = 0;
    ask(pages, 39_000, { kind: 'sum', column: 0, windowUs: 30_000 });
    expect(pages.fetches.length).to.be.at.most(8);
  });

  it('writes the head alone for an append', () => {
    const pages = write(rowsOf(fill(5_000, (random) => random())));
    const before = new Map(pages.values);
    write(rowsOf([1], 10_000), SHAPE, pages);
    expect([...pages.values].filter(([key, value]) => before.get(key) !== value).map(([key]) => key)).to.deep.equal(['010203']);
  });

  it('does not keep what it was given: the caller may reuse its buffers', () => {
    const shape: TimelineShape = { columns: [{ kind: 'bytes' }] };
    const value = Uint8Array.of(1, 2, 3);
    const pages = write([{ eventTimeUs: 1, orderSource: 0, orderOffset: 0, knownUs: 1, values: [value] }], shape);
    value.fill(9);
    const [answer] = readWindows(shape, pages, HEAD_KEY, { asOfUs: 1, knownAtUs: 1 }, [
      { kind: 'lastK', column: 0, windowUs: null, k: 1, dedup: false, dropNull: true },
    ]);
    expect(answer).to.deep.equal([Uint8Array.of(1, 2, 3)]);
  });

  it('refuses a row that does not fit before it has changed anything', () => {
    const pages = new MemoryPages();
    const writer = new TimelineWriter(SHAPE, pages, HEAD_KEY);
    const [row] = rowsOf([1]);
    for (const values of [[], [1, 2], [Number.NaN], [Number.POSITIVE_INFINITY], [Uint8Array.of(1)]])
      expect(() => writer.insert({ ...row!, values })).to.throw();
    writer.flush();
    expect(ask(pages, 10, { kind: 'count', windowUs: null })).to.deep.equal([0]);
  });
});

describe('sums (S8)', () => {
  it('are exactly rounded whatever cancels', () => {
    const sets = [
      [1e16, 1, -1e16],
      [1e30, 0.01, 0.02, -1e30],
      [1e308, 1e308, -1e308, -1e308, 3],
      [5e-324, 1, -1],
      [0.1, 0.2, 0.3],
      fill(500, (random, index) => (index % 2 === 0 ? 1 : -1) * random() * 10 ** (random() * 40)),
    ];
    for (const values of sets)
      expect(ask(write(rowsOf(values)), values.length, SUM), String(values.slice(0, 5))).to.deep.equal([naiveSum(values)]);
  });

  it('keep the cents of a window whose older rows are 1e30', () => {
    const values = [...fill(3_000, () => 1e30), ...fill(3_000, (random) => Math.round(random() * 1e4) / 100)];
    expect(ask(write(rowsOf(values)), 5_999, { kind: 'sum', column: 0, windowUs: 2_999 })).to.deep.equal([naiveSum(values.slice(3_000))]);
    const mixed = fill(3_000, (random, index) => (index % 3 === 0 ? 1e30 : index % 3 === 1 ? -1e30 : random()));
    expect(ask(write(rowsOf(mixed)), 3_000, SUM)).to.deep.equal([naiveSum(mixed)]);
  });

  it('do not drift over a million small values', () => {
    const pages = write(
      fill(1_000_000, () => 0.1).map((value, index) => ({
        eventTimeUs: index,
        orderSource: 0,
        orderOffset: index,
        knownUs: 0,
        values: [value],
      })),
      { columns: [{ kind: 'number', digest: false }] },
    );
    expect(ask(pages, 1e6, SUM)).to.deep.equal([naiveSum(fill(1_000_000, () => 0.1))]);
  }).timeout(20_000);

  it('are exact for ints, and show when they leave the safe range', () => {
    const values = [Number.MAX_SAFE_INTEGER, 1, -5, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER];
    expect(ask(write(rowsOf(values)), 9, SUM)).to.deep.equal([Number.MAX_SAFE_INTEGER - 4]);
    const [beyond] = ask(write(rowsOf([Number.MAX_SAFE_INTEGER, 2])), 9, SUM);
    expect(beyond).to.be.greaterThan(Number.MAX_SAFE_INTEGER);
  });

  it('are not finite when they overflow, and their mean is', () => {
    const [sum, avg] = ask(write(rowsOf([1e308, 1.5e308])), 9, SUM, { kind: 'avg', column: 0, windowUs: null });
    expect([sum, avg]).to.deep.equal([Number.POSITIVE_INFINITY, 1.25e308]);
  });
});

const distributions: Record<string, (random: () => number, index: number) => number> = {
  uniform: (random) => random(),
  'with a long tail': (random) => Math.exp(gauss(random) * 2),
  'amounts of money': (random) => Math.round(Math.exp(gauss(random) + 3) * 100) / 100,
  'seven distinct': (random) => Math.floor(random() * 7),
  'two far humps': (random) => (random() < 0.5 ? gauss(random) : 1e6 + gauss(random)),
  drifting: (random, index) => index + gauss(random) * 1_000,
  'half zeros': (random) => (random() < 0.5 ? 0 : gauss(random)),
  'one decimal': (random) => Math.round(gauss(random) * 50) / 10,
  'huge and of both signs': (random) => gauss(random) * 1e307,
};

function gauss(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** How far the ranks that a value holds lie from the asked one, as a share of all. */
function rankError(sorted: Float64Array, value: number, rank: number): number {
  const below = sorted.filter((other) => other < value).length;
  const upTo = sorted.filter((other) => other <= value).length;
  return Math.max(0, below + 1 - rank, rank - upTo) / sorted.length;
}

describe('percentiles (S9)', () => {
  it('are exact up to the number of raw values, however many rows they lie in', () => {
    const values = fill(3 * RAW_VALUES_MAX, (random) => random());
    // Two nulls for each value: sealed pages with digests lie wholly in the window.
    const rows = rowsOf(values).map((row, index) => ({ ...row, values: index % 3 === 0 ? row.values : [null] }));
    const asOfUs = rows.length - 1;
    const pages = write(rows);
    for (const pct of [0, 1, 50, 95, 99.9, 100]) {
      const question: WindowQuestion = { kind: 'percentile', column: 0, windowUs: null, pct };
      expect(ask(pages, asOfUs, question)).to.deep.equal([naiveAnswer(rows, { asOfUs, knownAtUs: Number.POSITIVE_INFINITY }, question)]);
    }
  });

  for (const [name, make] of Object.entries(distributions)) {
    it(`keep to their bounds over values that are ${name}`, () => {
      const values = fill(80_000, make);
      const pages = write(rowsOf(values));
      for (const length of [10_000, 79_000]) {
        const sorted = Float64Array.from(values.slice(-length)).sort();
        const windowUs = length - 1;
        for (const [pct, bound] of [
          [50, 0.005],
          [99, 0.001],
          [1, 0.001],
          [100, 0],
          [0, 0],
        ] as const) {
          const [value] = ask(pages, values.length - 1, { kind: 'percentile', column: 0, windowUs, pct });
          expect(rankError(sorted, Number(value), Math.max(1, Math.ceil((pct * length) / 100))), `p${pct} of ${length}`).to.be.at.most(
            bound,
          );
        }
        const [share] = ask(pages, values.length - 1, { kind: 'percentRank', column: 0, windowUs });
        const newest = values.at(-1) ?? 0;
        expect(Number(share)).to.be.closeTo(sorted.filter((value) => value < newest).length / length, 0.005);
      }
    }).timeout(10_000);
  }

  it('have the same bytes when asked again later (S4)', () => {
    const values = fill(40_000, (random) => random());
    const pages = new MemoryPages();
    const writer = new TimelineWriter(SHAPE, pages, HEAD_KEY);
    const asked: { readonly asOfUs: number; readonly answers: WindowAnswer[] }[] = [];
    const questions: WindowQuestion[] = [5_000, 20_000, null].map((windowUs) => ({ kind: 'percentile', column: 0, windowUs, pct: 50 }));
    for (const row of rowsOf(values)) {
      writer.insert(row);
      if (row.orderOffset % 97 !== 0) continue;
      writer.flush();
      asked.push({ asOfUs: row.eventTimeUs, answers: ask(pages, row.eventTimeUs, ...questions) });
    }
    writer.flush();
    for (const { asOfUs, answers } of asked) expect(ask(pages, asOfUs, ...questions), String(asOfUs)).to.deep.equal(answers);
  }).timeout(20_000);

  it('follow a late row into a sealed page', () => {
    const values = fill(10_000, () => 5);
    const pages = write(rowsOf(values));
    const sealed = Buffer.from(digestKey(HEAD_KEY, 3)).toString('hex');
    const before = [...pages.values].filter(([key]) => key.startsWith(sealed.slice(0, 8)));
    write(
      fill(6_000, () => 1).map((value, index) => ({ eventTimeUs: 100, orderSource: 1, orderOffset: index, knownUs: 0, values: [value] })),
      SHAPE,
      pages,
    );
    expect(before).to.have.length.greaterThan(2);
    expect(
      ask(
        pages,
        10_000,
        { kind: 'percentile', column: 0, windowUs: null, pct: 37 },
        { kind: 'percentile', column: 0, windowUs: null, pct: 38 },
      ),
    ).to.deep.equal([1, 5]);
  });
});

describe('trimming (S20)', () => {
  const QUESTIONS: readonly WindowQuestion[] = [
    { kind: 'count', windowUs: null },
    SUM,
    { kind: 'avg', column: 0, windowUs: null },
    { kind: 'min', column: 0, windowUs: null },
    { kind: 'max', column: 0, windowUs: null },
  ];

  it('leaves windows above the horizon, and endless ones, as they were', () => {
    const rows = rowsOf(fill(20_000, (random) => Math.round(random() * 1e6) / 100));
    const pages = write(rows);
    const covered: WindowQuestion[] = [
      ...QUESTIONS,
      ...QUESTIONS.map((question) => ({ ...question, windowUs: 2_500 })),
      { kind: 'percentile', column: 0, windowUs: 2_500, pct: 50 },
    ];
    const before = ask(pages, 19_999, ...covered);
    const keyCount = pages.values.size;
    for (const horizonUs of [5_000, 5_001, 17_000]) {
      const writer = new TimelineWriter(SHAPE, pages, HEAD_KEY);
      writer.trim(horizonUs);
      writer.flush();
      expect(ask(pages, 19_999, ...covered)).to.deep.equal(before);
    }
    expect(pages.values.size).to.be.lessThan(keyCount / 4);
    const [median] = ask(pages, 19_999, { kind: 'percentile', column: 0, windowUs: null, pct: 50 });
    expect(rankError(Float64Array.from(rows, (row) => Number(row.values[0])).sort(), Number(median), 10_000)).to.be.at.most(0.005);
  });

  it('takes late rows below the horizon into endless windows only', () => {
    const rows = rowsOf(fill(1_000, (_, index) => index));
    const pages = write(rows);
    const writer = new TimelineWriter(SHAPE, pages, HEAD_KEY);
    writer.trim(700);
    writer.insert({ eventTimeUs: 650, orderSource: 5, orderOffset: 1, knownUs: 2_000, values: [-3] });
    writer.flush();
    const late = [...rows, { eventTimeUs: 650, orderSource: 5, orderOffset: 1, knownUs: 2_000, values: [-3] }];
    expect(ask(pages, 999, ...QUESTIONS)).to.deep.equal(
      QUESTIONS.map((question) => naiveAnswer(late, { asOfUs: 999, knownAtUs: Number.POSITIVE_INFINITY }, question)),
    );
    expect(ask(pages, 999, { kind: 'min', column: 0, windowUs: 299 })).to.deep.equal([700]);
    expect(ask(pages, 999, { kind: 'percentile', column: 0, windowUs: null, pct: 0 })).to.deep.equal([-3]);
  });

  it('keeps the mean of what was trimmed where its sum overflows, in a page of its own version (S8)', () => {
    const rows = rowsOf(fill(PRODUCTION_GEOMETRY.leafRows * 4, (_, index) => (index % 2 === 0 ? 1e308 : 1.5e308)));
    const pages = write(rows);
    const writer = new TimelineWriter(SHAPE, pages, HEAD_KEY);
    writer.trim(1e9);
    writer.flush();
    const [sum, mean] = ask(pages, 2e9, SUM, { kind: 'avg', column: 0, windowUs: null });
    expect([sum, mean]).to.deep.equal([Number.POSITIVE_INFINITY, 1.25e308]);
    const base = pages.values.get(Buffer.from(baseKey(HEAD_KEY)).toString('hex'));
    expect(base?.[0]).to.equal(4);
  });

  it('never drops the newest rows, however old', () => {
    const pages = write(rowsOf(fill(PRODUCTION_GEOMETRY.leafRows * 4, (_, index) => index)));
    const writer = new TimelineWriter(SHAPE, pages, HEAD_KEY);
    writer.trim(1e9);
    writer.flush();
    expect(ask(pages, 2e9, { kind: 'lastK', column: 0, windowUs: null, k: 2, dedup: false, dropNull: true }, ...QUESTIONS)).to.deep.equal([
      [511, 510],
      512,
      (511 * 512) / 2,
      511 / 2,
      0,
      511,
    ]);
    expect(pages.values.has(Buffer.from(pageKey(HEAD_KEY, 1)).toString('hex'))).to.equal(false);
  });
});
