import { expect } from 'chai';
import fc from 'fast-check';
import { type Geometry, RAW_VALUES_MAX } from '../../libs/timeline/geometry.js';
import type { Instant, TimelineRow, TimelineShape, WindowQuestion } from '../../libs/timeline/timeline.js';
import { naiveAnswer } from '../unit/timeline-oracle.js';

// What the property suites of timelines draw from, and ask.

export const SHAPE: TimelineShape = {
  columns: [{ kind: 'number', digest: true }, { kind: 'bytes' }, { kind: 'number', digest: false }, { kind: 'number', digest: true }],
};
const [FLOAT, BYTES, WHERE, INT] = [0, 1, 2, 3];
export const SECOND_US = 1_000_000;

/** Small pages: a few hundred rows give a tree of several inner levels. */
export const GEOMETRIES: readonly Geometry[] = [
  { headRows: 2, leafRows: 4, fanOut: 2 },
  { headRows: 4, leafRows: 8, fanOut: 3 },
  { headRows: 3, leafRows: 7, fanOut: 4 },
  { headRows: 8, leafRows: 4, fanOut: 4 },
  { headRows: 64, leafRows: 128, fanOut: 16 },
];

const float = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -100_000, max: 100_000 }).map((cents) => cents / 100) },
  { weight: 2, arbitrary: fc.double({ noNaN: true, min: -1e30, max: 1e30 }) },
  { weight: 1, arbitrary: fc.constantFrom(1e16, -1e16, 1, 1e30, -1e30, 0.1, -0, 5e-324, -1e-300) },
);
const values = fc.tuple(
  fc.option(float, { freq: 5 }),
  fc.option(
    fc.constantFrom('', 'a', 'b', 'long enough to be something else').map((text) => new Uint8Array(Buffer.from(text))),
    { freq: 5 },
  ),
  fc.option(fc.constant(1), { freq: 3 }),
  fc.option(fc.integer({ min: -1_000_000, max: 1_000_000 }), { freq: 5 }),
);

/** Rows in order of arrival: mostly forward, some late, many at equal times; the offsets of a source rise. */
export const timelineRows = (size: { readonly minLength: number; readonly maxLength: number }): fc.Arbitrary<TimelineRow[]> =>
  fc
    .array(
      fc.record({
        step: fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 3 * SECOND_US }) }, { weight: 2, arbitrary: fc.constantFrom(0, 1) }),
        lateUs: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 3_600 * SECOND_US }) }),
        knownLagUs: fc.nat({ max: 60 * SECOND_US }),
        orderSource: fc.nat({ max: 2 }),
        values,
      }),
      { ...size, size: 'max' },
    )
    .map((steps) => {
      let nowUs = 1_700_000_000 * SECOND_US;
      return steps.map((step, orderOffset) => {
        nowUs += step.step;
        const eventTimeUs = nowUs - step.lateUs;
        return { eventTimeUs, orderSource: step.orderSource, orderOffset, knownUs: eventTimeUs + step.knownLagUs, values: step.values };
      });
    });

export function questionsFor(windowUs: number | null): WindowQuestion[] {
  const questions: WindowQuestion[] = [
    { kind: 'count', windowUs },
    { kind: 'count', column: BYTES, windowUs },
  ];
  for (const column of [FLOAT, INT]) {
    for (const kind of ['count', 'sum', 'avg', 'min', 'max', 'percentRank'] as const) questions.push({ kind, column, windowUs });
    for (const pct of [0, 7, 50, 99.9, 100]) questions.push({ kind: 'percentile', column, windowUs, pct });
  }
  for (const column of [FLOAT, BYTES]) {
    for (const k of [1, 5, 40]) {
      questions.push(
        { kind: 'lastK', column, windowUs, k, dedup: k > 1, dropNull: k === 5 },
        { kind: 'lastK', column, windowUs, k, dedup: false, dropNull: k === 1, whereColumn: WHERE },
      );
    }
  }
  return questions;
}

type RankQuestion = Extract<WindowQuestion, { kind: 'percentile' | 'percentRank' }>;

export function isDigested(rows: readonly TimelineRow[], instant: Instant, question: WindowQuestion): question is RankQuestion {
  if (question.kind !== 'percentile' && question.kind !== 'percentRank') return false;
  return Number(naiveAnswer(rows, instant, { kind: 'count', column: question.column, windowUs: question.windowUs })) > RAW_VALUES_MAX;
}

/** Within S9's bounds, which hold here from 2,000 values on. */
export function expectRank(
  rows: readonly TimelineRow[],
  asked: { readonly instant: Instant; readonly question: RankQuestion; readonly answer: unknown; readonly place: string },
): void {
  const { question, instant, answer, place } = asked;
  if (question.kind === 'percentRank') {
    expect(Number(answer), place).to.be.closeTo(Number(naiveAnswer(rows, instant, question)), 0.01);
    return;
  }
  const all = naiveAnswer(rows, instant, {
    kind: 'lastK',
    column: question.column,
    windowUs: question.windowUs,
    k: rows.length,
    dedup: false,
    dropNull: true,
  });
  const values = Array.isArray(all) ? all.map(Number) : [];
  const rank = Math.max(1, Math.ceil((question.pct * values.length) / 100));
  const [below, upTo] = [values.filter((value) => value < Number(answer)).length, values.filter((value) => value <= Number(answer)).length];
  expect(Math.max(0, below + 1 - rank, rank - upTo) / values.length, place).to.be.at.most(0.005);
}

/** -0 is stored as 0. */
export function positiveZero<T>(answer: T): T {
  if (typeof answer === 'number') return (answer + 0) as T; // the same type: a number
  return Array.isArray(answer) ? (answer.map(positiveZero) as T) : answer; // the same type: a list
}
