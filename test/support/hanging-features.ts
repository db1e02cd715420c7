// A pipeline whose author's function does not come back from one record.
import { Count, Sum, dataset, field, key, pipeline, t, timestamp } from 'thyme';
import type { Stream } from 'thyme';

@dataset({ version: 1 })
export class Job {
  @key(t.string) worker!: string;
  @field(t.int) size!: number;
  @timestamp() at!: Date;
}

@dataset({ version: 1, index: true })
export class WorkerJobs {
  @key(t.string) worker!: string;
  @field(t.int) jobs!: number;
  @field(t.int) cost!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Job] })
  static costs(jobs: Stream<Job>) {
    return jobs
      .transform({ cost: t.int }, (job) => {
        while (job.size === 13);
        return { cost: job.size * 2 };
      })
      .groupBy('worker')
      .aggregate({ jobs: Count(), cost: Sum({ of: 'cost' }) });
  }
}

@dataset({ version: 1, index: true })
export class WorkerCounts {
  @key(t.string) worker!: string;
  @field(t.int) jobs!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Job] })
  static counts(jobs: Stream<Job>) {
    return jobs.groupBy('worker').aggregate({ jobs: Count() });
  }
}
