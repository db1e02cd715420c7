import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { CallLifetime, LiveContext } from '../../libs/rpc/call-lifetime.js';
import { Deadlines, type Expiring } from '../../libs/rpc/deadlines.js';
import type { CallContext } from '../../libs/rpc/handlers.js';
import { ManualClock } from '../../libs/time/clock.js';

/** Calls that note when they were ended. */
class Calls {
  readonly clock = new ManualClock(1e15);
  readonly open = new Set<Expiring>();
  readonly deadlines = new Deadlines(this.clock, this.open);
  readonly ended: string[] = [];
  readonly #startUs = this.clock.nowUs();

  start(name: string, afterMs: number): Expiring {
    const state = { dueUs: this.clock.nowUs() + afterMs * 1_000 };
    const call: Expiring = {
      get dueUs() {
        return state.dueUs;
      },
      expire: () => {
        this.ended.push(`${name} ${(this.clock.nowUs() - this.#startUs) / 1_000}`);
        state.dueUs = Number.POSITIVE_INFINITY;
      },
    };
    this.open.add(call);
    this.deadlines.heed(call.dueUs);
    return call;
  }

  async pass(ms: number): Promise<void> {
    for (let i = 0; i < ms; i++) {
      this.clock.advance(1);
      await turn();
    }
  }
}

describe('deadlines', () => {
  it('end calls when their time is up, never before and hardly after, whatever their order', async () => {
    const calls = new Calls();
    calls.start('long', 300);
    calls.start('short', 50);
    await calls.pass(40);
    calls.start('middle', 100);
    await calls.pass(400);
    expect(calls.ended.map((text) => text.split(' ')[0])).to.deep.equal(['short', 'middle', 'long']);
    for (const [i, dueMs] of [50, 140, 300].entries()) expect(Number(calls.ended[i]?.split(' ')[1])).to.be.within(dueMs, dueMs + 20);
    expect(calls.clock.sleeping).to.equal(0);
  });

  it('have one sleeper, and leave those alone that have been answered', async () => {
    const calls = new Calls();
    for (let i = 0; i < 100; i++) {
      calls.open.delete(calls.start(`c${i}`, 30_000));
      await calls.pass(1);
      expect(calls.clock.sleeping).to.equal(1);
    }
    await calls.pass(31_000);
    expect(calls.ended).to.deep.equal([]);
  });

  it('let go of the timer when they are closed', async () => {
    const calls = new Calls();
    calls.start('c', 30_000);
    calls.deadlines.close();
    await turn();
    expect(calls.clock.sleeping).to.equal(0);
  });
});

describe('the lifetime of a call', () => {
  it('is over once, for the first reason, and tells whoever asked for the signal before or after', async () => {
    const [asked, unasked] = [new CallLifetime(), new CallLifetime()];
    const { signal } = asked;
    const hanging = asked.race(new Promise<never>(() => undefined)).then(
      () => 'answered',
      (reason: unknown) => reason,
    );
    for (const lifetime of [asked, unasked]) {
      lifetime.abort('first');
      lifetime.abort('second');
      expect(lifetime.isOver).to.equal(true);
      expect(lifetime.signal.reason).to.equal('first');
      expect(() => lifetime.throwIfOver()).to.throw();
    }
    expect(signal).to.equal(asked.signal);
    expect(await hanging).to.equal('first');
    expect(
      await unasked.race(new Promise<never>(() => undefined)).then(
        () => 'answered',
        (reason: unknown) => reason,
      ),
    ).to.equal('first');
  });

  it('gives its signal to contexts and to copies of them', () => {
    const lifetime = new CallLifetime();
    const context: CallContext = new LiveContext(lifetime, { deadline: new Date(5), apiKeyFingerprint: 'deadbeef' });
    const copy = { ...context, signal: context.signal };
    expect(copy).to.deep.include({ deadline: new Date(5), apiKeyFingerprint: 'deadbeef' });
    lifetime.abort('gone');
    expect(copy.signal.reason).to.equal('gone');
    expect(context.signal.reason).to.equal('gone');
  });
});
