import type { ReaderCounters } from '../../libs/change/change.js';
import type { Revision } from '../../libs/definition/revision.js';
import type { Log } from '../../libs/log/log.js';
import type { AuthorFunctions } from '../../libs/pipeline/steps.js';
import { PartitionView } from '../../libs/replica/partition-view.js';
import type { ReplicaViews } from '../../libs/replica/replica-view.js';
import { createReplicaViews } from '../../libs/replica/replica-views.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { Clock } from '../../libs/time/clock.js';
import { acquire } from '../aggregator/acquire.js';
import type { PartitionTask } from '../aggregator/partition-task.js';
import { RevisionList } from '../aggregator/revision-feed.js';
import { TICK_LIMITS } from '../aggregator/task-environment.js';
import type { ReaderBooks } from './test-results.js';

export interface MemoryPartitionsOptions {
  readonly deployment: string;
  readonly partitionCount: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly functions: AuthorFunctions;
}

interface Worked {
  readonly view: PartitionView;
  readonly task: PartitionTask;
}

/**
 * The partitions of a deployment, worked in the caller's own turns: `settle` ticks them until everything that was pushed is in the
 * state. No timer runs, so tests may fake those, and nothing keeps the process alive.
 */
export class MemoryPartitions {
  readonly views: ReplicaViews;
  readonly #worked: readonly Worked[];
  readonly #feed: RevisionList;

  private constructor(worked: readonly Worked[], feed: RevisionList) {
    this.#worked = worked;
    this.#feed = feed;
    this.views = createReplicaViews(
      worked.length,
      worked.map(({ view }) => view),
    );
  }

  static async open({ deployment, partitionCount, log, clock, functions }: MemoryPartitionsOptions): Promise<MemoryPartitions> {
    const feed = new RevisionList();
    const worked: Worked[] = [];
    for (let partition = 0; partition < partitionCount; partition++) {
      const view = new PartitionView(partition, () => 0);
      const environment = { deployment, partition, partitionCount, log, clock, feed, functionsOf: () => functions, limits: TICK_LIMITS };
      const task = await acquire(environment, new MemoryStore(), {
        onApplier: (applier) => view.attach(applier),
        onBatch: () => view.committed(),
      });
      worked.push({ view, task });
    }
    return new MemoryPartitions(worked, feed);
  }

  /** Its topics must be there. */
  async adopt(revision: Revision): Promise<void> {
    this.#feed.add(revision);
    await this.settle();
  }

  /** Ticks all tasks in turn until none has anything to do: what one re-keys is another's input. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < this.#worked.length;) {
      idle = 0;
      for (const { task } of this.#worked) if ((await task.tick()) === 'idle') idle++;
    }
  }

  /** A book for each pipeline and each index of a dataset. */
  books(): readonly ReaderBooks[] {
    const books = new Map<string, ReaderBooks>();
    for (const { view, task } of this.#worked) {
      const committed = view.applied()?.counters ?? [];
      for (const { plan, paused } of task.readers) {
        const counters = committed.find(({ readerId }) => readerId === plan.id);
        const known = books.get(plan.name) ?? emptyBooks(plan.name, plan.dataset.name);
        books.set(plan.name, added(known, counters, paused));
      }
    }
    return [...books.values()];
  }
}

function emptyBooks(pipeline: string, dataset: string): ReaderBooks {
  return { pipeline, dataset, paused: false, applied: 0, filtered: 0, late: 0, outdated: 0, duplicate: 0, failed: 0, ended: 0 };
}

function added(books: ReaderBooks, counters: ReaderCounters | undefined, paused: boolean): ReaderBooks {
  return {
    ...books,
    paused: books.paused || paused,
    applied: books.applied + (counters?.applied ?? 0),
    filtered: books.filtered + (counters?.filtered ?? 0),
    late: books.late + (counters?.late ?? 0),
    outdated: books.outdated + (counters?.outdated ?? 0),
    duplicate: books.duplicate + (counters?.duplicate ?? 0),
    failed: books.failed + (counters?.failed ?? 0),
    ended: books.ended + (counters?.ended ?? 0),
  };
}
