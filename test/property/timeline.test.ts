import { expect } from 'chai';
import fc from 'fast-check';
import { type Geometry, RAW_VALUES_MAX } from '../../libs/timeline/geometry.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import { TimelineWriter } from '../../libs/timeline/timeline-writer.js';
import type { Instant, TimelineRow, TimelineShape, WindowQuestion } from '../../libs/timeline/timeline.js';
import { MemoryPages, naiveAnswer } from '../unit/timeline-oracle.js';

const HEAD_KEY = Uint8Array.of(7, 1, 9);
const SHAPE: TimelineShape = { columns: [{ kind: 'number', digest: true }, { kind: 'bytes' }, { kind: 'number', digest: false }, { kind: 'number', digest: true }] };
const [FLOAT, BYTES, WHERE, INT] = [0, 1, 2, 3];
const SECOND_US = 1_000_000;

/** Small pages: a few hundred rows give a tree of several inner levels. */
const GEOMETRIES: readonly Geometry[] = [
  { headRows: 2, leafRows: 4, fanOut: 2 }, { headRows: 4, leafRows: 8, fanOut: 3 }, { headRows: 3, leafRows: 7, fanOut: 4 },
  { headRows: 8, leafRows: 4, fanOut: 4 }, { headRows: 64, leafRows: 128, fanOut: 16 },
];

const float = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -100_000, max: 100_000 }).map((cents) => cents / 100) },
  { weight: 2, arbitrary: fc.double({ noNaN: true, min: -1e30, max: 1e30 }) },
  { weight: 1, arbitrary: fc.constantFrom(1e16, -1e16, 1, 1e30, -1e30, 0.1, -0, 5e-324, -1e-300) },
);
const values = fc.tuple(
  fc.option(float, { freq: 5 }),
  fc.option(fc.constantFrom('', 'a', 'b', 'long enough to be something else').map((text) => new Uint8Array(Buffer.from(text))), { freq: 5 }),
  fc.option(fc.constant(1), { freq: 3 }),
  fc.option(fc.integer({ min: -1_000_000, max: 1_000_000 }), { freq: 5 }),
);

/** Rows in order of arrival: mostly forward, some late, many at equal times; the offsets of a source rise. */
const timelineRows = (size: { readonly minLength: number; readonly maxLength: number }): fc.Arbitrary<TimelineRow[]> =>
  fc.array(fc.record({
    step: fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 3 * SECOND_US }) }, { weight: 2, arbitrary: fc.constantFrom(0, 1) }),
    lateUs: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 3_600 * SECOND_US }) }),
    knownLagUs: fc.nat({ max: 60 * SECOND_US }),
    orderSource: fc.nat({ max: 2 }),
    values,
  }), { ...size, size: 'max' }).map((steps) => {
    let nowUs = 1_700_000_000 * SECOND_US;
    return steps.map((step, orderOffset) => {
      nowUs += step.step;
      const eventTimeUs = nowUs - step.lateUs;
      return { eventTimeUs, orderSource: step.orderSource, orderOffset, knownUs: eventTimeUs + step.knownLagUs, values: step.values };
    });
  });

function questionsFor(windowUs: number | null): WindowQuestion[] {
  const questions: WindowQuestion[] = [{ kind: 'count', windowUs }, { kind: 'count', column: BYTES, windowUs }];
  for (const column of [FLOAT, INT]) {
    for (const kind of ['count', 'sum', 'avg', 'min', 'max', 'percentRank'] as const) questions.push({ kind, column, windowUs });
    for (const pct of [0, 7, 50, 99.9, 100]) questions.push({ kind: 'percentile', column, windowUs, pct });
  }
  for (const column of [FLOAT, BYTES]) {
    for (const k of [1, 5, 40]) {
      questions.push({ kind: 'lastK', column, windowUs, k, dedup: k > 1, dropNull: k === 5 }, { kind: 'lastK', column, windowUs, k, dedup: false, dropNull: k === 1, whereColumn: WHERE });
    }
  }
  return questions;
}

/** T on rows, and a window that ends on another row: both edges, and a microsecond to either side. */
function* instants(rows: readonly TimelineRow[], picks: readonly number[]): Generator<{ asOfUs: number; windowUs: number | null; knownAtUs: number }> {
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
    if ((index + 1) % (2 * flushEvery) === 0) writer = new TimelineWriter(SHAPE, pages, HEAD_KEY, geometry);
  });
  writer.flush();
  return pages;
}

function expectAnswers(pages: MemoryPages, rows: readonly TimelineRow[], picks: readonly number[]): void {
  for (const { asOfUs, windowUs, knownAtUs } of instants(rows, picks)) {
    const instant: Instant = { asOfUs, knownAtUs };
    const questions = questionsFor(windowUs);
    const answers = readWindows(SHAPE, pages, HEAD_KEY, instant, questions);
    questions.forEach((question, index) => {
      const place = JSON.stringify({ question, asOfUs, knownAtUs });
      if (isDigested(rows, instant, question)) expectRank(rows, { instant, question, answer: answers[index], place });
      else expect(answers[index], place).to.deep.equal(positiveZero(naiveAnswer(rows, instant, question)));
    });
  }
}

type RankQuestion = Extract<WindowQuestion, { kind: 'percentile' | 'percentRank' }>;

function isDigested(rows: readonly TimelineRow[], instant: Instant, question: WindowQuestion): question is RankQuestion {
  if (question.kind !== 'percentile' && question.kind !== 'percentRank') return false;
  return Number(naiveAnswer(rows, instant, { kind: 'count', column: question.column, windowUs: question.windowUs })) > RAW_VALUES_MAX;
}

/** Within S9's bounds, which hold here from 2,000 values on. */
function expectRank(rows: readonly TimelineRow[], asked: { readonly instant: Instant; readonly question: RankQuestion; readonly answer: unknown; readonly place: string }): void {
  const { question, instant, answer, place } = asked;
  if (question.kind === 'percentRank') {
    expect(Number(answer), place).to.be.closeTo(Number(naiveAnswer(rows, instant, question)), 0.01);
    return;
  }
  const all = naiveAnswer(rows, instant, { kind: 'lastK', column: question.column, windowUs: question.windowUs, k: rows.length, dedup: false, dropNull: true });
  const values = Array.isArray(all) ? all.map(Number) : [];
  const rank = Math.max(1, Math.ceil((question.pct * values.length) / 100));
  const [below, upTo] = [values.filter((value) => value < Number(answer)).length, values.filter((value) => value <= Number(answer)).length];
  expect(Math.max(0, below + 1 - rank, rank - upTo) / values.length, place).to.be.at.most(0.005);
}

/** -0 is stored as 0. */
function positiveZero<T>(answer: T): T {
  if (typeof answer === 'number') return (answer + 0) as T; // the same type: a number
  return Array.isArray(answer) ? (answer.map(positiveZero) as T) : answer; // the same type: a list
}

const picks = fc.array(fc.nat(), { minLength: 4, maxLength: 8 });
const options = { numRuns: 300, endOnFailure: true };

describe('a timeline (S2, S6, S7, S8, S11, S22)', function () {
  this.timeout(300_000); // 20 s of one core, which may be shared with a dozen others

  it('answers as a loop over its rows does, whatever the pages and flushes', () => {
    fc.assert(fc.property(timelineRows({ minLength: 1, maxLength: 220 }), fc.nat({ max: GEOMETRIES.length - 1 }), fc.integer({ min: 1, max: 50 }), picks, (rows, geometry, flushEvery, chosen) => {
      expectAnswers(write(rows, GEOMETRIES[geometry] ?? GEOMETRIES[0]!, flushEvery), rows, chosen);
    }), options);
  });

  it('gives the same bytes in whatever order and batches the rows came', () => {
    fc.assert(fc.property(timelineRows({ minLength: 2, maxLength: 120 }), fc.nat({ max: 3 }), fc.infiniteStream(fc.nat()), picks, (rows, geometry, random, chosen) => {
      const shuffled = rows.map((row) => ({ row, at: random.next().value })).sort((a, b) => a.at - b.at).map(({ row }) => row);
      const [first, second] = [write(rows, GEOMETRIES[geometry] ?? GEOMETRIES[0]!, 1), write(shuffled, GEOMETRIES[3 - geometry] ?? GEOMETRIES[0]!, 33)];
      for (const { asOfUs, windowUs, knownAtUs } of instants(rows, chosen)) {
        const questions = questionsFor(windowUs);
        const [a, b] = [first, second].map((pages) => readWindows(SHAPE, pages, HEAD_KEY, { asOfUs, knownAtUs }, questions));
        expect(a).to.deep.equal(b);
      }
    }), options);
  });

  it('holds for several thousand rows, with pages of the real size and with small ones', () => {
    fc.assert(fc.property(timelineRows({ minLength: 3_000, maxLength: 5_500 }), fc.constantFrom(GEOMETRIES[1]!, GEOMETRIES[4]!), picks, (rows, geometry, chosen) => {
      // The first pick asks for everything: more values than are kept raw.
      expectAnswers(write(rows, geometry, 100), rows, [7 * (rows.length - 1), ...chosen.slice(0, 3)]);
    }), { numRuns: 5, endOnFailure: true });
  });

  it('keeps endless windows and those above the horizon when it is trimmed (S20)', () => {
    fc.assert(fc.property(timelineRows({ minLength: 20, maxLength: 200 }), fc.nat({ max: 3 }), fc.nat(), fc.nat(), (rows, geometry, trimAt, horizonAt) => {
      const pages = new MemoryPages();
      const writer = new TimelineWriter(SHAPE, pages, HEAD_KEY, GEOMETRIES[geometry]);
      const horizonUs = rows[horizonAt % rows.length]!.eventTimeUs;
      rows.forEach((row, index) => {
        if (index === trimAt % rows.length) writer.trim(horizonUs);
        writer.insert(row);
        if (index % 9 === 0) writer.flush();
      });
      writer.flush();
      const asOfUs = Math.max(...rows.map((row) => row.eventTimeUs));
      const instant = { asOfUs, knownAtUs: Number.POSITIVE_INFINITY };
      const endless = questionsFor(null).filter(({ kind }) => kind !== 'lastK' && kind !== 'percentile' && kind !== 'percentRank');
      const questions = [...endless, ...questionsFor(asOfUs - horizonUs), ...questionsFor(Math.floor((asOfUs - horizonUs) / 2))];
      expect(readWindows(SHAPE, pages, HEAD_KEY, instant, questions)).to.deep.equal(questions.map((question) => positiveZero(naiveAnswer(rows, instant, question))));
    }), options);
  });
});
