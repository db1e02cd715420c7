// The rows that a window is said to be made of are those that a loop over all rows finds, page by page, and their count is the answer's.
import { expect } from 'chai';
import fc from 'fast-check';
import { countsEver } from '../../libs/timeline/ended-rows.js';
import { TimelinePages } from '../../libs/timeline/timeline-pages.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import type { Instant, RowKey, TimelineRow } from '../../libs/timeline/timeline.js';
import { listRows, type ListedRow, type WhichRows } from '../../libs/timeline/window-rows.js';
import type { MemoryPages } from '../unit/timeline-oracle.js';
import { GEOMETRIES } from './timeline-arbitrary.js';
import { counts, HEAD_KEY, instants, type Life, lives, RETRACTABLE, write } from './timeline-lives.js';

/** The column of floats, and the one of a `where`. */
const NEEDS: readonly (readonly number[])[] = [[], [0], [2]];

interface Asked {
  readonly instant: Instant;
  readonly windowUs: number | null;
  readonly which: WhichRows;
  readonly needs: readonly number[];
}

const nameOf = ({ orderSource, orderOffset }: RowKey): string => `${orderSource}/${orderOffset}`;

/** All pages, each of `rowsMax` rows at most. */
function listed(pages: MemoryPages, { instant, ...question }: Asked, rowsMax: number): ListedRow[] {
  const rows: ListedRow[] = [];
  let before: RowKey | undefined;
  do {
    const page = listRows(new TimelinePages(RETRACTABLE, pages, HEAD_KEY), instant, { ...question, rowsMax, before });
    expect(page.rows.length).to.be.at.most(rowsMax);
    if (page.next !== undefined) expect(page.rows.length, 'a page that is not the last is full').to.equal(rowsMax);
    rows.push(...page.rows);
    before = page.next;
  } while (before !== undefined);
  return rows;
}

/** As the rules have it (S2, S17, S22), in the order that is promised. */
function expected(all: readonly Life[], { instant, windowUs, which, needs }: Asked): string[] {
  const { asOfUs, knownAtUs } = instant;
  const isWithin = ({ eventTimeUs }: TimelineRow): boolean =>
    eventTimeUs <= asOfUs && (windowUs === null || eventTimeUs >= asOfUs - windowUs);
  const within = all.filter(({ row }) => isWithin(row) && needs.every((column) => row.values[column] !== null));
  if (which === 'ended') {
    const ended = within.flatMap(({ row, end }) => (end === undefined || !countsEver(row, end) ? [] : [{ row, end }]));
    return ended
      .filter(({ row, end }) => end.endUs <= asOfUs && end.endKnownUs <= knownAtUs && row.knownUs <= knownAtUs)
      .sort((a, b) => b.end.endUs - a.end.endUs || later(a.row, b.row))
      .map(({ row }) => nameOf(row));
  }
  const inTime = which === 'later' ? { asOfUs, knownAtUs: Number.POSITIVE_INFINITY } : instant;
  return within
    .filter((life) => counts(life, inTime) && (which === 'later' ? life.row.knownUs > knownAtUs : life.row.knownUs <= knownAtUs))
    .sort((a, b) => b.row.eventTimeUs - a.row.eventTimeUs || later(a.row, b.row))
    .map(({ row }) => nameOf(row));
}

function later(a: RowKey, b: RowKey): number {
  return b.orderSource - a.orderSource || b.orderOffset - a.orderOffset;
}

describe('the rows of a window (S2, S7, S17, S22)', function () {
  this.timeout(120_000);

  it('are those that a loop finds, in any pages, and as many as the answer counts', () => {
    const drawn = fc.tuple(
      lives({ minLength: 1, maxLength: 220 }),
      fc.nat({ max: GEOMETRIES.length - 1 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.nat(), { minLength: 3, maxLength: 6 }),
      fc.constantFrom(1, 2, 7, 200),
    );
    fc.assert(
      fc.property(drawn, ([all, geometry, flushEvery, picks, rowsMax]) => {
        const pages = write(all, GEOMETRIES[geometry] ?? GEOMETRIES[0]!, flushEvery);
        for (const { asOfUs, windowUs, knownAtUs } of instants(all, picks)) {
          for (const needs of NEEDS) {
            const instant = { asOfUs, knownAtUs };
            const [column] = needs;
            for (const which of ['counted', 'ended', 'later'] as const) {
              const asked: Asked = { instant, windowUs, which, needs };
              const rows = listed(pages, asked, rowsMax);
              expect(rows.map(nameOf), JSON.stringify(asked)).to.deep.equal(expected(all, asked));
              if (which !== 'counted') continue;
              const question = { kind: 'count', windowUs, ...(column === undefined ? {} : { column }) } as const;
              expect(readWindows(RETRACTABLE, pages, HEAD_KEY, instant, [question])).to.deep.equal([rows.length]);
            }
          }
        }
      }),
      { numRuns: 100, endOnFailure: true },
    );
  });

  it('are told with when they were known, and when they ended', () => {
    const row: TimelineRow = { eventTimeUs: 100, orderSource: 0, orderOffset: 1, knownUs: 150, values: [2.5, null, null, 7] };
    const end = { eventTimeUs: 100, orderSource: 0, orderOffset: 1, endUs: 200, endKnownUs: 210 };
    const pages = write([{ row, end, delay: 0 }], GEOMETRIES[0]!, 1);
    const asked = { windowUs: 1_000, needs: [], rowsMax: 10 };
    const at = (asOfUs: number, which: WhichRows): readonly ListedRow[] =>
      listRows(new TimelinePages(RETRACTABLE, pages, HEAD_KEY), { asOfUs, knownAtUs: Number.POSITIVE_INFINITY }, { ...asked, which }).rows;
    expect(at(199, 'ended')).to.deep.equal([]);
    expect(at(200, 'counted')).to.deep.equal([]);
    expect(at(199, 'counted')[0]).to.include({ eventTimeUs: 100, knownUs: 150 });
    expect(at(200, 'ended')[0]).to.deep.include({ eventTimeUs: 100, knownUs: 150, endUs: 200, endKnownUs: 210, values: row.values });
  });
});
