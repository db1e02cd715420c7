import { expect } from 'chai';
import { Readings } from '../../libs/feature/readings.js';
import type { PartitionState, StateAccess } from '../../libs/feature/state-access.js';
import { TimelineRead } from '../../libs/feature/timeline-read.js';
import type { TimelineShape } from '../../libs/timeline/timeline.js';

const HORIZON_US = 1_700_000_000_000_000;
const APPENDED: TimelineShape = { columns: [{ kind: 'number', digest: false }] };
const KEY = { values: ['ann'], bytes: Uint8Array.of(1), slot: 1 };

/** Of a group that has nothing. */
function answerOf(shape: TimelineShape, windowUs: number | null, asOfUs: number, knownAtUs: number): unknown {
  const partition: PartitionState = { get: () => undefined, horizonUs: () => HORIZON_US };
  const state: StateAccess = { partitionOf: () => partition, requireReady: () => undefined, hold: () => undefined };
  const read = new TimelineRead(7, shape, [{ place: 'Signals.n', question: { kind: 'count', windowUs } }]);
  try {
    return read.read(KEY, { state, instant: { asOfUs, knownAtUs }, readings: new Readings() })[0];
  } catch (error) {
    return String(error);
  }
}

describe('what a timeline may be asked (S20)', () => {
  const retractable: TimelineShape = { ...APPENDED, retractable: true };

  it('is what lies at the horizon and above, to the microsecond', () => {
    for (const shape of [APPENDED, retractable]) {
      expect(answerOf(shape, null, HORIZON_US, Infinity)).to.equal(0);
      expect(answerOf(shape, null, HORIZON_US - 1, Infinity)).to.contain('Signals.n asks for 2023-11-14T22:13:19.999999Z');
      expect(answerOf(shape, 10, HORIZON_US + 10, Infinity)).to.equal(0);
      expect(answerOf(shape, 10, HORIZON_US + 9, Infinity)).to.contain('history is kept from');
    }
  });

  it('is also what was known there, where rows may be taken back', () => {
    expect(answerOf(retractable, null, HORIZON_US + 5, HORIZON_US)).to.equal(0);
    expect(answerOf(retractable, null, HORIZON_US + 5, HORIZON_US - 1)).to.contain('known at 2023-11-14T22:13:19.999999Z');
    expect(answerOf(APPENDED, null, HORIZON_US + 5, HORIZON_US - 1)).to.equal(0);
  });
});
