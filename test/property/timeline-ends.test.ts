import { expect } from 'chai';
import fc from 'fast-check';
import { digestWeight } from '../../libs/timeline/digest.js';
import { countsEver } from '../../libs/timeline/ended-rows.js';
import { COLUMN_COUNT } from '../../libs/timeline/layout.js';
import { endedKey } from '../../libs/timeline/page-keys.js';
import { TimelinePages } from '../../libs/timeline/timeline-pages.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import { TimelineWriter } from '../../libs/timeline/timeline-writer.js';
import type { Instant } from '../../libs/timeline/timeline.js';
import { type MemoryPages, naiveAnswer, nameOf } from '../unit/timeline-oracle.js';
import { expectRank, GEOMETRIES, isDigested, positiveZero, questionsFor } from './timeline-arbitrary.js';
import { counts, HEAD_KEY, instants, type Life, lives, RETRACTABLE, write } from './timeline-lives.js';

/** Of instants below the horizon, and of what was known below it, nobody asks: the horizon itself is asked for instead (S20). */
function expectAnswers(
  pages: MemoryPages,
  all: readonly Life[],
  picks: readonly number[],
  horizonUs: number = Number.NEGATIVE_INFINITY,
): void {
  for (const { windowUs, ...drawn } of instants(all, picks)) {
    const [asOfUs, knownAtUs] = [Math.max(drawn.asOfUs, horizonUs), Math.max(drawn.knownAtUs, horizonUs)];
    const instant: Instant = { asOfUs, knownAtUs };
    const rows = all.filter((life) => counts(life, instant)).map(({ row }) => row);
    const questions = questionsFor(windowUs);
    const answers = readWindows(RETRACTABLE, pages, HEAD_KEY, instant, questions);
    questions.forEach((question, index) => {
      const place = JSON.stringify({ question, asOfUs, knownAtUs });
      if (isDigested(rows, instant, question)) expectRank(rows, { instant, question, answer: answers[index], place });
      else expect(answers[index], place).to.deep.equal(positiveZero(naiveAnswer(rows, instant, question)));
    });
  }
}

/** What is below a page is what its digests, and what came late to it, weigh: the one fault that answers hardly show. */
function expectDigestsWeigh(pages: MemoryPages): void {
  const timeline = new TimelinePages(RETRACTABLE, pages, HEAD_KEY);
  const { digestColumns, partialAt } = timeline.layout;
  const check = (id: number, level: number): void => {
    const page = timeline.inner(id);
    for (let index = 0; index < page.count && level > 1; index++) {
      const child = page.child(index);
      check(child, level - 1);
      if (!page.hasDigest(index)) continue;
      digestColumns.forEach((column, at) => {
        const late = page.hasLate(index) ? timeline.late(child)[at]!.length : 0;
        expect(digestWeight(timeline.digests(child)[at]!) + late).to.equal(page.field(index, partialAt[column]! + COLUMN_COUNT));
      });
    }
  };
  const { head } = timeline;
  if (head !== undefined && head.height > 0) check(head.root, head.height);
}

function endedRowsIn(ended: TimelinePages): number {
  const below = (id: number, level: number): number => {
    if (level === 0) return ended.leaf(id).rows.count;
    const page = ended.inner(id);
    return Array.from({ length: page.count }, (_, index) => below(page.child(index), level - 1)).reduce((sum, count) => sum + count, 0);
  };
  const head = ended.head!;
  return head.rows.count + (head.root === 0 ? 0 : below(head.root, head.height));
}

const picks = fc.array(fc.nat(), { minLength: 6, maxLength: 10 });

describe('a timeline whose rows end (S17, S22)', function () {
  this.timeout(300_000);

  it('answers as a loop over rows and their ends does, whatever the pages and flushes', () => {
    fc.assert(
      fc.property(
        lives({ minLength: 1, maxLength: 220 }),
        fc.nat({ max: GEOMETRIES.length - 1 }),
        fc.integer({ min: 1, max: 50 }),
        picks,
        (all, geometry, flushEvery, chosen) => {
          expectAnswers(write(all, GEOMETRIES[geometry] ?? GEOMETRIES[0]!, flushEvery), all, chosen);
        },
      ),
      { numRuns: 150, endOnFailure: true },
    );
  });

  it('holds for several thousand rows, with digests that have lost values', () => {
    fc.assert(
      fc.property(
        lives({ minLength: 5_000, maxLength: 7_000 }),
        fc.constantFrom(GEOMETRIES[1]!, GEOMETRIES[4]!),
        picks,
        (all, geometry, chosen) => {
          const newest = all.length - 1;
          const pages = write(all, geometry, 100);
          expectDigestsWeigh(pages);
          expectAnswers(pages, all, [0, newest * 5, ...chosen.slice(0, 3)]);
        },
      ),
      { numRuns: 3, endOnFailure: true },
    );
  });

  it('answers alike from the horizon on where ended rows are trimmed, whatever comes late (S20)', () => {
    fc.assert(
      fc.property(
        lives({ minLength: 1, maxLength: 220 }),
        fc.nat({ max: GEOMETRIES.length - 1 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: -1, max: 1 })), { minLength: 1, maxLength: 5 }),
        picks,
        (all, geometry, flushEvery, drawn, chosen) => {
          const times = all.flatMap(({ row, end }) => [row.eventTimeUs, row.knownUs, end?.endUs ?? [], end?.endKnownUs ?? []].flat());
          const horizons = drawn.map(([pick, by]) => times[pick % times.length]! + by).sort((a, b) => a - b);
          const pages = write(all, GEOMETRIES[geometry] ?? GEOMETRIES[0]!, flushEvery, horizons);
          expectAnswers(pages, all, chosen, horizons.at(-1));
        },
      ),
      { numRuns: 200, endOnFailure: true },
    );
  });

  it('keeps no page of ended rows that nobody can see, and all that somebody can (S20)', () => {
    fc.assert(
      fc.property(lives({ minLength: 30, maxLength: 200 }), fc.nat({ max: GEOMETRIES.length - 1 }), fc.nat(), (all, geometry, pick) => {
        const ends = all.flatMap(({ row, end }) => (end === undefined || !countsEver(row, end) ? [] : [end]));
        const highest = ends.map(({ endUs, endKnownUs }) => Math.max(endUs, endKnownUs)).sort((a, b) => a - b);
        const pages = write(all, GEOMETRIES[geometry]!, 10);
        const writer = new TimelineWriter(RETRACTABLE, pages, HEAD_KEY, GEOMETRIES[geometry]);
        const last = { eventTimeUs: 9e15, orderSource: 0, orderOffset: 1e9, knownUs: 9e15, values: all[0]!.row.values };
        writer.insert(last);
        writer.end({ ...last, endUs: 9e15 + 1, endKnownUs: 9e15 });
        const horizonUs = highest[pick % Math.max(1, highest.length)] ?? 0;
        const isLast = horizonUs === highest.at(-1);
        writer.trim(horizonUs);
        writer.flush();
        const left = new TimelinePages(RETRACTABLE, pages, HEAD_KEY).ended()!;
        expect(endedRowsIn(left)).to.be.at.least(1 + highest.filter((end) => end > horizonUs).length);
        const keys = [...pages.values.keys()].filter((key) => key.startsWith(nameOf(endedKey(HEAD_KEY))));
        // One row is left, in the head, or in a leaf with the pages above it.
        const { root, height, rows } = left.head!;
        if (isLast) expect([rows.count, keys.length]).to.deep.equal(root === 0 ? [1, 1] : [0, height + 2]);
      }),
      { numRuns: 100, endOnFailure: true },
    );
  });

  it('forgets nothing but the rows when all of them end, and takes new ones', () => {
    fc.assert(
      fc.property(lives({ minLength: 30, maxLength: 120 }), fc.nat({ max: 3 }), picks, (drawn, geometry, chosen) => {
        const half = Math.floor(drawn.length / 2);
        // All of the first half end, before the second half comes.
        const all = drawn.map(({ row, end }, index): Life => {
          if (index >= half) return { row, end, delay: 0 };
          const { eventTimeUs, orderSource, orderOffset, knownUs } = row;
          const endUs = end?.endUs ?? eventTimeUs + 1;
          return { row, end: { eventTimeUs, orderSource, orderOffset, endUs, endKnownUs: knownUs }, delay: half - 1 - index };
        });
        expectAnswers(write(all, GEOMETRIES[geometry]!, 7), all, chosen);
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });
});
