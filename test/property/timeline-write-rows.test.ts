import { expect } from 'chai';
import fc from 'fast-check';
import { TimelineWriter } from '../../libs/timeline/timeline-writer.js';
import type { RowEnd, TimelineRow, TimelineShape } from '../../libs/timeline/timeline.js';
import { writeChanges, writeRows } from '../../libs/timeline/write-rows.js';
import { MemoryPages } from '../unit/timeline-oracle.js';

const HEAD_KEY = Uint8Array.of(7, 1, 9);
const SHAPE: TimelineShape = {
  columns: [
    { kind: 'number', digest: true },
    { kind: 'number', digest: false },
  ],
};
const RETRACTABLE: TimelineShape = { ...SHAPE, retractable: true };
const WITH_BYTES: TimelineShape = { columns: [{ kind: 'number', digest: false }, { kind: 'bytes' }] };

/** Mostly forward, some at equal times, some late: both ways are taken. */
const steps = fc.array(
  fc.record({
    stepUs: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 1, max: 50 }) },
      { weight: 1, arbitrary: fc.integer({ min: -300, max: 0 }) },
    ),
    orderSource: fc.nat({ max: 1 }),
    value: fc.option(fc.constantFrom(0, -0, 1.5, 1e300), { freq: 4 }),
  }),
  { minLength: 1, maxLength: 400, size: 'max' },
);

function rowsOf(
  made: readonly { readonly stepUs: number; readonly orderSource: number; readonly value: number | null }[],
  bytes: boolean,
): TimelineRow[] {
  let nowUs = 1_700_000_000_000_000;
  return made.map(({ stepUs, orderSource, value }, orderOffset) => {
    nowUs += stepUs;
    return { eventTimeUs: nowUs, orderSource, orderOffset, knownUs: nowUs + 5, values: [value, bytes ? Uint8Array.of(orderOffset) : 1] };
  });
}

/** Ticks of one row, two, and so on up to `size`, then from one again. */
function ticks(rows: readonly TimelineRow[], size: number): (readonly TimelineRow[])[] {
  const all: (readonly TimelineRow[])[] = [];
  for (let start = 0, length = 1; start < rows.length; start += length, length = (length % size) + 1)
    all.push(rows.slice(start, start + length));
  return all;
}

describe('writing a tick of rows', () => {
  for (const [name, shape] of [
    ['numbers', SHAPE],
    ['bytes', WITH_BYTES],
    ['numbers that may be taken back', RETRACTABLE],
  ] as const) {
    it(`gives the same pages as a writer does: ${name} (C2)`, () => {
      fc.assert(
        fc.property(steps, fc.integer({ min: 1, max: 70 }), fc.option(fc.nat({ max: 20 })), (made, size, trimAt) => {
          const [short, long] = [new MemoryPages(), new MemoryPages()];
          const rows = rowsOf(made, shape === WITH_BYTES).map((row, index) =>
            shape === RETRACTABLE && index % 3 === 0 ? { ...row, startUs: row.knownUs } : row,
          );
          for (const [index, tick] of ticks(rows, size).entries()) {
            const horizonUs =
              shape !== RETRACTABLE && trimAt !== null && index >= trimAt ? (rows[trimAt % rows.length]?.eventTimeUs ?? 0) : undefined;
            writeRows(shape, short, HEAD_KEY, tick, horizonUs);
            const writer = new TimelineWriter(shape, long, HEAD_KEY);
            for (const row of tick) writer.insert(row);
            if (horizonUs !== undefined) writer.trim(horizonUs);
            writer.flush();
          }
          expect(short.values).to.deep.equal(long.values);
        }),
        { numRuns: 200 },
      );
    });
  }

  it('and its ends gives the same pages as one after the other does (C2)', () => {
    const late = fc.array(fc.record({ ago: fc.nat({ max: 150 }), endLagUs: fc.nat({ max: 400 }) }), { maxLength: 20 });
    const horizon = fc.option(fc.nat({ max: 20_000 }), { freq: 3 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 70 }), fc.array(late, { maxLength: 60 }), horizon, (made, size, fates, horizonLagUs) => {
        const [together, apart] = [new MemoryPages(), new MemoryPages()];
        const rows = rowsOf(made, false);
        let taken = 0;
        for (const [index, tick] of ticks(rows, size).entries()) {
          taken += tick.length;
          const ends = (fates[index] ?? []).map(({ ago, endLagUs }): RowEnd => {
            const { eventTimeUs, orderSource, orderOffset } = rows[Math.max(0, taken - 1 - ago)]!;
            return { eventTimeUs, orderSource, orderOffset, endUs: eventTimeUs + endLagUs, endKnownUs: eventTimeUs + endLagUs + 3 };
          });
          const horizonUs = horizonLagUs === null ? undefined : rows[taken - 1]!.eventTimeUs - horizonLagUs;
          const found = writeChanges(RETRACTABLE, together, HEAD_KEY, { rows: tick, ends, horizonUs });
          writeRows(RETRACTABLE, apart, HEAD_KEY, tick);
          expect(writeChanges(RETRACTABLE, apart, HEAD_KEY, { rows: [], ends, horizonUs })).to.equal(found);
        }
        expect(together.values).to.deep.equal(apart.values);
      }),
      { numRuns: 200 },
    );
  });
});
