import { expect } from 'chai';
import { slotWarning } from '../../libs/source/postgres/cdc/slot-watch.js';

const MIB = 1_024n * 1_024n;
const calm = { status: 'reserved', bytes: 512 * 1_024 * 1_024 };

describe('what is said of a replication slot', () => {
  it('is a warning when the server keeps more than it would, and when it is about to lose it', () => {
    const state = { restart: 100n * MIB, end: 1_300n * MIB, safeBytes: 300 * 1_024 * 1_024 };
    expect(slotWarning('s', { ...state, walStatus: 'reserved' }, calm)).to.equal(undefined);
    const first = slotWarning('s', { ...state, walStatus: 'extended' }, calm);
    expect(first?.notice).to.equal(
      'the server keeps 1.2 GiB of its log for the replication slot s (from 0/6400000), and loses it after 0.3 GiB more: let the source catch up, or make room',
    );
    expect(slotWarning('s', { ...state, walStatus: 'extended' }, first?.warned ?? calm)).to.equal(undefined);
    const second = slotWarning('s', { ...state, walStatus: 'unreserved', safeBytes: -5 }, first?.warned ?? calm);
    expect(second?.notice).to.contain('loses it after 0.000 GiB more');
    expect(slotWarning('s', { ...state, walStatus: 'reserved' }, second?.warned ?? calm)?.notice).to.equal(undefined);
  });

  it('is a warning at a gibibyte and each doubling, where the server has no limit', () => {
    const at = (mib: bigint, warned = calm): ReturnType<typeof slotWarning> =>
      slotWarning('s', { restart: 0n, end: mib * MIB, safeBytes: undefined, walStatus: 'reserved' }, warned);
    expect(at(1_023n)).to.equal(undefined);
    const first = at(1_100n);
    expect(first?.notice).to.contain('keeps 1.1 GiB').and.contain('set max_slot_wal_keep_size');
    expect(at(2_100n, first?.warned)).to.equal(undefined);
    expect(at(2_200n, first?.warned)?.notice).to.contain('keeps 2.1 GiB');
  });
});
