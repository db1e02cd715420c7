// What the platform tells of its own work: status over REST and gRPC, and /metrics.
import { create } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { AggregatorService, ListJobsRequestSchema } from '../../gen/thyme/v1/jobs_pb.js';
import { ListPartitionsRequestSchema, QueryService } from '../../gen/thyme/v1/query_pb.js';
import { commitFile } from '../../libs/cli/commit-command.js';
import { createClient, openChannel } from '../../libs/rpc/client.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';

interface Timing {
  readonly name: string;
  readonly count: number;
  readonly p50_ms: number | null;
  readonly max_ms: number | null;
}

describe("the platform's own timings", function () {
  this.timeout(60_000);
  let platform: EmbeddedPlatform;
  before(async () => {
    platform = await startEmbeddedPlatform();
    await commitFile('test/support/shop-features.ts', platform.context);
  });
  after(() => platform.stop());

  it('are percentiles of the queries, the freshness and the ticks of the last minute', async () => {
    const { client, grpcTarget } = platform;
    const event = { user_id: 1, item: 'tea', price: 1.5, note: '', paid_at: new Date().toISOString() };
    const { body } = await client.post('/api/v1/log', { dataset: 'Purchase', events: [event] });
    const { token } = body as { readonly token: string };
    for (let i = 0; i < 20; i++) await client.get('/features', { featureset: 'Buyer', entity_id: '1', after: token });

    const { timings } = (await client.get('/api/v1/status')).body as { readonly timings: readonly Timing[] };
    const of = (name: string): Timing | undefined => timings.find((timing) => timing.name === name);
    for (const name of ['query', 'tick']) {
      expect(of(name)?.p50_ms, name).to.be.above(0);
      expect(of(name)?.max_ms, name).to.be.at.least(of(name)?.p50_ms ?? Number.NaN);
    }
    expect(of('query')?.count).to.equal(20);
    expect(of('freshness')?.count).to.be.within(1, 20);

    const channel = openChannel({ target: grpcTarget });
    const call = { signal: AbortSignal.timeout(5_000) };
    const partitions = await createClient(QueryService, channel).listPartitions(create(ListPartitionsRequestSchema), call);
    const jobs = await createClient(AggregatorService, channel).listJobs(create(ListJobsRequestSchema), call);
    channel.close();
    expect([...partitions.timings, ...jobs.timings].map(({ name }) => name)).to.deep.equal(['query', 'freshness', 'tick']);

    const metrics = await (await fetch(`${platform.url}/metrics`)).text();
    expect(metrics).to.match(/^thyme_recent_query_seconds\{of="query",quantile="p99"\} \d/m);
    expect(metrics).to.match(/^thyme_recent_tick_seconds\{of="tick",quantile="max"\} \d/m);
  });
});
