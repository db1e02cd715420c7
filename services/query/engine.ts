// The query service: answers from the replica in its own process (DESIGN 7). A query passes
//
//   handlers.ts          - generated messages to and from what the engine takes
//   engine.ts            - one question: revision, key, token, instant, tick, plan, answer
//   served-revisions.ts  - which revision answers (S18)
//   await-token.ts       - waits for one's own writes (S21)
//   query-tick.ts        - one tick of each partition (S15)
//   libs/feature         - the featureset's plan: windows, then extractors
//   offline-query.ts     - training sets: the same, in chunks
//   query-runs.ts        - the audit, after the answer: run-draft.ts, then run-chunks.ts
//
// Invariants:
//   Q1. Now and then run the same code: only the instant differs (S3, S4).
//   Q2. What is read in one synchronous block shows one tick; who awaits holds snapshots (S15).
//   Q3. No query waits or fails for its own audit.

import type { Revision } from '../../libs/definition/revision.js';
import { invalidArgument, onRecord, ThymeError } from '../../libs/errors/errors.js';
import type { FeaturePlan } from '../../libs/feature/feature-plan.js';
import type { AuthorModule } from '../../libs/feature/revision-plans.js';
import { Readings } from '../../libs/feature/readings.js';
import type { EntityKey } from '../../libs/feature/state-access.js';
import type { ReplicaViews } from '../../libs/replica/replica-view.js';
import type { Row } from '../../libs/schema/value-type.js';
import type { Clock } from '../../libs/time/clock.js';
import type { Instant } from '../../libs/timeline/timeline.js';
import type { BatchAnswer, BatchInput, LookupAnswer, LookupInput, OfflineAnswer, OfflineInput, OfflineQuestion, QueryAnswer, QueryCaller, QueryInput } from './answers.js';
import { anotherTick, awaitToken } from './await-token.js';
import { breathe, checkDeadline, untilDeadline } from './deadline.js';
import { evaluateRows, type AskedRow } from './evaluate-rows.js';
import { OfflineQuery } from './offline-query.js';
import { askedTime, instantOf, type AskedTime } from './query-instant.js';
import { BATCH_CHUNK_ROWS, BATCH_ENTITIES_MAX, INPUTS_MAX, ATTEMPTS_MAX } from './query-limits.js';
import type { QueryRun, RunRecorder } from './query-run.js';
import { QueryTick } from './query-tick.js';
import { RunDraft } from './run-draft.js';
import { ServedRevisions, type Servable, type Served } from './served-revisions.js';

export interface QueryEngineOptions {
  readonly views: ReplicaViews;
  readonly clock: Pick<Clock, 'nowUs'>;
  readonly runs: RunRecorder;
  /** Evaluates a revision's bundle, which is operator-trusted code (DESIGN 8). */
  readonly evaluate: (revision: Revision) => AuthorModule;
}

interface Asking {
  readonly asked: AskedTime;
  readonly caller: QueryCaller;
}

const NO_INPUTS: ReadonlyMap<string, unknown> = new Map();

export class QueryEngine {
  readonly #views: ReplicaViews;
  readonly #clock: Pick<Clock, 'nowUs'>;
  readonly #runs: RunRecorder;
  readonly #revisions: ServedRevisions;

  constructor({ views, clock, runs, evaluate }: QueryEngineOptions) {
    this.#views = views;
    this.#clock = clock;
    this.#runs = runs;
    this.#revisions = new ServedRevisions(views, evaluate);
  }

  /** Those that can be answered from now: a replica that is being built anew is not among them. */
  partitions(): { readonly partitionCount: number; readonly partitions: number[] } {
    const { partitionCount, partitions } = this.#views;
    return { partitionCount, partitions: partitions.filter((partition) => this.#views.view(partition).applied() !== undefined) };
  }

  /** One entity's features, now or as of an instant. */
  query(input: QueryInput, caller: QueryCaller): Promise<QueryAnswer> {
    const { featureset, entity, inputs = NO_INPUTS } = input;
    return this.#recorded('online', featureset, caller, (run) => {
      const asked = this.#asked(input, run);
      run.hadInputs = inputs.size > 0;
      if (inputs.size > INPUTS_MAX) throw invalidArgument('inputs', `${inputs.size} are over the limit of ${INPUTS_MAX}: send fewer`);
      return this.#attempt({ asked, caller }, () => this.#revisions.featureset(featureset), async (served, tick) => {
        const { plan } = served;
        const key = plan.keys.read(entity, 'entity_id');
        run.asks(plan.keys.fields, [key.values]);
        const brought = plan.readInputs(inputs);
        if (asked.token !== undefined) await awaitToken(this.#views, asked.token, served.timelineIds, caller.signal);
        const instant = this.#instant(asked, run);
        const evaluated = plan.evaluate(key, brought, { state: tick, instant, readings: new Readings() });
        const row = evaluated instanceof Promise ? await untilDeadline(evaluated, caller.signal) : evaluated;
        run.rowCount = 1;
        run.hitCount = tick.found > 0 ? 1 : 0;
        return {
          queryRunId: run.id, featureset, keyFields: plan.keys.fields, entity: key.values, columns: plan.columns, row,
          asOfUs: instant.asOfUs, pointInTime: asked.timestampUs !== undefined, freshness: tick.freshness(),
        };
      });
    });
  }

  /** Many entities' features at one instant, from one tick of each partition. */
  queryBatch(input: BatchInput, caller: QueryCaller): Promise<BatchAnswer> {
    const { featureset, entities } = input;
    return this.#recorded('batch', featureset, caller, (run) => {
      const asked = this.#asked(input, run);
      if (entities.length > BATCH_ENTITIES_MAX) throw invalidArgument('entities', `${entities.length} are over the limit of ${BATCH_ENTITIES_MAX}: send several batches`);
      return this.#attempt({ asked, caller }, () => this.#revisions.featureset(featureset), async (served, tick) => {
        const { plan } = served;
        const keys = entities.map((entity, i) => plan.keys.read(entity, `entities[${i}]`));
        const values = keys.map((key) => key.values);
        run.asks(plan.keys.fields, values);
        if (asked.token !== undefined) await awaitToken(this.#views, asked.token, served.timelineIds, caller.signal);
        const instant = this.#instant(asked, run);
        const { rows, hitCount } = await evaluateBatch(plan, keys, { instant, tick, signal: caller.signal });
        run.rowCount = rows.length;
        run.hitCount = hitCount;
        return {
          queryRunId: run.id, featureset, keyFields: plan.keys.fields, entities: values, columns: plan.columns, rows,
          asOfUs: instant.asOfUs, pointInTime: asked.timestampUs !== undefined, freshness: tick.freshness(),
        };
      });
    });
  }

  /** One row of a dataset, without extractors or defaults (S5). */
  lookup(input: LookupInput, caller: QueryCaller): Promise<LookupAnswer> {
    const { dataset, entity } = input;
    return this.#recorded('lookup', dataset, caller, (run) => {
      const asked = this.#asked(input, run);
      return this.#attempt({ asked, caller }, () => this.#revisions.dataset(dataset), async (served, tick) => {
        const { plan } = served;
        const key = plan.keys.read(entity, 'entity_id');
        run.asks(plan.keys.fields, [key.values]);
        if (asked.token !== undefined) await awaitToken(this.#views, asked.token, served.timelineIds, caller.signal);
        const instant = this.#instant(asked, run);
        const row = plan.row(key, { state: tick, instant, readings: new Readings() });
        run.rowCount = row === null ? 0 : 1;
        run.hitCount = tick.found > 0 ? 1 : 0;
        return {
          queryRunId: run.id, dataset, keyFields: plan.keys.fields, entity: key.values, columns: plan.dataset.fields, row,
          asOfUs: instant.asOfUs, pointInTime: asked.timestampUs !== undefined, freshness: tick.freshness(),
        };
      });
    });
  }

  /** Many (entity, instant) pairs, in the order asked, with bounded memory however many they are. */
  queryOffline(input: OfflineInput, questions: AsyncIterable<readonly OfflineQuestion[]>, caller: QueryCaller): OfflineAnswer {
    const run = this.#begin('offline', input.featureset, caller);
    run.knownAtUs = input.knownAt;
    const end = (error?: unknown): void => this.#end(run, caller, error);
    try {
      const served = this.#revisions.featureset(input.featureset);
      const offline = new OfflineQuery({ served, knownAt: input.knownAt, run, signal: caller.signal, nowUs: () => this.#clock.nowUs(), newTick: () => this.#tick(served), learn: (timelineIds) => this.#revisions.learn(served, timelineIds) });
      return { queryRunId: run.id, featureset: input.featureset, keyFields: served.plan.keys.fields, columns: served.plan.columns, rows: offline.answer(questions, end) };
    } catch (error) {
      end(error);
      throw onRecord(error, run.id);
    }
  }

  #asked(input: QueryInput | BatchInput | LookupInput, run: RunDraft): AskedTime {
    run.requestedTimestampUs = input.timestampUs;
    run.knownAtUs = input.knownAtUs;
    return askedTime(input, run.createdUs);
  }

  /** T: taken after the wait for the token, so that now is when the state is read. */
  #instant(asked: AskedTime, run: RunDraft): Instant {
    const instant = instantOf(asked, this.#clock.nowUs());
    run.asOfUs = instant.asOfUs;
    return instant;
  }

  /**
   * Answers from the revision that serves. What extractors look up is known only once they have: if it
   * is not ready, an older revision answers (S18); if a token was to be waited for there too, the wait
   * and the answer are made again (S21). Each attempt knows more timelines than the one before.
   */
  async #attempt<P extends Servable, A>({ asked: { token }, caller }: Asking, choose: () => Served<P>, answer: (served: Served<P>, tick: QueryTick) => Promise<A>): Promise<A> {
    for (let attempt = 1; ; attempt++) {
      const served = token === undefined ? choose() : await this.#chooseInTime(choose, caller.signal);
      const tick = this.#tick(served);
      const isFinal = (): boolean => !tick.foundUnready && (token === undefined || tick.discovered.size === 0);
      try {
        const answered = await answer(served, tick);
        if (isFinal()) return answered;
      } catch (error) {
        if (isFinal() || attempt === ATTEMPTS_MAX) throw error;
      } finally {
        tick.close();
        if (tick.discovered.size > 0) this.#revisions.learn(served, tick.discovered);
      }
    }
  }

  /** Who pushes right after a commit waits for that too (S21): the definitions reach each partition in a tick of its own. */
  async #chooseInTime<P extends Servable>(choose: () => Served<P>, signal: AbortSignal): Promise<Served<P>> {
    for (;;) {
      try {
        return choose();
      } catch (error) {
        const isNotYet = error instanceof ThymeError && (error.code === 'THYME_NOT_COMMITTED' || error.code === 'THYME_NOT_READY');
        if (!isNotYet || !(await anotherTick(this.#views, signal))) throw error;
      }
    }
  }

  #tick({ timelineIds }: Served<Servable>): QueryTick {
    return new QueryTick(this.#views, timelineIds, this.#revisions.isReady);
  }

  async #recorded<A>(kind: QueryRun['kind'], name: string, caller: QueryCaller, answer: (run: RunDraft) => Promise<A>): Promise<A> {
    const run = this.#begin(kind, name, caller);
    try {
      if (caller.isOver ?? caller.signal.aborted) checkDeadline(caller.signal);
      const answered = await answer(run);
      this.#end(run, caller);
      return answered;
    } catch (error) {
      this.#end(run, caller, error);
      throw onRecord(error, run.id);
    }
  }

  #begin(kind: QueryRun['kind'], name: string, caller: QueryCaller): RunDraft {
    const createdUs = this.#clock.nowUs();
    const run = new RunDraft(this.#runs.newId(createdUs), kind, name, { createdUs, caller });
    caller.onQueryRunId?.(run.id);
    return run;
  }

  #end(run: RunDraft, caller: QueryCaller, error?: unknown): void {
    if (caller.isReplay !== true) this.#runs.record(run.end(this.#clock.nowUs(), error));
  }
}

/** Small batches are one synchronous block; larger ones hold their tick and let others in between (S15). */
async function evaluateBatch(plan: FeaturePlan, keys: readonly EntityKey[], { instant, tick, signal }: { readonly instant: Instant; readonly tick: QueryTick; readonly signal: AbortSignal }) {
  const asked = keys.map((key, i): AskedRow => ({ key, instant, place: `entities[${i}]` }));
  if (asked.length <= BATCH_CHUNK_ROWS) return evaluateRows(plan, asked, { tick, signal });
  tick.hold();
  const rows: Row[] = [];
  let hitCount = 0;
  for (let start = 0; start < asked.length; start += BATCH_CHUNK_ROWS) {
    if (start > 0) await breathe(signal);
    const chunk = await evaluateRows(plan, asked.slice(start, start + BATCH_CHUNK_ROWS), { tick, signal });
    for (const row of chunk.rows) rows.push(row);
    hitCount += chunk.hitCount;
  }
  return { rows, hitCount };
}
