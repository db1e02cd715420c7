import { Avg, Count, dataset, field, key, pipeline, type Stream, t, timestamp } from 'thyme';

@dataset({ version: 1 })
export class Click {
  @key(t.string) user_id!: string;
  @field(t.int) n!: number;
  @timestamp() at!: Date;
}

/** Each click's row is produced for whoever else reads the topic. */
@dataset({ version: 1, index: true, publish: true })
export class ClickStats {
  @key(t.string) user_id!: string;
  @field(t.int) clicks!: number;
  @field(t.float.optional) mean_n_1d!: number | null;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Click] })
  static count(clicks: Stream<Click>) {
    return clicks.groupBy('user_id').aggregate({ clicks: Count(), mean_n_1d: Avg({ of: 'n', window: '1d' }) });
  }
}
