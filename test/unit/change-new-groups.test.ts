import { expect } from 'chai';
import { NewGroups } from '../../libs/change/new-groups.js';
import { headKey } from '../../libs/change/state-keys.js';

const TIMELINE = 0x0102_0304;

function keyOf(timelineId: number, group: number): Uint8Array {
  return headKey(group % 1_024, timelineId, Buffer.from(`group ${group}`));
}

describe('new groups', () => {
  it('are those of a timeline that was adopted here, once each', () => {
    const groups = new NewGroups();
    groups.addTimeline(TIMELINE);
    let known = 0;
    for (let group = 0; group < 100_000; group++) if (!groups.takeNew(keyOf(TIMELINE, group))) known++;
    expect(known).to.be.lessThan(50);
    for (let group = 0; group < 100_000; group++) expect(groups.takeNew(keyOf(TIMELINE, group)), String(group)).to.equal(false);
  });

  it('are none of any other timeline: its heads may lie in the store', () => {
    const groups = new NewGroups();
    expect(groups.takeNew(keyOf(TIMELINE, 1))).to.equal(false);
    groups.addTimeline(TIMELINE);
    expect(groups.takeNew(keyOf(TIMELINE + 1, 1))).to.equal(false);
    expect(groups.takeNew(keyOf(TIMELINE, 1))).to.equal(true);
  });
});
