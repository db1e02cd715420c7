import { invalidArgument, onRecord, ThymeError } from '../../libs/errors/errors.js';
import type { FeaturePlan } from '../../libs/feature/feature-plan.js';
import type { OfflineInput, OfflineQuestion, OfflineRow } from './answers.js';
import { breathe, checkDeadline } from './deadline.js';
import { evaluateRows, type AskedRow } from './evaluate-rows.js';
import { checkTimestamp } from './query-instant.js';
import { OFFLINE_CHUNK_ROWS, OFFLINE_MESSAGE_QUESTIONS_MAX } from './query-limits.js';
import type { QueryTick } from './query-tick.js';
import type { RunDraft } from './run-draft.js';
import type { Served } from './served-revisions.js';

interface OfflineQueryOptions {
  readonly served: Served<FeaturePlan>;
  readonly knownAt: OfflineInput['knownAt'];
  readonly run: RunDraft;
  readonly signal: AbortSignal;
  readonly nowUs: () => number;
  readonly newTick: () => QueryTick;
  /** Told of timelines that extractors turned out to look up. */
  readonly learn: (timelineIds: Iterable<number>) => void;
}

/**
 * A training set: questions stream in, chunks of rows stream out in the same order, by one revision.
 * Each chunk is read from one tick and the next is begun when it has been taken: a slow reader holds
 * neither memory nor a snapshot.
 */
export class OfflineQuery {
  readonly #options: OfflineQueryOptions;
  /** Rows answered so far: the place of the next one in the whole stream. */
  #answered = 0;

  constructor(options: OfflineQueryOptions) {
    this.#options = options;
  }

  /** `end` is called once, when the answer is complete, has failed, or is no longer wanted. */
  async *answer(questions: AsyncIterable<readonly OfflineQuestion[]>, end: (error?: unknown) => void): AsyncGenerator<readonly OfflineRow[]> {
    let failure: unknown;
    try {
      for await (const message of questions) {
        if (message.length > OFFLINE_MESSAGE_QUESTIONS_MAX) throw invalidArgument('questions', `${message.length} in one message are over the limit of ${OFFLINE_MESSAGE_QUESTIONS_MAX}: send several messages`);
        for (let start = 0; start < message.length; start += OFFLINE_CHUNK_ROWS) {
          yield await this.#chunk(message.slice(start, start + OFFLINE_CHUNK_ROWS));
          await breathe(this.#options.signal);
        }
      }
    } catch (error) {
      failure = error;
      throw onRecord(error, this.#options.run.id);
    } finally {
      end(failure);
    }
  }

  async #chunk(questions: readonly OfflineQuestion[]): Promise<readonly OfflineRow[]> {
    const { served, run, signal, newTick, learn } = this.#options;
    checkDeadline(signal);
    const asked = questions.map((question, i) => this.#ask(question, `queries[${this.#answered + i}]`));
    const tick = newTick();
    try {
      const { rows, hitCount } = await evaluateRows(served.plan, asked, { tick, signal });
      if (tick.foundUnready) throw new ThymeError('THYME_NOT_READY', 'FAILED_PRECONDITION', 'what an extractor looks up is still being built from history: ask again');
      this.#answered += rows.length;
      run.rowCount += rows.length;
      run.hitCount += hitCount;
      return rows.map((row, i): OfflineRow => ({ row, entity: asked[i]?.key.values ?? [], timestampUs: asked[i]?.instant.asOfUs ?? 0 }));
    } finally {
      tick.close();
      if (tick.discovered.size > 0) learn(tick.discovered);
    }
  }

  #ask({ entity, timestampUs }: OfflineQuestion, place: string): AskedRow {
    const { served, knownAt, run, nowUs } = this.#options;
    checkTimestamp(timestampUs, nowUs(), `${place}.timestamp`);
    const key = served.plan.keys.read(entity, `${place}.entity_id`);
    run.asksAt(served.plan.keys.fields, key.values, timestampUs);
    const knownAtUs = knownAt === 'timestamp' ? timestampUs : (knownAt ?? Number.POSITIVE_INFINITY);
    return { key, place, instant: { asOfUs: timestampUs, knownAtUs } };
  }
}
