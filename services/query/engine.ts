// The query service: answers from the replica in its own process (DESIGN 7). A query passes
//
//   handlers.ts          - the RPCs; request-messages.ts and answer-messages.ts - their messages to and from what the engine takes;
//                          answer-bytes.ts - the answer to a query, as bytes
//   engine.ts            - one question: revision, key, token, instant, tick, plan, answer
//   served-revisions.ts  - which revision answers (S18); attempts.ts - again, where more was looked up than known
//   await-token.ts       - waits for one's own writes (S21)
//   query-tick.ts        - one tick of each partition (S15)
//   libs/feature         - the featureset's plan: windows, then extractors
//   batch-query.ts       - many entities: judged, evaluated in blocks, handed on part by part
//   list-rows.ts         - the rows that a value is made of
//   entity-pages.ts      - which entities there are
//   lookup-over-time.ts  - one entity's rows as of many instants
//   offline-query.ts     - training sets: the same for (entity, instant) pairs
//   row-inputs.ts        - request-time inputs of rows
//   row-turns.ts         - what long answers may do in one turn of the event loop, all together
//   query-runs.ts        - the audit, after the answer: run-draft.ts, then run-chunks.ts
//
// Invariants:
//   Q1. Now and then run the same code: only the instant differs (S3, S4).
//   Q2. What is read in one synchronous block shows one tick; who awaits holds snapshots (S15).
//   Q3. No query waits or fails for its own audit.

import type { Revision } from '../../libs/definition/revision.js';
import { invalidArgument, onRecord, ThymeError } from '../../libs/errors/errors.js';
import type { AuthorModule } from '../../libs/feature/revision-plans.js';
import { Readings } from '../../libs/feature/readings.js';
import type { TokenKey } from '../../libs/feature/token.js';
import type { ReplicaViews } from '../../libs/replica/replica-view.js';
import type { Field, Row } from '../../libs/schema/value-type.js';
import type { Clock } from '../../libs/time/clock.js';
import type { Instant } from '../../libs/timeline/timeline.js';
import type {
  BatchAnswer,
  BatchHead,
  BatchInput,
  LookupAnswer,
  LookupInput,
  OfflineAnswer,
  OfflineInput,
  OfflineQuestion,
  QueryAnswer,
  QueryCaller,
  QueryInput,
  QueryTime,
} from './answers.js';
import { Attempts, isFinal } from './attempts.js';
import { awaitToken } from './await-token.js';
import { BatchDelivery, checkBatch, evaluateBatch, hasInputs, judgeBatch, lookedUpMore, type TakePart } from './batch-query.js';
import { checkDeadline, untilDeadline } from './deadline.js';
import type { RowsAnswer, RowsInput } from './list-rows.js';
import { entityPage, type EntityPage, type EntityPageOptions } from './entity-pages.js';
import { instantsOf, type OverTimeAnswer, type OverTimeInput } from './lookup-over-time.js';
import { OfflineQuery } from './offline-query.js';
import { askedTime, instantOf, type AskedTime } from './query-instant.js';
import { WHOLE_ANSWER_BYTES_MAX } from './query-limits.js';
import type { QueryRun, RunRecorder } from './query-run.js';
import { RowInputs } from './row-inputs.js';
import { RowTurns } from './row-turns.js';
import { RunDraft } from './run-draft.js';
import { ServedRevisions } from './served-revisions.js';

export interface QueryEngineOptions {
  readonly views: ReplicaViews;
  readonly clock: Pick<Clock, 'nowUs'>;
  readonly runs: RunRecorder;
  /** By which tokens are known as the deployment's own. */
  readonly tokenKey: TokenKey;
  /** Evaluates a revision's bundle, which is operator-trusted code (DESIGN 8). */
  readonly evaluate: (revision: Revision) => AuthorModule;
}

export class QueryEngine {
  readonly #views: ReplicaViews;
  readonly #clock: Pick<Clock, 'nowUs'>;
  readonly #runs: RunRecorder;
  readonly #tokenKey: TokenKey;
  readonly #revisions: ServedRevisions;
  readonly #attempts: Attempts;
  readonly #turns = new RowTurns();

  constructor({ views, clock, runs, tokenKey, evaluate }: QueryEngineOptions) {
    this.#views = views;
    this.#clock = clock;
    this.#runs = runs;
    this.#tokenKey = tokenKey;
    this.#revisions = new ServedRevisions(views, evaluate);
    this.#attempts = new Attempts(views, this.#revisions);
  }

  /** Those that can be answered from now: a replica that is being built anew is not among them. */
  partitions(): { readonly partitionCount: number; readonly partitions: number[] } {
    const { partitionCount, partitions } = this.#views;
    return { partitionCount, partitions: partitions.filter((partition) => this.#views.view(partition).applied() !== undefined) };
  }

  /** One entity's features, now or as of an instant. */
  query(input: QueryInput, caller: QueryCaller): Promise<QueryAnswer> {
    const { featureset, entity, inputs } = input;
    return this.#recorded('online', featureset, caller, (run) => {
      const asked = this.#asked(input, run);
      run.hadInputs = (inputs?.size ?? 0) > 0;
      return this.#attempts.make(
        { asked, caller },
        () => this.#revisions.featureset(featureset),
        async (served, tick) => {
          const { plan } = served;
          const key = plan.keys.read(entity, 'entity_id');
          run.asks(plan.keys.fields, [key.values]);
          const brought = new RowInputs(plan).read(inputs);
          if (asked.token !== undefined) await awaitToken(this.#views, asked.token, served.timelineIds, caller.signal);
          const instant = this.#instant(asked, run);
          const evaluated = plan.evaluate(key, brought, { state: tick, instant, readings: new Readings() });
          const row = evaluated instanceof Promise ? await untilDeadline(evaluated, caller.signal) : evaluated;
          run.rowCount = 1;
          run.hitCount = tick.found > 0 ? 1 : 0;
          return {
            queryRunId: run.id,
            featureset,
            keyFields: plan.keys.fields,
            entity: key.values,
            columns: plan.columns,
            row,
            asOfUs: instant.asOfUs,
            pointInTime: asked.timestampUs !== undefined,
            freshness: tick.freshness(),
          };
        },
      );
    });
  }

  /** Many entities' features at one instant, from one tick of each partition, as long as they fit into one answer. */
  async queryBatch(input: BatchInput, caller: QueryCaller): Promise<BatchAnswer> {
    const rows: Row[] = [];
    let bytes = 0;
    const answer = await this.streamBatch(input, caller, (part) => {
      bytes += part.bytes;
      if (bytes > WHOLE_ANSWER_BYTES_MAX) throw answerTooLarge();
      for (const row of part.rows) rows.push(row);
    });
    return { ...answer, rows };
  }

  /** The same for any number of rows, however wide: `take` gets them part by part, at least one; resolves when all were taken. */
  streamBatch(input: BatchInput, caller: QueryCaller, take: TakePart): Promise<Omit<BatchAnswer, 'rows'>> {
    const { featureset } = input;
    return this.#recorded('batch', featureset, caller, (run) => {
      const asked = this.#asked(input, run);
      run.hadInputs = hasInputs(input);
      checkBatch(input);
      const delivery = new BatchDelivery(take);
      return this.#attempts.make(
        { asked, caller },
        () => this.#revisions.featureset(featureset),
        async (served, tick) => {
          delivery.restart();
          const { plan } = served;
          const judged = judgeBatch(plan, input);
          const entities = judged.map(({ key }) => key.values);
          run.asks(plan.keys.fields, entities);
          if (asked.token !== undefined) await awaitToken(this.#views, asked.token, served.timelineIds, caller.signal);
          const instant = this.#instant(asked, run);
          const head: BatchHead = {
            queryRunId: run.id,
            featureset,
            keyFields: plan.keys.fields,
            entities,
            columns: plan.columns,
            asOfUs: instant.asOfUs,
            pointInTime: asked.timestampUs !== undefined,
          };
          const mayBegin = (): void => {
            if (!isFinal(tick, asked)) throw lookedUpMore();
          };
          run.hitCount = await evaluateBatch(plan, judged, {
            head,
            instant,
            tick,
            signal: caller.signal,
            turns: this.#turns,
            delivery,
            mayBegin,
          });
          run.rowCount = judged.length;
          return { ...head, freshness: tick.freshness() };
        },
      );
    });
  }

  /** One row of a dataset, without extractors or defaults (S5). */
  lookup(input: LookupInput, caller: QueryCaller): Promise<LookupAnswer> {
    const { dataset, entity } = input;
    return this.#recorded('lookup', dataset, caller, (run) => {
      const asked = this.#asked(input, run);
      return this.#attempts.make(
        { asked, caller },
        () => this.#revisions.dataset(dataset),
        async (served, tick) => {
          const { plan } = served;
          const key = plan.keys.read(entity, 'entity_id');
          run.asks(plan.keys.fields, [key.values]);
          if (asked.token !== undefined) await awaitToken(this.#views, asked.token, served.timelineIds, caller.signal);
          const instant = this.#instant(asked, run);
          const row = plan.row(key, { state: tick, instant, readings: new Readings() });
          run.rowCount = row === null ? 0 : 1;
          run.hitCount = tick.found > 0 ? 1 : 0;
          return {
            queryRunId: run.id,
            dataset,
            keyFields: plan.keys.fields,
            entity: key.values,
            columns: plan.dataset.fields,
            row,
            asOfUs: instant.asOfUs,
            pointInTime: asked.timestampUs !== undefined,
            freshness: tick.freshness(),
          };
        },
      );
    });
  }

  /** One entity's rows as of many instants, of one tick; on record as one lookup. */
  lookupOverTime(input: OverTimeInput, caller: QueryCaller): Promise<OverTimeAnswer> {
    const { dataset, entity, timestampsUs, knownAtUs } = input;
    return this.#recorded('lookup', dataset, caller, (run) => {
      const asked = this.#asked({ knownAtUs }, run);
      return this.#attempts.make(
        { asked, caller },
        () => this.#revisions.dataset(dataset),
        async (served, tick) => {
          const { plan } = served;
          const key = plan.keys.read(entity, 'entity_id');
          run.asks(plan.keys.fields, [key.values]);
          const instants = instantsOf(input, this.#clock.nowUs());
          run.asOfUs = timestampsUs.length === 0 ? undefined : Math.max(...timestampsUs);
          await this.#turns.take(instants.length, caller.signal);
          const rows = instants.map((instant) => plan.row(key, { state: tick, instant, readings: new Readings() }));
          run.rowCount = rows.filter((row) => row !== null).length;
          run.hitCount = tick.found > 0 ? 1 : 0;
          return { queryRunId: run.id, columns: plan.dataset.fields, rows, freshness: tick.freshness() };
        },
      );
    });
  }

  /** The rows of one entity's window, page by page; on record as a lookup. */
  rows(input: RowsInput, caller: QueryCaller): Promise<RowsAnswer> {
    const { dataset, entity, field, windowUs = null, which, rowsMax, before } = input;
    return this.#recorded('lookup', dataset, caller, (run) => {
      const asked = this.#asked(input, run);
      return this.#attempts.make(
        { asked, caller },
        () => this.#revisions.dataset(dataset),
        async (served, tick) => {
          const { plan } = served;
          const listing = plan.listing(field);
          if (listing.isAggregated && windowUs !== null)
            throw invalidArgument('window', `${dataset}.${field ?? ''} has a window of its own: leave it away`);
          const key = plan.keys.read(entity, 'entity_id');
          run.asks(plan.keys.fields, [key.values]);
          if (asked.token !== undefined) await awaitToken(this.#views, asked.token, served.timelineIds, caller.signal);
          const instant = this.#instant(asked, run);
          tick.requireReady(listing.timelineId);
          const listed = listing.list(key, { state: tick, instant, readings: new Readings() }, { which, windowUs, rowsMax, before });
          run.rowCount = listed.rows.length;
          run.hitCount = tick.found > 0 ? 1 : 0;
          return { queryRunId: run.id, asOfUs: instant.asOfUs, listed, freshness: tick.freshness() };
        },
      );
    });
  }

  /** Entities of the featureset of which anything is kept; no query, so not on record. */
  async entities(
    { featureset, ...asked }: Omit<EntityPageOptions, 'plan' | 'signal'> & { readonly featureset: string },
    { signal }: QueryCaller,
  ): Promise<EntityPage & { readonly keyFields: readonly Field[] }> {
    const { plan } = this.#revisions.featureset(featureset);
    return { ...(await entityPage(this.#views, { plan, signal, ...asked })), keyFields: plan.keys.fields };
  }

  /** Many (entity, instant) pairs, in the order asked, with bounded memory however many they are. */
  queryOffline(input: OfflineInput, questions: AsyncIterable<readonly OfflineQuestion[]>, caller: QueryCaller): OfflineAnswer {
    const run = this.#begin('offline', input.featureset, caller, input.continuedRunId);
    run.knownAtUs = input.knownAt;
    const end = (error?: unknown): void => this.#end(run, caller, error);
    try {
      const served = this.#revisions.featureset(input.featureset);
      const offline = new OfflineQuery({
        served,
        input,
        run,
        signal: caller.signal,
        turns: this.#turns,
        nowUs: () => this.#clock.nowUs(),
        newTick: () => this.#attempts.tick(served),
        learn: (timelineIds) => this.#revisions.learn(served, timelineIds),
      });
      return {
        queryRunId: run.id,
        featureset: input.featureset,
        keyFields: served.plan.keys.fields,
        columns: served.plan.columns,
        rows: offline.answer(questions, end),
      };
    } catch (error) {
      end(error);
      throw onRecord(error, run.id);
    }
  }

  #asked(input: QueryTime, run: RunDraft): AskedTime {
    run.requestedTimestampUs = input.timestampUs;
    run.knownAtUs = input.knownAtUs;
    return askedTime(input, run.createdUs, this.#tokenKey);
  }

  /** T: taken after the wait for the token, so that now is when the state is read. */
  #instant(asked: AskedTime, run: RunDraft): Instant {
    const instant = instantOf(asked, this.#clock.nowUs());
    run.asOfUs = instant.asOfUs;
    return instant;
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

  #begin(kind: QueryRun['kind'], name: string, caller: QueryCaller, continuedId?: string): RunDraft {
    const createdUs = this.#clock.nowUs();
    const isContinued = continuedId !== undefined;
    const run = new RunDraft(continuedId ?? this.#runs.newId(createdUs), kind, name, { createdUs, caller, isContinued });
    caller.onQueryRunId?.(run.id);
    return run;
  }

  #end(run: RunDraft, caller: QueryCaller, error?: unknown): void {
    if (caller.isReplay !== true) this.#runs.record(run.end(this.#clock.nowUs(), error));
  }
}

function answerTooLarge(): ThymeError {
  return new ThymeError(
    'THYME_ANSWER_TOO_LARGE',
    'RESOURCE_EXHAUSTED',
    `the answer is larger than ${WHOLE_ANSWER_BYTES_MAX} bytes: ask QueryBatchStream, or several batches of fewer entities`,
  );
}
