// Values that came late to a sealed page and wait beside its digest (S9, S11).
import { expect } from 'chai';
import { RAW_VALUES_MAX } from '../../libs/timeline/geometry.js';
import { lateKey } from '../../libs/timeline/page-keys.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import { TimelineWriter } from '../../libs/timeline/timeline-writer.js';
import type { TimelineShape } from '../../libs/timeline/timeline.js';
import { MemoryPages } from './timeline-oracle.js';

const HEAD_KEY = Uint8Array.of(1);
const SHAPE: TimelineShape = { columns: [{ kind: 'number', digest: true }] };
const ROWS = 3 * RAW_VALUES_MAX;
/** The first inner page of 16 leaves. */
const SEALED = 3;
const LATE = 60;

function insertAll(pages: MemoryPages, values: readonly number[], timeOf: (index: number) => number, orderSource: number): void {
  const writer = new TimelineWriter(SHAPE, pages, HEAD_KEY);
  values.forEach((value, index) =>
    writer.insert({ eventTimeUs: timeOf(index), orderSource, orderOffset: index, knownUs: timeOf(index), values: [value] }),
  );
  writer.flush();
}

describe('late values', () => {
  for (const [where, late] of [
    ['above all others', (index: number) => 1_000_000 + index],
    ['below all others', (index: number) => -1_000_000 + index],
  ] as const) {
    it(`that wait beside a digest count in percentiles as all others do, ${where} (S9, S11)`, () => {
      const inTime = Array.from({ length: ROWS }, (_, index) => index);
      const lateValues = Array.from({ length: LATE }, (_, index) => late(index));
      const pages = new MemoryPages();
      insertAll(pages, inTime, (index) => index, 0);
      insertAll(pages, lateValues, () => 500, 1);
      expect(pages.values.has(Buffer.from(lateKey(HEAD_KEY, SEALED)).toString('hex')), 'they wait').to.equal(true);

      const sorted = [...inTime, ...lateValues].sort((a, b) => a - b);
      // The middle of the late ones: without them it would be another's value, or an end of the window's range.
      const rank = sorted.indexOf(late(LATE / 2)) + 1;
      const pct = (rank / sorted.length) * 100;
      const [value] = readWindows(SHAPE, pages, HEAD_KEY, { asOfUs: ROWS, knownAtUs: Number.POSITIVE_INFINITY }, [
        { kind: 'percentile', column: 0, windowUs: null, pct },
      ]);
      expect(Math.abs(sorted.indexOf(Number(value)) + 1 - rank), `rank of ${String(value)}`).to.be.at.most(0.001 * sorted.length);
      expect(lateValues).to.include(value);
    });
  }
});
