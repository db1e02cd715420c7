// The registry: keeps the commits of a deployment's definitions.
//
//   handlers.ts              - the RPCs of thyme.v1.RegistryService
//   decide-commit.ts         - what a commit would change, and why it may be refused (S19)
//   bundle-check.ts          - the module's functions, loaded once
//   past-definitions.ts      - what earlier revisions said that still binds
//   timeline-identities.ts   - ids, columns and topics of timelines, from revision to revision
//   carry-overs.ts           - raised datasets, and whose records are carried (S19a)
//   named-removals.ts        - a commit names what it takes away
//   plan-backfills.ts        - how much history a commit would have read
//   deployment-topics.ts     - the topics, created before the revision that needs them
//   revision-log.ts          - the topic of commits
//   revision-history.ts      - the commits as read from it, for all who follow
//
// Invariants:
//   V1. A revision is what the log holds: nothing is answered from one that was not read there.
//   V2. A commit is decided on the newest revision there is: the writer is taken first, which
//       fences every other registry (L4), then the log is read to its end, then it is decided.
//   V3. Numbers of revisions have no gaps, and ids of timelines are never given twice.
import assert from 'node:assert';
import { crashPoint } from '../../libs/lifecycle/crash-point.js';
import { compareDefinitions, refuseBreaking, type DefinitionChange } from '../../libs/definition/compare.js';
import type { Definitions } from '../../libs/definition/definitions.js';
import { rehearseBundle } from './rehearse-bundle.js';
import { definitionsInvalid, type Problem } from '../../libs/definition/problem.js';
import type { Revision } from '../../libs/definition/revision.js';
import type { Log, TransactionalWriter } from '../../libs/log/log.js';
import type { Clock } from '../../libs/time/clock.js';
import type { ThymeError } from '../../libs/errors/errors.js';
import { raisedDatasets, type Raised } from './carry-overs.js';
import { decideCommit, type Decision, type Proposal } from './decide-commit.js';
import { countRecords, createBaseTopics, createDatasetTopics, type Deployment } from './deployment-topics.js';
import { refuseUnnamedRemovals } from './named-removals.js';
import { planBackfills, type Backfill } from './plan-backfills.js';
import { commitUnsure, registryNotRunning, revisionMoved } from './registry-errors.js';
import { RevisionHistory, type RevisionSummary } from './revision-history.js';
import { RevisionLog } from './revision-log.js';

export interface RegistryOptions {
  readonly deployment: Deployment;
  readonly log: Log;
  readonly clock: Pick<Clock, 'nowUs'>;
  /** Those that the deployment's ingest can read by; absent where nobody ingests, and any is taken. */
  readonly connectors?: ReadonlySet<string>;
}

export interface Plan {
  /** The revision that the plan was made on; 0 for none. */
  readonly baseRevision: number;
  /** A commit with one that is `breaking` would be refused. */
  readonly changes: readonly DefinitionChange[];
  readonly problems: readonly Problem[];
  /** None where a commit would be refused. */
  readonly backfills: readonly Backfill[];
}

export interface CommitTerms {
  /** The revision that the commit was planned on; whatever is there where it is absent. */
  readonly baseRevision?: number | undefined;
  /** What it may take away, by name (named-removals.ts). */
  readonly removes?: readonly string[];
}

export interface Committed {
  readonly revision: number;
  /** Empty where nothing was left to change, and so no revision was made. */
  readonly changes: readonly DefinitionChange[];
}

type State =
  | { readonly kind: 'new' }
  | { readonly kind: 'running'; readonly stopping: AbortController; readonly following: Promise<void> }
  | { readonly kind: 'stopped' };

const NOTHING: Definitions = { datasets: [], sources: [], pipelines: [], featuresets: [] };

export class Registry {
  readonly #options: RegistryOptions;
  readonly #revisions: RevisionLog;
  readonly history: RevisionHistory;
  #state: State = { kind: 'new' };
  #writer: Promise<TransactionalWriter> | undefined;
  #lastCommit: Promise<unknown> = Promise.resolve();

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#revisions = new RevisionLog(options.log, options.deployment.name);
    this.history = new RevisionHistory(this.#revisions);
  }

  /** Resolves when all commits of the log have been read. */
  async start(): Promise<void> {
    await createBaseTopics(this.#options.log, this.#options.deployment);
    await this.history.catchUp();
    const stopping = new AbortController();
    const following = this.history.follow(stopping.signal);
    following.catch(() => undefined); // `done` reports it
    this.#state = { kind: 'running', stopping, following };
  }

  /** Settles when following the log ends; rejects with what ended it. For after `start`. */
  get done(): Promise<void> {
    return this.#state.kind === 'running' ? this.#state.following : Promise.resolve();
  }

  /** Takes no more commits; resolves when the one in flight has ended. Idempotent. */
  async stop(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: 'stopped' };
    await this.#lastCommit.catch(() => undefined);
    if (state.kind !== 'running') return;
    state.stopping.abort();
    await state.following.catch(() => undefined);
    await this.#dropWriter();
  }

  /** What a commit would change, or all that is wrong with it. `runBundle` only for those who may commit: it runs their code. */
  async plan(proposal: Proposal, options: { readonly runBundle: boolean }): Promise<Plan> {
    this.#assertRunning();
    await this.history.catchUp();
    const firstTimelineId = this.history.timelineIdMax + 1;
    const decision = await this.#decide(proposal, options);
    const baseRevision = this.history.latestNumber;
    switch (decision.kind) {
      case 'invalid':
        return { baseRevision, changes: [], problems: decision.problems, backfills: [] };
      case 'unchanged':
        return { baseRevision, changes: [], problems: [], backfills: [] };
      case 'refused':
        return { baseRevision, changes: decision.changes, problems: [], backfills: [] };
      case 'new':
        return {
          baseRevision,
          changes: decision.changes,
          problems: [],
          backfills: await this.#backfills(decision.revision, firstTimelineId),
        };
    }
  }

  /**
   * Resolves when the revision is durable. INVALID_ARGUMENT with every problem, ABORTED where another revision than
   * `baseRevision` is the latest, FAILED_PRECONDITION with every change that S19 refuses, or every removal that it does not
   * name.
   */
  commit(proposal: Proposal, terms: CommitTerms = {}): Promise<Committed> {
    const commit = this.#lastCommit.catch(() => undefined).then(() => this.#commit(proposal, terms));
    this.#lastCommit = commit;
    return commit;
  }

  /** The newest, or the one with this number. */
  get(number?: number): Promise<Revision> {
    return this.history.get(number ?? this.history.latestNumber);
  }

  list(limit: number): readonly RevisionSummary[] {
    return this.history.summaries(limit);
  }

  watch(from: number, signal: AbortSignal): AsyncGenerator<Revision> {
    return this.history.watch(from, signal);
  }

  async #commit(proposal: Proposal, { baseRevision, removes = [] }: CommitTerms): Promise<Committed> {
    this.#assertRunning();
    await rehearseBundle(proposal.bundle.code); // before it runs here
    const writer = await this.#acquireWriter();
    crashPoint('registry.afterFence');
    await this.history.catchUp(); // after the writer is ours (V2)
    crashPoint('registry.afterRead');
    const { latestNumber } = this.history;
    const decision = await this.#decide(proposal, { runBundle: true });
    if (decision.kind === 'invalid') throw definitionsInvalid(decision.problems);
    // Before the base is looked at: a commit that is sent again finds itself.
    if (decision.kind === 'unchanged') return { revision: latestNumber, changes: [] };
    if (baseRevision !== undefined && baseRevision !== latestNumber) throw await this.#moved(baseRevision);
    if (decision.kind === 'refused') return refused(decision.changes);
    refuseUnnamedRemovals(decision.changes, removes);
    await this.#publish(writer, decision.revision);
    return { revision: decision.revision.number, changes: decision.changes };
  }

  async #publish(writer: TransactionalWriter, revision: Revision): Promise<void> {
    const record = this.#revisions.recordOf(revision);
    await createDatasetTopics(this.#options.log, this.#options.deployment, revision);
    crashPoint('registry.beforeCommit');
    try {
      await this.#revisions.commit(writer, record);
    } catch (cause) {
      await this.#dropWriter(); // dead after any error; the next commit takes a new one, then reads
      throw commitUnsure(cause);
    }
    crashPoint('registry.afterCommit');
    await this.history.catchUp();
    crashPoint('registry.afterCatchUp');
  }

  async #decide(proposal: Proposal, options: { readonly runBundle: boolean }): Promise<Decision> {
    const { latestNumber, timelineIdMax, past } = this.history;
    const recordCounts = await this.#countRecords(raisedDatasets(proposal.definitions, past));
    return decideCommit(proposal, {
      previous: this.history.latest(),
      timelines: this.history.latestTimelines,
      past,
      number: latestNumber + 1,
      firstTimelineId: timelineIdMax + 1,
      recordCounts,
      nowUs: this.#options.clock.nowUs(),
      connectors: this.#options.connectors,
      ...options,
    });
  }

  #backfills(revision: Revision, firstTimelineId: number): Promise<readonly Backfill[]> {
    const { log, deployment } = this.#options;
    return planBackfills(log, deployment, { revision, firstTimelineId });
  }

  /** By the ends of the old versions' topics. */
  async #countRecords(raised: readonly Raised[]): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const { from } of raised) counts.set(from.name, await countRecords(this.#options.log, this.#options.deployment, from));
    return counts;
  }

  /** What has come between the plan and the commit, for who planned without it. */
  async #moved(baseRevision: number): Promise<ThymeError> {
    const latest = this.history.latest();
    if (latest === undefined || baseRevision > latest.number) return revisionMoved(baseRevision, latest?.number ?? 0, []);
    const base = baseRevision === 0 ? undefined : await this.history.get(baseRevision);
    const compared = compareDefinitions(base?.definitions ?? NOTHING, latest.definitions);
    const code = { kind: 'changed', place: 'bundle', message: 'code' } as const;
    return revisionMoved(
      baseRevision,
      latest.number,
      compared.length === 0 && base?.bundle.sha256 !== latest.bundle.sha256 ? [code] : compared,
    );
  }

  /** The writer that this registry has, which another may have fenced since: its commit then fails. */
  async #acquireWriter(): Promise<TransactionalWriter> {
    this.#writer ??= this.#revisions.writer();
    try {
      return await this.#writer;
    } catch (cause) {
      this.#writer = undefined;
      throw cause;
    }
  }

  async #dropWriter(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.then((held) => held.close()).catch(() => undefined); // already dead, or never there
  }

  #assertRunning(): void {
    if (this.#state.kind !== 'running') throw registryNotRunning();
  }
}

function refused(changes: readonly DefinitionChange[]): never {
  refuseBreaking(changes);
  assert.fail('a commit is refused for breaking changes only');
}
