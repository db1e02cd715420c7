import type { Revision } from '../../libs/definition/revision.js';
import { parseDatasetName } from '../../libs/definition/dataset-name.js';
import { timelinesWithTopics } from '../../libs/definition/timeline-topics.js';
import { notFound, ThymeError } from '../../libs/errors/errors.js';
import type { Token } from '../../libs/feature/token.js';
import type { DatasetPlan } from '../../libs/feature/dataset-plan.js';
import type { FeaturePlan } from '../../libs/feature/feature-plan.js';
import { RevisionPlans, type AuthorModule } from '../../libs/feature/revision-plans.js';
import type { ReplicaViews } from '../../libs/replica/replica-view.js';

/** What a featureset's or a dataset's plan needs to be ready. */
export interface Servable {
  readonly timelineIds: readonly number[];
}

export interface Served<P> {
  readonly plans: RevisionPlans;
  readonly plan: P;
  readonly name: string;
  /** Everything it reads, as far as known: lookups of extractors come in when they first happen. */
  readonly timelineIds: ReadonlySet<number>;
}

/** Featuresets, or datasets: how a name of them is found in a revision, and which revision serves it. */
interface Kind<P> {
  readonly noun: string;
  readonly has: (plans: RevisionPlans, name: string) => boolean;
  readonly plan: (plans: RevisionPlans, name: string) => P;
  /** While no newer revision is adopted, and nothing is learnt. */
  readonly chosen: Map<string, Served<P>>;
}

/** Revisions whose plans are kept; older ones are compiled again should they still serve something. */
const REVISIONS_KEPT_MAX = 16;

/**
 * Chooses the revision that serves (S18): the newest that every partition held here has adopted and whose
 * timelines are ready in every partition, else the one before. What is ready stays ready.
 */
export class ServedRevisions {
  readonly #views: ReplicaViews;
  readonly #evaluate: (revision: Revision) => AuthorModule;
  readonly #plans = new Map<number, RevisionPlans>();
  readonly #ready = new Set<number>();
  readonly #featuresets: Kind<FeaturePlan> = {
    noun: 'featureset',
    has: (plans, name) => plans.hasFeatureset(name),
    plan: (plans, name) => plans.featureset(name),
    chosen: new Map(),
  };
  readonly #datasets: Kind<DatasetPlan> = {
    noun: 'dataset',
    has: (plans, name) => plans.hasDataset(name),
    plan: (plans, name) => plans.dataset(name),
    chosen: new Map(),
  };
  /** Timelines that a plan's extractors were seen to look up. */
  readonly #lookedUp = new WeakMap<Servable, ReadonlySet<number>>();

  constructor(views: ReplicaViews, evaluate: (revision: Revision) => AuthorModule) {
    this.#views = views;
    this.#evaluate = evaluate;
  }

  featureset(name: string): Served<FeaturePlan> {
    return this.#choose(this.#featuresets, name);
  }

  /** `Order`, or `Order@1` for a version beside which a newer one has come (S19a); FAILED_PRECONDITION once that is retired. */
  dataset(name: string): Served<DatasetPlan> {
    const { dataset, version } = parseDatasetName(name);
    const adopted = this.#adopted();
    const isAsked = (each: { readonly name: string; readonly version: number }): boolean =>
      each.name === dataset && each.version === version;
    if (version === undefined || adopted[0]?.definitions.datasets.some(isAsked) === true) return this.#choose(this.#datasets, dataset);
    const older = adopted.find(({ definitions }) => definitions.datasets.some(isAsked));
    if (older === undefined)
      throw notFound(
        'dataset',
        name,
        adopted.flatMap(({ definitions }) => definitions.datasets.map((each) => `${each.name}@${each.version}`)),
      );
    const plans = this.#plansOf(older);
    const plan = plans.dataset(dataset);
    if (!plan.timelineIds.every((id) => this.#isWorked(id))) throw retired(dataset, version);
    return { name, plans, plan, timelineIds: new Set(plan.timelineIds) };
  }

  /**
   * Whether the token is of records of a newer dataset version than those that what serves reads (S21, S19a): another revision is about to
   * serve, which reads them.
   */
  isBehind({ plans: { revision }, timelineIds }: Served<Servable>, token: Token): boolean {
    const read = timelinesWithTopics(revision).flatMap(({ id, inputs = [] }) => (timelineIds.has(id) ? inputs : []));
    return token.marks.some(({ topic }) => {
      const pushed = /([^.]+)\.v(\d+)$/.exec(topic);
      const isOlder = (input: string): boolean => {
        const parts = /^(.*)\.v(\d+)$/.exec(input);
        return parts !== null && pushed !== null && parts[1] === pushed[1] && Number(parts[2]) < Number(pushed[2]);
      };
      return read.some(isOlder);
    });
  }

  /** Whether the timeline holds all history in every partition. An arrow, as ticks take it along. */
  readonly isReady = (timelineId: number): boolean => {
    if (this.#ready.has(timelineId)) return true;
    if (this.#readyPartitions(timelineId) < this.#views.partitions.length) return false;
    this.#ready.add(timelineId);
    return true;
  };

  /** Extractors looked these up: from now on the plan is known to read them, and must find them ready. */
  learn({ name, plan }: Served<Servable>, timelineIds: Iterable<number>): void {
    this.#lookedUp.set(plan, new Set([...(this.#lookedUp.get(plan) ?? []), ...timelineIds]));
    // Whichever it is: the other of that name is only chosen again.
    for (const { chosen } of [this.#featuresets, this.#datasets]) chosen.delete(name);
  }

  #choose<P extends Servable>(kind: Kind<P>, name: string): Served<P> {
    const adopted = this.#adopted();
    const newest = adopted[0]?.number ?? 0;
    const chosen = kind.chosen.get(name);
    if (chosen?.plans.revision.number === newest) return chosen;
    const served = this.#newestReady(kind, name, adopted);
    if (served.plans.revision.number === newest) kind.chosen.set(name, served);
    return served;
  }

  #newestReady<P extends Servable>(kind: Kind<P>, name: string, adopted: readonly Revision[]): Served<P> {
    let waiting: readonly number[] | undefined;
    for (const revision of adopted) {
      const plans = this.#plansOf(revision);
      if (waiting !== undefined && !kind.has(plans, name)) break;
      const plan = kind.plan(plans, name); // of the newest revision: NOT_FOUND where it has no such name
      const timelineIds = new Set([...plan.timelineIds, ...(this.#lookedUp.get(plan) ?? [])]);
      const missing = [...timelineIds].filter((id) => !this.isReady(id));
      if (missing.length === 0) return { name, plans, plan, timelineIds };
      waiting ??= missing;
    }
    throw this.#notYet(`${kind.noun} ${name}`, adopted[0], waiting);
  }

  /**
   * Revisions that every partition held here has adopted, newest first. One that is being restored has no say:
   * the others serve on meanwhile, and what was ready stays ready.
   */
  #adopted(): readonly Revision[] {
    let adopted: readonly Revision[] | undefined;
    for (const partition of this.#views.partitions) {
      const view = this.#views.view(partition);
      if (view.applied() === undefined) continue;
      const revisions = view.revisions();
      if (adopted === undefined || (revisions[0]?.number ?? 0) < (adopted[0]?.number ?? 0)) adopted = revisions;
    }
    return adopted ?? [];
  }

  /** Whether rows still enter the timeline wherever it is held: one that no reader fills any more stands still. */
  #isWorked(timelineId: number): boolean {
    return this.#views.partitions.every((partition) => {
      const counters = this.#views.view(partition).applied()?.counters;
      return counters === undefined || counters.some(({ readerId }) => readerId === timelineId);
    });
  }

  #readyPartitions(timelineId: number): number {
    let ready = 0;
    for (const partition of this.#views.partitions) {
      if (this.#views.view(partition).isReady(timelineId)) ready++;
    }
    return ready;
  }

  #plansOf(revision: Revision): RevisionPlans {
    let plans = this.#plans.get(revision.number);
    if (plans === undefined) {
      plans = new RevisionPlans(revision, () => this.#evaluate(revision));
      this.#plans.set(revision.number, plans);
      for (const number of [...this.#plans.keys()].sort((a, b) => a - b).slice(0, -REVISIONS_KEPT_MAX)) this.#plans.delete(number);
    }
    return plans;
  }

  #notYet(what: string, newest: Revision | undefined, waiting: readonly number[] | undefined): ThymeError {
    // A partition that is being restored says so itself: another replica may answer.
    if (newest === undefined) for (const partition of this.#views.partitions) this.#views.view(partition).tick();
    if (newest === undefined)
      return new ThymeError(
        'THYME_NOT_COMMITTED',
        'FAILED_PRECONDITION',
        `${what}: no definitions have reached every partition yet: commit some, or wait`,
      );
    const progress = (waiting ?? []).map((id) => this.#progress(newest, id)).join('; ');
    return new ThymeError('THYME_NOT_READY', 'FAILED_PRECONDITION', `${what} is still being built from history: ${progress}`);
  }

  #progress(revision: Revision, timelineId: number): string {
    const identity = revision.timelines.find(({ id }) => id === timelineId);
    let read = 0;
    for (const partition of this.#views.partitions) {
      const counters = this.#views.view(partition).applied()?.counters ?? [];
      read += counters.find(({ readerId }) => readerId === timelineId)?.read ?? 0;
    }
    return `${identity?.name ?? 'a timeline'} is ready in ${this.#readyPartitions(timelineId)} of ${this.#views.partitions.length} partitions, ${read} records read`;
  }
}

function retired(dataset: string, version: number): ThymeError {
  return new ThymeError(
    'THYME_DATASET_RETIRED',
    'FAILED_PRECONDITION',
    `version ${version} of dataset ${dataset} is retired: a newer one has taken its place, and a commit came since; ask for '${dataset}'`,
  );
}
