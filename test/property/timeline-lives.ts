import { expect } from 'chai';
import fc from 'fast-check';
import type { Geometry } from '../../libs/timeline/geometry.js';
import { TimelineWriter } from '../../libs/timeline/timeline-writer.js';
import type { Instant, RowEnd, TimelineRow, TimelineShape } from '../../libs/timeline/timeline.js';
import { MemoryPages } from '../unit/timeline-oracle.js';
import { SECOND_US, SHAPE, timelineRows } from './timeline-arbitrary.js';

// Rows that begin and end (S17), for the property suites: as they are drawn, as they are written, and when they count.

export const HEAD_KEY = Uint8Array.of(7, 1, 9);
export const RETRACTABLE: TimelineShape = { ...SHAPE, retractable: true };

/** A row, its end if it has one, and how many rows arrive between the two. */
export interface Life {
  readonly row: TimelineRow;
  readonly end: RowEnd | undefined;
  readonly delay: number;
}

const span = fc.oneof(fc.constantFrom(0, 1), fc.nat({ max: 5 * SECOND_US }), fc.nat({ max: 3_600 * SECOND_US }));

export function lives(size: { readonly minLength: number; readonly maxLength: number }): fc.Arbitrary<Life[]> {
  const fate = fc.record({
    startLagUs: fc.option(span, { freq: 2 }),
    endLagUs: fc.option(span, { freq: 2 }),
    endKnownLagUs: span,
    delay: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 200 })),
  });
  return fc
    .tuple(timelineRows(size), fc.array(fate, { minLength: size.maxLength, maxLength: size.maxLength, size: 'max' }))
    .map(([rows, fates]) =>
      rows.map((drawn, index) => {
        const { startLagUs, endLagUs, endKnownLagUs, delay } = fates[index]!;
        const { eventTimeUs, orderSource, orderOffset } = drawn;
        const startUs = startLagUs === null ? undefined : eventTimeUs + startLagUs;
        const row = { ...drawn, startUs };
        if (endLagUs === null) return { row, end: undefined, delay };
        const endUs = (startUs ?? eventTimeUs) + endLagUs;
        return { row, end: { eventTimeUs, orderSource, orderOffset, endUs, endKnownUs: drawn.knownUs + endKnownLagUs }, delay };
      }),
    );
}

/** The contract as a predicate (S17, S22). */
export function counts({ row, end }: Life, { asOfUs, knownAtUs }: Instant): boolean {
  if (row.startUs !== undefined && row.startUs > asOfUs) return false;
  return end === undefined || end.endUs > asOfUs || end.endKnownUs > knownAtUs;
}

/** `horizons`: those that the writer is trimmed to before flushes, one after another, from the first on (S20). */
export function write(all: readonly Life[], geometry: Geometry, flushEvery: number, horizons: readonly number[] = []): MemoryPages {
  const pages = new MemoryPages();
  let writer = new TimelineWriter(RETRACTABLE, pages, HEAD_KEY, geometry);
  const due = new Map<number, RowEnd[]>();
  let written = 0;
  let flushes = 0;
  const flush = (): void => {
    const horizonUs = horizons[Math.min(flushes++, horizons.length - 1)];
    if (horizonUs !== undefined) writer.trim(horizonUs);
    writer.flush();
  };
  const step = (): void => {
    if (++written % flushEvery === 0) flush();
    // Every second flush ends the tick: the next writer starts from what is stored.
    if (written % (2 * flushEvery) === 0) writer = new TimelineWriter(RETRACTABLE, pages, HEAD_KEY, geometry);
  };
  all.forEach(({ row, end, delay }, index) => {
    writer.insert(row);
    step();
    const at = Math.min(index + delay, all.length - 1);
    if (end !== undefined) due.set(at, [...(due.get(at) ?? []), end]);
    for (const one of due.get(index) ?? []) {
      expect(writer.end(one)).to.equal(true);
      expect(writer.end(one), 'a row is ended once').to.equal(false);
      step();
    }
  });
  flush();
  return pages;
}

/** On and around everything that happens. */
export function* instants(
  all: readonly Life[],
  picks: readonly number[],
): Generator<{ asOfUs: number; windowUs: number | null; knownAtUs: number }> {
  for (const pick of picks) {
    const [at, from, known] = [all[pick % all.length]!, all[(pick * 31) % all.length]!, all[(pick * 17) % all.length]!];
    const edges = [at.row.eventTimeUs, at.row.startUs ?? at.row.eventTimeUs, at.end?.endUs ?? at.row.eventTimeUs];
    const asOfUs = edges[Math.floor(pick / 9) % 3]! + (pick % 3) - 1;
    const windowUs = pick % 5 === 0 ? null : Math.max(0, asOfUs - from.row.eventTimeUs + (Math.floor(pick / 3) % 3) - 1);
    const knownUs = pick % 2 === 0 ? known.row.knownUs : (known.end?.endKnownUs ?? known.row.knownUs);
    yield { asOfUs, windowUs, knownAtUs: pick % 3 === 0 ? knownUs + (Math.floor(pick / 3) % 3) - 1 : Number.POSITIVE_INFINITY };
  }
}
