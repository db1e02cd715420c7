import type { RestClient } from '../client/rest-client.js';
import type { Clock } from '../time/clock.js';
import type { DatasetStatus } from './file-events.js';

/** What the pipelines that read a dataset made of records since a moment; of several the most. */
export interface ReaderBooks {
  /** Left out of aggregation (S10). */
  readonly late: number;
  /** Changes that are older than what their row is (S17). */
  readonly outdated: number;
  /** Known from an earlier push (S13). */
  readonly duplicate: number;
}

interface Progress {
  readonly lag: number;
  readonly paused: boolean;
  readonly caught_up: boolean;
  readonly late_dropped: number;
  readonly outdated: number;
  readonly duplicate: number;
}

interface JobStatus {
  readonly id: string;
  readonly spec: { readonly input_topic: string };
  readonly progress: Progress;
}

const POLL_MS = 50;
/** How long readers may take that get no further. */
const STUCK_MS = 5_000;

/**
 * Whether a record is late, or was there before, is decided where it is read (S10, S13), not where it is pushed. So the readers' books are
 * compared, before a push and once they have read it. What others push into the dataset meanwhile is counted with it.
 */
export class BookKeeper {
  readonly #client: RestClient;
  readonly #topic: string;
  #before: ReadonlyMap<string, Progress> = new Map();

  constructor(client: RestClient, { name, version }: Pick<DatasetStatus, 'name' | 'version'>) {
    this.#client = client;
    this.#topic = `${name}.v${version}`;
  }

  async open(): Promise<void> {
    this.#before = await this.#progress();
  }

  /** Undefined where the readers did not come to the end of what was pushed in time, or there are none. */
  async close(clock: Clock): Promise<ReaderBooks | undefined> {
    const signal = new AbortController().signal;
    let lag = Number.POSITIVE_INFINITY;
    for (let stuckMs = 0; stuckMs < STUCK_MS; stuckMs += POLL_MS) {
      const now = await this.#progress();
      const followed = [...now].filter(([id]) => this.#before.has(id));
      if (followed.length === 0) return undefined;
      const left = followed.reduce((sum, [, progress]) => sum + progress.lag, 0);
      if (left === 0) return this.#compared(followed);
      if (left < lag) stuckMs = 0;
      lag = left;
      await clock.sleep(POLL_MS, signal);
    }
    return undefined;
  }

  #compared(now: readonly (readonly [string, Progress])[]): ReaderBooks {
    const most = (count: (progress: Progress) => number): number =>
      now.reduce((most, [id, progress]) => {
        const before = this.#before.get(id);
        return before === undefined ? most : Math.max(most, count(progress) - count(before));
      }, 0);
    return {
      late: most((progress) => progress.late_dropped),
      outdated: most((progress) => progress.outdated),
      duplicate: most((progress) => progress.duplicate),
    };
  }

  /** How far readers are that keep pace: one that builds its history has another tale to tell. */
  async #progress(): Promise<ReadonlyMap<string, Progress>> {
    const { body } = await this.#client.get('/api/v1/status');
    const { jobs = [] } = body as { readonly jobs?: readonly JobStatus[] };
    const reading = jobs.filter(
      ({ spec, progress }) => spec.input_topic.split(',').includes(this.#topic) && progress.caught_up && !progress.paused,
    );
    return new Map(reading.map(({ id, progress }) => [id, progress]));
  }
}
