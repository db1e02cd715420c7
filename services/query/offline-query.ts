import { invalidArgument, onRecord, ThymeError } from '../../libs/errors/errors.js';
import type { FeaturePlan } from '../../libs/feature/feature-plan.js';
import type { OfflineInput, OfflineQuestion, OfflineRow } from './answers.js';
import { checkDeadline } from './deadline.js';
import { evaluateRows, pendingRowBytesAfter, type AskedRow } from './evaluate-rows.js';
import { checkTimestamp } from './query-instant.js';
import { OFFLINE_CHUNK_ROWS, OFFLINE_HELD_QUESTIONS_MAX, OFFLINE_MESSAGE_QUESTIONS_MAX, PENDING_ROW_BYTES_MIN } from './query-limits.js';
import type { QueryTick } from './query-tick.js';
import { RowInputs } from './row-inputs.js';
import type { RowTurns } from './row-turns.js';
import type { RunDraft } from './run-draft.js';
import type { Served } from './served-revisions.js';

interface OfflineQueryOptions {
  readonly served: Served<FeaturePlan>;
  readonly input: OfflineInput;
  readonly run: RunDraft;
  readonly signal: AbortSignal;
  readonly turns: RowTurns;
  readonly nowUs: () => number;
  readonly newTick: () => QueryTick;
  /** Told of timelines that extractors turned out to look up. */
  readonly learn: (timelineIds: Iterable<number>) => void;
}

type Questions = AsyncIterable<readonly OfflineQuestion[]>;

/**
 * A training set: questions stream in, are judged (ids, times, inputs), and chunks of rows stream out in
 * the same order, by one revision. Each chunk is read from one tick and the next is begun when it has been
 * taken: a slow reader holds neither rows nor a snapshot.
 */
export class OfflineQuery {
  readonly #options: OfflineQueryOptions;
  readonly #inputs: RowInputs;
  /** Questions judged so far: the place of the next one in the whole stream. */
  #judged = 0;
  #pendingRowBytes = PENDING_ROW_BYTES_MIN;

  constructor(options: OfflineQueryOptions) {
    this.#options = options;
    this.#inputs = new RowInputs(options.served.plan);
  }

  /** `end` is called once, when the answer is complete, has failed, or is no longer wanted. */
  async *answer(questions: Questions, end: (error?: unknown) => void): AsyncGenerator<readonly OfflineRow[]> {
    const { input, run, signal, turns } = this.#options;
    let failure: unknown;
    try {
      for await (const rows of input.judgeFirst === true ? this.#judgedWhole(questions) : this.#judgedByMessage(questions)) {
        for (let start = 0; start < rows.length;) {
          const asked = rows.slice(start, start + OFFLINE_CHUNK_ROWS);
          await turns.take(asked.length, signal);
          const chunk = await this.#chunk(asked);
          start += chunk.length;
          yield chunk;
        }
      }
    } catch (error) {
      failure = error;
      throw onRecord(error, run.id);
    } finally {
      end(failure);
    }
  }

  async *#judgedByMessage(questions: Questions): AsyncGenerator<readonly AskedRow[]> {
    for await (const message of questions) yield this.#judge(message);
  }

  /** What is wrong with the last row is said before the first is answered. */
  async *#judgedWhole(questions: Questions): AsyncGenerator<readonly AskedRow[]> {
    const rows: AskedRow[] = [];
    for await (const message of questions) {
      if (rows.length + message.length > OFFLINE_HELD_QUESTIONS_MAX)
        throw invalidArgument('questions', `there are more than ${OFFLINE_HELD_QUESTIONS_MAX}: send several requests`);
      await this.#options.turns.take(message.length, this.#options.signal);
      for (const row of this.#judge(message)) rows.push(row);
    }
    yield rows;
  }

  #judge(message: readonly OfflineQuestion[]): readonly AskedRow[] {
    if (message.length > OFFLINE_MESSAGE_QUESTIONS_MAX)
      throw invalidArgument(
        'questions',
        `${message.length} in one message are over the limit of ${OFFLINE_MESSAGE_QUESTIONS_MAX}: send several messages`,
      );
    const nowUs = this.#options.nowUs();
    return message.map((question) => this.#ask(question, `queries[${question.rowNumber ?? this.#judged}]`, nowUs));
  }

  #ask({ entity, timestampUs, inputs: given }: OfflineQuestion, place: string, nowUs: number): AskedRow {
    const { served, input, run } = this.#options;
    this.#judged++;
    checkTimestamp(timestampUs, nowUs, `${place}.timestamp`);
    const key = served.plan.keys.read(entity, `${place}.entity_id`);
    if (given !== undefined && given.size > 0) run.hadInputs = true;
    const inputs = this.#inputs.read(given, `${place}.inputs`);
    run.asksAt(served.plan.keys.fields, key.values, timestampUs);
    const knownAtUs = input.knownAt === 'timestamp' ? timestampUs : (input.knownAt ?? Number.POSITIVE_INFINITY);
    return { key, inputs, place, instant: { asOfUs: timestampUs, knownAtUs } };
  }

  async #chunk(asked: readonly AskedRow[]): Promise<readonly OfflineRow[]> {
    const { served, run, signal, newTick, learn } = this.#options;
    checkDeadline(signal);
    const tick = newTick();
    try {
      const evaluated = await evaluateRows(served.plan, asked, { tick, signal, pendingRowBytes: this.#pendingRowBytes });
      const { rows, hitCount } = evaluated;
      if (tick.foundUnready)
        throw new ThymeError(
          'THYME_NOT_READY',
          'FAILED_PRECONDITION',
          'what an extractor looks up is still being built from history: ask again',
        );
      this.#pendingRowBytes = pendingRowBytesAfter(evaluated);
      run.rowCount += rows.length;
      run.hitCount += hitCount;
      return rows.map((row, i): OfflineRow => ({ row, entity: asked[i]?.key.values ?? [], timestampUs: asked[i]?.instant.asOfUs ?? 0 }));
    } finally {
      tick.close();
      if (tick.discovered.size > 0) learn(tick.discovered);
    }
  }
}
