import { expect } from 'chai';
import { Backoff } from '../../libs/time/backoff.js';

describe('pauses between attempts', () => {
  it('grow to a limit, less up to a half by chance, and begin again after progress', () => {
    let chance = 0;
    const pause = new Backoff({ minMs: 50, maxMs: 300, random: () => chance });
    expect([1, 2, 3, 4, 5].map(() => pause.next())).to.deep.equal([50, 100, 200, 300, 300]);
    pause.reset();
    chance = 0.5;
    expect([1, 2, 3, 4].map(() => pause.next())).to.deep.equal([37.5, 75, 150, 225]);
  });
});
