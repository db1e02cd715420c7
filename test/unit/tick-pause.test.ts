import { expect } from 'chai';
import { pauseMsAfter } from '../../services/aggregator/tick-pause.js';

const TICK_MS = 50;

describe('pauseMsAfter', () => {
  it('waits as long as three more ticks would take, so that little that arrives is readable soon', () => {
    expect(pauseMsAfter('worked', 2, TICK_MS)).to.equal(6);
    expect(pauseMsAfter('worked', 10, TICK_MS)).to.equal(30);
  });

  it('waits a little where a tick took no time', () => {
    expect(pauseMsAfter('worked', 0, TICK_MS)).to.equal(4);
  });

  it('begins a tick at the latest tickMs after the one before, and at once where that has taken longer', () => {
    expect(pauseMsAfter('worked', 20, TICK_MS)).to.equal(30);
    expect(pauseMsAfter('worked', 50, TICK_MS)).to.equal(0);
    expect(pauseMsAfter('worked', 80, TICK_MS)).to.equal(0);
    expect(pauseMsAfter('worked', 0, 1)).to.equal(1);
  });

  it('goes on at once where there is more to read', () => {
    expect(pauseMsAfter('full', 2, TICK_MS)).to.equal(0);
  });

  it('waits the whole time where a rate holds reading back', () => {
    expect(pauseMsAfter('held back', 2, TICK_MS)).to.equal(48);
    expect(pauseMsAfter('held back', 60, TICK_MS)).to.equal(0);
  });
});
