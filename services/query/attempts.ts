import { ThymeError } from '../../libs/errors/errors.js';
import type { Token } from '../../libs/feature/token.js';
import type { ReplicaViews } from '../../libs/replica/replica-view.js';
import type { QueryCaller } from './answers.js';
import { anotherTick } from './await-token.js';
import { checkDeadline } from './deadline.js';
import type { AskedTime } from './query-instant.js';
import { ATTEMPTS_MAX } from './query-limits.js';
import { QueryTick } from './query-tick.js';
import type { Servable, Served, ServedRevisions } from './served-revisions.js';

export interface Asking {
  readonly asked: AskedTime;
  readonly caller: QueryCaller;
}

/**
 * Answers from the revision that serves. What extractors look up is known only once they have: if it
 * is not ready, an older revision answers (S18); if a token was to be waited for there too, the wait
 * and the answer are made again (S21). Each attempt knows more timelines than the one before.
 */
export class Attempts {
  readonly #views: ReplicaViews;
  readonly #revisions: ServedRevisions;

  constructor(views: ReplicaViews, revisions: ServedRevisions) {
    this.#views = views;
    this.#revisions = revisions;
  }

  /** `answer` may be called up to ATTEMPTS_MAX times; what the last call gives or throws counts. */
  async make<P extends Servable, A>(
    { asked, caller }: Asking,
    choose: () => Served<P>,
    answer: (served: Served<P>, tick: QueryTick) => Promise<A>,
  ): Promise<A> {
    for (let attempt = 1; ; attempt++) {
      const served = asked.token === undefined ? choose() : await this.#chooseInTime(choose, asked.token, caller.signal);
      const tick = this.tick(served);
      try {
        const answered = await answer(served, tick);
        if (isFinal(tick, asked)) return answered;
      } catch (error) {
        if (isFinal(tick, asked) || attempt === ATTEMPTS_MAX) throw error;
      } finally {
        tick.close();
        if (tick.discovered.size > 0) this.#revisions.learn(served, tick.discovered);
      }
    }
  }

  /** The caller closes it. */
  tick({ timelineIds }: Served<Servable>): QueryTick {
    return new QueryTick(this.#views, timelineIds, this.#revisions.isReady);
  }

  /** Who pushes right after a commit waits for that too (S21): the definitions reach each partition in a tick of its own. */
  async #chooseInTime<P extends Servable>(choose: () => Served<P>, token: Token, signal: AbortSignal): Promise<Served<P>> {
    for (;;) {
      try {
        const served = choose();
        if (!this.#revisions.isBehind(served, token)) return served;
        if (!(await anotherTick(this.#views, signal))) checkDeadline(signal);
      } catch (error) {
        const isNotYet = error instanceof ThymeError && (error.code === 'THYME_NOT_COMMITTED' || error.code === 'THYME_NOT_READY');
        if (!isNotYet || !(await anotherTick(this.#views, signal))) throw error;
      }
    }
  }
}

/** Whether what was looked up makes the answer one: all of it ready (S18), and waited for where there is a token (S21). */
export function isFinal(tick: QueryTick, { token }: AskedTime): boolean {
  return !tick.foundUnready && (token === undefined || tick.discovered.size === 0);
}
