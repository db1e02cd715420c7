import fc from 'fast-check';
import { planCrash } from '../../libs/lifecycle/crash-point.js';
import type { Harness } from '../integration/aggregator-harness.js';

// What may happen to a partition while records come: a tick, another process that takes it, a store that is lost, and a tick that
// ends at a crash point.

const partition = fc.nat({ max: 7 });

export const ticks = fc.record({ kind: fc.constant('tick' as const), partition });
export const restarts = fc.record({ kind: fc.constantFrom('restart' as const, 'lose' as const), partition });
export const crashes = fc.record({
  kind: fc.constant('crash' as const),
  partition,
  point: fc.constantFrom('aggregator.beforeTransaction', 'aggregator.afterCommit', 'aggregator.afterApply'),
});

type DrawnBy<A> = A extends fc.Arbitrary<infer S> ? S : never;
export type PartitionStep = DrawnBy<typeof ticks> | DrawnBy<typeof restarts> | DrawnBy<typeof crashes>;

/** A crash drops the task, as its owner does. */
export async function runStep(harness: Harness, step: PartitionStep): Promise<void> {
  const at = step.partition % harness.partitionCount;
  if (step.kind === 'restart' || step.kind === 'lose') {
    harness.restart(at, { loseStore: step.kind === 'lose' });
    return;
  }
  if (step.kind === 'crash') planCrash(`${step.point}:1:throw`);
  try {
    await (await harness.task(at)).tick();
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('crash point')) throw error;
    harness.restart(at);
  }
  planCrash(undefined);
}
