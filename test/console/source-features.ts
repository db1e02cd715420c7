// A dataset that files fill; the test says where they lie.
import { dataset, field, key, source, t, timestamp } from 'thyme';
import { files } from 'thyme/sources';

@source(files({ path: '/nowhere/*.ndjson' }), { every: '1s' })
@dataset({ version: 1, index: true })
export class Reading {
  @key(t.string) sensor!: string;
  @field(t.int) value!: number;
  @timestamp() read_at!: Date;
}
