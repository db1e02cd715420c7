import { expect } from 'chai';
import { ManualClock } from '../../libs/time/clock.js';
import { untilSignalled, type StopSignal } from '../../services/program/stop-signals.js';

describe('stop signals', () => {
  function signalled() {
    const listeners = new Map<StopSignal, (signal: StopSignal) => void>();
    const exits: number[] = [];
    const clock = new ManualClock(0);
    const stopped = untilSignalled({ on: (signal, listener) => listeners.set(signal, listener), exit: (code) => exits.push(code) }, clock);
    return { stopped, exits, clock, send: (signal: StopSignal) => listeners.get(signal)?.(signal) };
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal} asks for a graceful stop`, async () => {
      const { stopped, exits, send } = signalled();
      send(signal);
      await stopped;
      expect(exits).to.deep.equal([]);
    });
  }

  it('a signal that comes twice within a second, as Ctrl-C does under npm, is one', () => {
    const { exits, clock, send } = signalled();
    send('SIGINT');
    clock.advance(1_000);
    send('SIGINT');
    expect(exits).to.deep.equal([]);
  });

  it('a later one ends the process at once', () => {
    const { exits, clock, send } = signalled();
    send('SIGINT');
    clock.advance(1_001);
    send('SIGINT');
    send('SIGTERM');
    expect(exits).to.deep.equal([130, 143]);
  });
});
