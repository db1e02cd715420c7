import type { Change } from '../../libs/change/change.js';
import type { ReaderPlan } from './reader-plan.js';

/** Horizons move at most this often: a minute more of history does no harm, and a change a tick would. */
const EVERY_US = 60_000_000;

/** Moves the horizons of timelines whose dataset keeps a limited history (S20), by the owner's clock. */
export class HorizonClock {
  #movedUs = Number.NEGATIVE_INFINITY;

  changes(plans: readonly ReaderPlan[], horizons: ReadonlyMap<number, number>, nowUs: number): Change[] {
    if (nowUs - this.#movedUs < EVERY_US) return [];
    this.#movedUs = nowUs;
    const changes: Change[] = [];
    for (const { id, historyUs } of plans) {
      if (historyUs === undefined) continue;
      const horizonUs = nowUs - historyUs;
      if (horizonUs > (horizons.get(id) ?? Number.NEGATIVE_INFINITY)) changes.push({ kind: 'trimmed', timelineId: id, horizonUs });
    }
    return changes;
  }
}
