import { expect } from 'chai';
import fc from 'fast-check';
import type { Geometry } from '../../libs/timeline/geometry.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import { TimelineWriter } from '../../libs/timeline/timeline-writer.js';
import type { Instant, TimelineRow } from '../../libs/timeline/timeline.js';
import { isMean, MemoryPages, naiveAnswer } from '../unit/timeline-oracle.js';
import { expectRank, GEOMETRIES, isDigested, positiveZero, questionsFor, SHAPE, timelineRows } from './timeline-arbitrary.js';

const HEAD_KEY = Uint8Array.of(7, 1, 9);
/** The column of floats in SHAPE. */
const FLOAT = 0;

/** T on rows, and a window that ends on another row: both edges, and a microsecond to either side. */
function* instants(
  rows: readonly TimelineRow[],
  picks: readonly number[],
): Generator<{ asOfUs: number; windowUs: number | null; knownAtUs: number }> {
  for (const pick of picks) {
    const [end, start, known] = [rows[pick % rows.length], rows[(pick * 31) % rows.length], rows[(pick * 17) % rows.length]];
    if (end === undefined || start === undefined || known === undefined) continue;
    const [nudgeEnd, nudgeStart] = [(pick % 3) - 1, (Math.floor(pick / 3) % 3) - 1];
    const asOfUs = Math.max(end.eventTimeUs, start.eventTimeUs) + nudgeEnd;
    const windowUs = pick % 7 === 0 ? null : Math.max(0, asOfUs - Math.min(end.eventTimeUs, start.eventTimeUs) + nudgeStart);
    yield { asOfUs, windowUs, knownAtUs: pick % 4 === 0 ? known.knownUs + nudgeEnd : Number.POSITIVE_INFINITY };
  }
}

function write(rows: readonly TimelineRow[], geometry: Geometry, flushEvery: number): MemoryPages {
  const pages = new MemoryPages();
  let writer = new TimelineWriter(SHAPE, pages, HEAD_KEY, geometry);
  rows.forEach((row, index) => {
    writer.insert(row);
    if ((index + 1) % flushEvery === 0) writer.flush();
    // Every second flush ends the tick: the next writer starts from what is stored.
    if ((index + 1) % (2 * flushEvery) === 0) {
      pages.release();
      writer = new TimelineWriter(SHAPE, pages, HEAD_KEY, geometry);
    }
  });
  writer.flush();
  pages.release();
  return pages;
}

function expectAnswers(pages: MemoryPages, rows: readonly TimelineRow[], picks: readonly number[]): void {
  for (const { asOfUs, windowUs, knownAtUs } of instants(rows, picks)) {
    const instant: Instant = { asOfUs, knownAtUs };
    const questions = questionsFor(windowUs);
    const answers = readWindows(SHAPE, pages, HEAD_KEY, instant, questions);
    pages.release();
    questions.forEach((question, index) => {
      const place = JSON.stringify({ question, asOfUs, knownAtUs });
      if (isDigested(rows, instant, question)) expectRank(rows, { instant, question, answer: answers[index], place });
      else expect(answers[index], place).to.deep.equal(positiveZero(naiveAnswer(rows, instant, question)));
    });
  }
}

const picks = fc.array(fc.nat(), { minLength: 4, maxLength: 8 });
const options = { numRuns: 300, endOnFailure: true };

describe('a timeline (S2, S6, S7, S8, S11, S22)', function () {
  this.timeout(300_000); // 20 s of one core, which may be shared with a dozen others

  it('answers as a loop over its rows does, whatever the pages and flushes', () => {
    fc.assert(
      fc.property(
        timelineRows({ minLength: 1, maxLength: 220 }),
        fc.nat({ max: GEOMETRIES.length - 1 }),
        fc.integer({ min: 1, max: 50 }),
        picks,
        (rows, geometry, flushEvery, chosen) => {
          expectAnswers(write(rows, GEOMETRIES[geometry] ?? GEOMETRIES[0]!, flushEvery), rows, chosen);
        },
      ),
      options,
    );
  });

  it('gives the same bytes in whatever order and batches the rows came', () => {
    fc.assert(
      fc.property(
        timelineRows({ minLength: 2, maxLength: 120 }),
        fc.nat({ max: 3 }),
        fc.infiniteStream(fc.nat()),
        picks,
        (rows, geometry, random, chosen) => {
          const shuffled = rows
            .map((row) => ({ row, at: random.next().value }))
            .sort((a, b) => a.at - b.at)
            .map(({ row }) => row);
          const [first, second] = [
            write(rows, GEOMETRIES[geometry] ?? GEOMETRIES[0]!, 1),
            write(shuffled, GEOMETRIES[3 - geometry] ?? GEOMETRIES[0]!, 33),
          ];
          for (const { asOfUs, windowUs, knownAtUs } of instants(rows, chosen)) {
            const questions = questionsFor(windowUs);
            const [a, b] = [first, second].map((pages) => readWindows(SHAPE, pages, HEAD_KEY, { asOfUs, knownAtUs }, questions));
            expect(a).to.deep.equal(b);
          }
        },
      ),
      options,
    );
  });

  it('holds for several thousand rows, with pages of the real size and with small ones', () => {
    fc.assert(
      fc.property(
        timelineRows({ minLength: 3_000, maxLength: 5_500 }),
        fc.constantFrom(GEOMETRIES[1]!, GEOMETRIES[4]!),
        picks,
        (rows, geometry, chosen) => {
          // The first pick asks for everything: more values than are kept raw.
          expectAnswers(write(rows, geometry, 100), rows, [7 * (rows.length - 1), ...chosen.slice(0, 3)]);
        },
      ),
      { numRuns: 5, endOnFailure: true },
    );
  });

  it('gives the mean also where the sum overflows (S8)', () => {
    const extremes = [Number.MAX_VALUE, -Number.MAX_VALUE, 1e308, -1e308, 2 ** 1_023, 1e292, -1, 0.1, Number.MIN_VALUE];
    const huge = fc.array(fc.oneof(fc.constantFrom(...extremes), fc.double({ noNaN: true, noDefaultInfinity: true })), {
      minLength: 1,
      maxLength: 120,
    });
    fc.assert(
      fc.property(huge, fc.nat({ max: 3 }), fc.nat(), (numbers, geometry, pick) => {
        const rows = numbers.map((number, at) => ({
          eventTimeUs: at,
          orderSource: 0,
          orderOffset: at,
          knownUs: at,
          values: [number, null, null, null],
        }));
        const pages = write(rows, GEOMETRIES[geometry]!, 7);
        const windowUs = pick % rows.length;
        const instant = { asOfUs: rows.length - 1, knownAtUs: Number.POSITIVE_INFINITY };
        for (const [asked, values] of [
          [null, numbers],
          [windowUs, numbers.slice(-1 - windowUs)],
        ] as const) {
          const [mean] = readWindows(SHAPE, pages, HEAD_KEY, instant, [{ kind: 'avg', column: FLOAT, windowUs: asked }]);
          expect(isMean(Number(mean), values), `${String(mean)} of ${values.join(' ')}`).to.equal(true);
        }
      }),
      options,
    );
  });

  it('gives the mean also where the sum of what was trimmed overflows, however that came together (S8, S20)', () => {
    const extremes = [Number.MAX_VALUE, -Number.MAX_VALUE, 1e308, -1e308, 2 ** 1_022, 2 ** 1_023, 1e292, -1, 0.1, Number.MIN_VALUE];
    const huge = fc.array(fc.oneof(fc.constantFrom(...extremes), fc.double({ noNaN: true, noDefaultInfinity: true })), {
      minLength: 8,
      maxLength: 120,
    });
    fc.assert(
      fc.property(huge, fc.nat({ max: 3 }), fc.array(fc.nat({ max: 119 }), { maxLength: 4 }), (numbers, geometry, horizons) => {
        const pages = new MemoryPages();
        const rows = numbers.map((number, at) => ({
          eventTimeUs: at,
          orderSource: 0,
          orderOffset: at,
          knownUs: at,
          values: [number, null, null, null],
        }));
        const trimAt = (horizonUs: number): void => {
          const writer = new TimelineWriter(SHAPE, pages, HEAD_KEY, GEOMETRIES[geometry]);
          for (const row of horizonUs < 0 ? rows : []) writer.insert(row);
          writer.trim(horizonUs);
          writer.flush();
          pages.release();
        };
        trimAt(-1);
        for (const horizonUs of [...horizons, rows.length]) trimAt(horizonUs);
        const instant = { asOfUs: rows.length - 1, knownAtUs: Number.POSITIVE_INFINITY };
        const [mean] = readWindows(SHAPE, pages, HEAD_KEY, instant, [{ kind: 'avg', column: FLOAT, windowUs: null }]);
        expect(isMean(Number(mean), numbers), `${String(mean)} of ${numbers.join(' ')}`).to.equal(true);
      }),
      options,
    );
  });

  it('gives 0 and not -0 for a mean that is too small for a double', () => {
    const rows = [-Number.MIN_VALUE, 0, 0].map((number, at) => ({
      eventTimeUs: at,
      orderSource: 0,
      orderOffset: at,
      knownUs: at,
      values: [number, null, null, null],
    }));
    const instant = { asOfUs: 2, knownAtUs: Number.POSITIVE_INFINITY };
    const [mean] = readWindows(SHAPE, write(rows, GEOMETRIES[0]!, 1), HEAD_KEY, instant, [{ kind: 'avg', column: FLOAT, windowUs: null }]);
    expect(Object.is(mean, 0)).to.equal(true);
  });

  it('keeps endless windows and those above the horizon when it is trimmed (S20)', () => {
    fc.assert(
      fc.property(
        timelineRows({ minLength: 20, maxLength: 200 }),
        fc.nat({ max: 3 }),
        fc.nat(),
        fc.nat(),
        (rows, geometry, trimAt, horizonAt) => {
          const pages = new MemoryPages();
          let writer = new TimelineWriter(SHAPE, pages, HEAD_KEY, GEOMETRIES[geometry]);
          const horizonUs = rows[horizonAt % rows.length]!.eventTimeUs;
          rows.forEach((row, index) => {
            if (index === trimAt % rows.length) writer.trim(horizonUs);
            writer.insert(row);
            if (index % 9 === 0) writer.flush();
            if (index % 18 !== 0) return;
            pages.release(); // the tick is over: the next one reads what this one stored, a base that grows among it
            writer = new TimelineWriter(SHAPE, pages, HEAD_KEY, GEOMETRIES[geometry]);
          });
          writer.flush();
          const asOfUs = Math.max(...rows.map((row) => row.eventTimeUs));
          const instant = { asOfUs, knownAtUs: Number.POSITIVE_INFINITY };
          const endless = questionsFor(null).filter(({ kind }) => kind !== 'lastK' && kind !== 'percentile' && kind !== 'percentRank');
          const questions = [...endless, ...questionsFor(asOfUs - horizonUs), ...questionsFor(Math.floor((asOfUs - horizonUs) / 2))];
          expect(readWindows(SHAPE, pages, HEAD_KEY, instant, questions)).to.deep.equal(
            questions.map((question) => positiveZero(naiveAnswer(rows, instant, question))),
          );
        },
      ),
      options,
    );
  });
});
