import { expect } from 'chai';
import { digestWeight } from '../../libs/timeline/digest.js';
import { digestValues, takeOut } from '../../libs/timeline/digest-builder.js';
import { HEAD_BYTES } from '../../libs/timeline/head-page.js';
import { endedKey } from '../../libs/timeline/page-keys.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import type { RowEnd, TimelineRow, TimelineShape, WindowQuestion } from '../../libs/timeline/timeline.js';
import { writeChanges, writeRows } from '../../libs/timeline/write-rows.js';
import { MemoryPages } from './timeline-oracle.js';

const HEAD_KEY = Uint8Array.of(7);
const APPENDED: TimelineShape = { columns: [{ kind: 'number', digest: true }] };
const RETRACTABLE: TimelineShape = { ...APPENDED, retractable: true };
const NOW = { asOfUs: 1_000_000, knownAtUs: Number.POSITIVE_INFINITY };

function row(eventTimeUs: number, value: number): TimelineRow {
  return { eventTimeUs, orderSource: 0, orderOffset: eventTimeUs, knownUs: eventTimeUs, values: [value] };
}

function endOf({ eventTimeUs, orderSource, orderOffset }: TimelineRow, endUs: number): RowEnd {
  return { eventTimeUs, orderSource, orderOffset, endUs, endKnownUs: endUs };
}

function write(shape: TimelineShape, rows: readonly TimelineRow[]): MemoryPages {
  const pages = new MemoryPages();
  for (const one of rows) writeRows(shape, pages, HEAD_KEY, [one]);
  return pages;
}

function fetchesFor(shape: TimelineShape, pages: MemoryPages): number {
  const questions: WindowQuestion[] = (['sum', 'max'] as const).map((kind) => ({ kind, column: 0, windowUs: 5_000 }));
  pages.fetches.length = 0;
  readWindows(shape, pages, HEAD_KEY, NOW, questions);
  return pages.fetches.length;
}

describe('ended rows of a timeline (S17)', () => {
  const rows = Array.from({ length: 5_000 }, (_, index) => row(1_000_000 - 10 * (5_000 - index), index % 977));

  it('cost a timeline that nothing is taken back from no byte and no read', () => {
    const pages = write(APPENDED, rows.slice(0, 3));
    expect([...pages.values.keys()]).to.deep.equal(['07']);
    const head = pages.values.get('07')!;
    expect([head[0], head.length]).to.deep.equal([3, HEAD_BYTES + 3 * 5 * 8]);
    expect(fetchesFor(APPENDED, pages)).to.equal(1);
    expect(() => writeChanges(APPENDED, pages, HEAD_KEY, { rows: [], ends: [endOf(rows[0]!, 1)] })).to.throw('nothing is taken back from');
  });

  it('have a format of their own, and one that is newer is refused', () => {
    const pages = write(RETRACTABLE, rows.slice(0, 3));
    const head = pages.values.get('07')!;
    expect([head[0], head.length]).to.deep.equal([4, HEAD_BYTES + 3 * 6 * 8]);
    head[0] = 5;
    expect(() => readWindows(RETRACTABLE, pages, HEAD_KEY, NOW, [])).to.throw('newer than 4');
  });

  it('cost a question about now one read, however many there are', () => {
    const pages = write(RETRACTABLE, rows);
    const before = fetchesFor(RETRACTABLE, pages);
    for (const [index, one] of rows.entries()) {
      if (index % 2 === 0)
        expect(writeChanges(RETRACTABLE, pages, HEAD_KEY, { rows: [], ends: [endOf(one, 999_000 + (index % 100))] })).to.equal(1);
    }
    expect(fetchesFor(RETRACTABLE, pages)).to.be.at.most(before + 1);
    expect(pages.values.has(Buffer.from(endedKey(HEAD_KEY)).toString('hex'))).to.equal(true);
    const [count] = readWindows(RETRACTABLE, pages, HEAD_KEY, NOW, [{ kind: 'count', windowUs: null }]);
    expect(count).to.equal(2_500);
    const earlier = { ...NOW, asOfUs: 999_010 };
    const alive = rows.filter(({ eventTimeUs }, index) => eventTimeUs <= 999_010 && (index % 2 === 1 || 999_000 + (index % 100) > 999_010));
    expect(readWindows(RETRACTABLE, pages, HEAD_KEY, earlier, [{ kind: 'count', windowUs: null }])).to.deep.equal([alive.length]);
  });

  it('are not there where no row was, and one that never counted is not kept', () => {
    const pages = write(RETRACTABLE, rows.slice(0, 2));
    expect(writeChanges(RETRACTABLE, pages, HEAD_KEY, { rows: [], ends: [endOf(rows[2]!, 1_000_000)] })).to.equal(0);
    const { eventTimeUs } = rows[0]!;
    expect(writeChanges(RETRACTABLE, pages, HEAD_KEY, { rows: [], ends: [endOf(rows[0]!, eventTimeUs)] })).to.equal(1);
    expect([...pages.values.keys()]).to.deep.equal(['07']);
    expect(readWindows(RETRACTABLE, pages, HEAD_KEY, NOW, [{ kind: 'count', windowUs: null }])).to.deep.equal([1]);
  });

  it('are trimmed, and rows that may still be ended are not, whatever the horizon (S20)', () => {
    const pages = write(RETRACTABLE, rows);
    const ends = rows.slice(0, 300).map((one, index) => endOf(one, 999_000 + index));
    writeChanges(RETRACTABLE, pages, HEAD_KEY, { rows: [], ends });
    const count = (asOfUs: number): unknown =>
      readWindows(RETRACTABLE, pages, HEAD_KEY, { asOfUs, knownAtUs: Number.POSITIVE_INFINITY }, [{ kind: 'count', windowUs: null }])[0];
    const counted = [999_250, 999_251, 2_000_000].map(count);
    const before = pages.values.size;
    writeChanges(RETRACTABLE, pages, HEAD_KEY, { rows: [], ends: [endOf(rows[300]!, 1_500_000)], horizonUs: 999_250 });
    expect([999_250, 999_251, 2_000_000].map(count)).to.deep.equal([counted[0], counted[1], Number(counted[2]) - 1]);
    expect(pages.values.size).to.be.below(before);
    expect(writeChanges(RETRACTABLE, pages, HEAD_KEY, { rows: [], ends: [endOf(rows[301]!, 1_500_001)], horizonUs: 1e9 })).to.equal(1);
    expect(count(2_000_000)).to.equal(rows.length - 302);
  });

  it('leave digests that weigh what is left, whichever values go', () => {
    const values = Array.from({ length: 3_000 }, (_, index) => (index * 7_919) % 1_009);
    let digest = digestValues(Float64Array.from(values));
    for (const [index, value] of values.entries()) {
      if (index % 3 === 0) continue;
      digest = takeOut(digest, value);
      expect(digestWeight(digest)).to.equal(3_000 - (index - Math.floor(index / 3)));
    }
    expect([...digest.upTo].every((count, index) => index === 0 || count > digest.upTo[index - 1]!)).to.equal(true);
  });
});
