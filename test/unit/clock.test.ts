import { expect } from 'chai';
import { ManualClock, SystemClock, systemClock } from '../../libs/time/clock.js';

const never = new AbortController().signal;

describe('the system clock', () => {
  it("never decreases and agrees with the wall's", () => {
    let previous = 0;
    for (let i = 0; i < 10_000; i++) {
      const before = Date.now();
      const now = systemClock.nowUs();
      expect(Number.isSafeInteger(now) && now >= previous && now >= before * 1_000).to.equal(true);
      previous = now;
    }
    expect(previous / 1_000).to.be.closeTo(Date.now(), 260);
  });

  it('follows the wall forward, and stands still while the wall is set back', () => {
    let [wallMs, monotonicMs] = [1_000_000, 5];
    const clock = new SystemClock({ wallMs: () => wallMs, monotonicMs: () => monotonicMs });
    expect(clock.nowUs()).to.equal(1_000_000_000);
    monotonicMs += 0.25;
    expect(clock.nowUs()).to.equal(1_000_000_250);
    wallMs += 3_600_000; // the machine slept; the monotonic clock did not count it
    expect(clock.nowUs()).to.equal(4_600_000_000);
    wallMs -= 10_000;
    monotonicMs += 1_000;
    expect(clock.nowUs()).to.equal(4_600_000_000);
    wallMs += 10_500;
    monotonicMs += 10_500;
    expect(clock.nowUs()).to.equal(4_600_500_000);
  });

  it('wakes sleepers early when told to, and keeps no listener', async () => {
    const controller = new AbortController();
    const sleeping = systemClock.sleep(1e9, controller.signal);
    controller.abort();
    await sleeping;
    await systemClock.sleep(1e9, controller.signal);
    await systemClock.sleep(1, never);
  });
});

describe('the manual clock', () => {
  it('wakes those whose time has come, in order', async () => {
    const clock = new ManualClock(1_000);
    const woken: string[] = [];
    const sleeps = [
      ['b', 20],
      ['a', 10],
      ['c', 30],
    ].map(([name, ms]) => clock.sleep(Number(ms), never).then(() => woken.push(String(name))));
    expect(clock.sleeping).to.equal(3);
    clock.advance(9.999);
    await Promise.resolve();
    expect(woken).to.deep.equal([]);
    clock.advance(10.001);
    await Promise.all(sleeps.slice(0, 2));
    expect(woken).to.deep.equal(['a', 'b']);
    expect(clock.nowUs()).to.equal(21_000);
    expect(clock.sleeping).to.equal(1);
  });

  it('lets sleepers go when they are told to stop', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(10, controller.signal);
    controller.abort();
    await sleeping;
    await clock.sleep(10, controller.signal);
    await clock.sleep(0, never);
    expect(clock.sleeping).to.equal(0);
  });
});
