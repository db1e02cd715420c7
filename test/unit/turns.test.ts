import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { TurnBudget, Turns } from '../../libs/time/turns.js';

describe('turns of the event loop', () => {
  it('are over after so many steps, and begin anew after each', async () => {
    const turns = new Turns(3);
    const over = (): boolean[] => Array.from({ length: 3 }, () => turns.step());
    expect(over()).to.deep.equal([false, false, true]);
    await turns.next();
    expect(over()).to.deep.equal([false, false, true]);
  });

  it('have one budget for all who work, in the order in which they asked', async () => {
    const budget = new TurnBudget(10);
    const done: string[] = [];
    let turn = 0;
    const work = async (name: string, steps: readonly number[]): Promise<void> => {
      for (const count of steps) {
        await budget.take(count);
        done.push(`${name}${count} in ${turn}`);
      }
    };
    const counting = (async () => {
      for (; done.length < 5; turn++) await nextTurn(); // asked for before the budget's own, so counted before it
    })();
    await Promise.all([work('a', [6, 6]), work('b', [3, 10]), work('c', [2]), counting]);
    expect(done).to.deep.equal(['a6 in 0', 'b3 in 0', 'c2 in 1', 'a6 in 1', 'b10 in 2']);
  });

  it('give a whole turn to more steps than one has, and then go on', async () => {
    const budget = new TurnBudget(4);
    expect(budget.take(9)).to.equal(undefined);
    const next = budget.take(1);
    expect(next).to.be.a('promise');
    await next;
    expect(budget.take(3)).to.equal(undefined);
    expect(budget.take(1)).to.be.a('promise');
  });
});
