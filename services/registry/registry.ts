// The registry: keeps the commits of a deployment's definitions.
//
//   handlers.ts              - the RPCs of thyme.v1.RegistryService
//   decide-commit.ts         - what a commit would change, and why it may be refused (S19)
//   bundle-check.ts          - the module's functions, loaded once
//   past-definitions.ts      - what earlier revisions said that still binds
//   timeline-identities.ts   - ids and columns of timelines, from revision to revision
//   deployment-topics.ts     - the topics, created before the revision that needs them
//   revision-log.ts          - the topic of commits
//   revision-history.ts      - the commits as read from it, for all who follow
//
// Invariants:
//   G1. A revision is what the log holds: nothing is answered from one that was not read there.
//   G2. A commit is decided on the newest revision there is: the writer is taken first, which
//       fences every other registry (L4), then the log is read to its end, then it is decided.
//   G3. Numbers of revisions have no gaps, and ids of timelines are never given twice.
import assert from 'node:assert';
import { crashPoint } from '../../libs/change/crash-point.js';
import { refuseBreaking, type Change } from '../../libs/definition/compare.js';
import { definitionsInvalid, type Problem } from '../../libs/definition/problem.js';
import type { Revision } from '../../libs/definition/revision.js';
import type { Log, TransactionalWriter } from '../../libs/log/log.js';
import type { Clock } from '../../libs/time/clock.js';
import { decideCommit, type Decision, type Proposal } from './decide-commit.js';
import { createBaseTopics, createDatasetTopics, type Deployment } from './deployment-topics.js';
import { commitUnsure, registryNotRunning, revisionMoved } from './registry-errors.js';
import { RevisionHistory, type RevisionSummary } from './revision-history.js';
import { RevisionLog } from './revision-log.js';

export interface RegistryOptions {
  readonly deployment: Deployment;
  readonly log: Log;
  readonly clock: Pick<Clock, 'nowUs'>;
}

export interface Plan {
  /** The revision that the plan was made on; 0 for none. */
  readonly baseRevision: number;
  /** A commit with one that is `breaking` would be refused. */
  readonly changes: readonly Change[];
  readonly problems: readonly Problem[];
}

export interface Committed {
  readonly revision: number;
  /** Empty where nothing was left to change, and so no revision was made. */
  readonly changes: readonly Change[];
}

type State =
  | { readonly kind: 'new' }
  | { readonly kind: 'running'; readonly stopping: AbortController; readonly following: Promise<void> }
  | { readonly kind: 'stopped' };

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

  /** What a commit would change, or all that is wrong with it. `runBundle` only for who may commit: it runs their code. */
  async plan(proposal: Proposal, options: { readonly runBundle: boolean }): Promise<Plan> {
    this.#assertRunning();
    await this.history.catchUp();
    const decision = this.#decide(proposal, options);
    const baseRevision = this.history.latestNumber;
    switch (decision.kind) {
      case 'invalid':
        return { baseRevision, changes: [], problems: decision.problems };
      case 'unchanged':
        return { baseRevision, changes: [], problems: [] };
      case 'refused':
      case 'new':
        return { baseRevision, changes: decision.changes, problems: [] };
    }
  }

  /**
   * Resolves when the revision is durable. INVALID_ARGUMENT with every problem, ABORTED where another
   * revision than `baseRevision` is the latest, FAILED_PRECONDITION with every change that S19 refuses.
   */
  commit(proposal: Proposal, baseRevision?: number): Promise<Committed> {
    const commit = this.#lastCommit.catch(() => undefined).then(() => this.#commit(proposal, baseRevision));
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

  async #commit(proposal: Proposal, baseRevision: number | undefined): Promise<Committed> {
    this.#assertRunning();
    const writer = await this.#acquireWriter();
    crashPoint('registry.afterFence');
    await this.history.catchUp(); // after the writer is ours (G2)
    crashPoint('registry.afterRead');
    const { latestNumber } = this.history;
    const decision = this.#decide(proposal, { runBundle: true });
    if (decision.kind === 'invalid') throw definitionsInvalid(decision.problems);
    // Before the base is looked at: a commit that is sent again finds itself.
    if (decision.kind === 'unchanged') return { revision: latestNumber, changes: [] };
    if (baseRevision !== undefined && baseRevision !== latestNumber) throw revisionMoved(baseRevision, latestNumber);
    if (decision.kind === 'refused') return refused(decision.changes);
    await this.#publish(writer, decision.revision);
    return { revision: decision.revision.number, changes: decision.changes };
  }

  async #publish(writer: TransactionalWriter, revision: Revision): Promise<void> {
    const record = this.#revisions.recordOf(revision);
    await createDatasetTopics(this.#options.log, this.#options.deployment, revision.definitions);
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

  #decide(proposal: Proposal, options: { readonly runBundle: boolean }): Decision {
    const { latestNumber, timelineIdMax, past } = this.history;
    return decideCommit(proposal, {
      previous: this.history.latest(),
      past,
      number: latestNumber + 1,
      firstTimelineId: timelineIdMax + 1,
      nowUs: this.#options.clock.nowUs(),
      ...options,
    });
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

function refused(changes: readonly Change[]): never {
  refuseBreaking(changes);
  assert.fail('a commit is refused for breaking changes only');
}
