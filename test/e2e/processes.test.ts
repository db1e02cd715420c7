// The roles as real processes, driven from outside by the programs that users have: curl and grpcurl.
import { expect } from 'chai';
import { samePort, startDeployment, startOwner, startQuery, startStandby, type Deployment } from '../support/deployment.js';
import {
  awaitRecords,
  everyAnswer,
  EXAMPLE_MODULE,
  exampleRecords,
  pushEvents,
  pushRecords,
  type ExampleRecords,
} from '../support/example-records.js';
import { grpcTool } from '../support/grpc-tool.js';
import { curl, curlUntil, jsonOf } from '../support/http.js';
import { Processes, type ThymeProcess } from '../support/processes.js';

interface Read {
  readonly status: number;
  readonly text: string;
  readonly lagUs: number | null | undefined;
}

for (const partitions of [1, 3]) {
  describe(`roles as processes of their own, ${partitions} partition(s)`, function () {
    this.timeout(300_000);
    const processes = new Processes();
    const records: ExampleRecords = exampleRecords(Date.now() * 1_000);
    const tool = grpcTool();
    let deployment: Deployment;
    let fraudAt: string;

    before(async () => {
      deployment = await startDeployment(processes, 'split', partitions);
      await commitExamples(deployment.url);
      await awaitRecords(deployment.url, await pushRecords(deployment.url, records));
      fraudAt = `${deployment.url}/features?entity_type=UserOrderStats&entity_id=user_0`;
    });
    after(() => processes.end());

    async function commitExamples(url: string): Promise<void> {
      const { code, stdout, stderr } = await processes.run(['commit', EXAMPLE_MODULE], { env: { THYME_API_URL: url } });
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(/^Committed 5 dataset\(s\), 3 pipeline\(s\), 3 featureset\(s\) as revision 1/);
    }

    async function read(url = fraudAt): Promise<Read> {
      const { status, text } = await curl(url);
      const body = JSON.parse(text) as { readonly freshness?: { readonly lag_us: number | null } };
      return { status, text, lagUs: body.freshness?.lag_us };
    }

    it('S4: answers online, in batches, offline and by lookup as one process does over the same records', async () => {
      const single = await processes.serve(processes.subfolder('single'), [], { env: { THYME_PARTITIONS: String(partitions) } });
      await commitExamples(single.restUrl);
      await awaitRecords(single.restUrl, await pushRecords(single.restUrl, records));
      const [expected, actual] = [await everyAnswer(single.restUrl, records), await everyAnswer(deployment.url, records)];
      expect(expected.filter((answer) => /"(order_count|flights)_\d\w":[1-9]/.test(answer))).to.have.length.above(10);
      expect(actual).to.deep.equal(expected);
      expect(await single.stop()).to.equal(0);
    });

    it(`answers the same over gRPC by reflection (${tool.name})`, async () => {
      expect(await tool.services(deployment.owner.grpcTarget)).to.include.members([
        'thyme.v1.RegistryService',
        'thyme.v1.IngestService',
        'thyme.v1.AggregatorService',
        'thyme.v1.ReplicationService',
      ]);
      expect(await tool.services(deployment.query.grpcTarget))
        .to.include('thyme.v1.QueryService')
        .and.not.include('thyme.v1.IngestService');
      const atUs = String(Date.parse(records.at) * 1_000);
      const [answer] = await tool.call(deployment.query.grpcTarget, 'thyme.v1.QueryService/Query', {
        featureset: 'AirportDelay',
        entity: { values: [{ stringValue: 'ATL' }] },
        timestampUs: atUs,
      });
      const rest = jsonOf(await curl(`${deployment.url}/features?featureset=AirportDelay&entity_id=ATL&timestamp=${records.at}`))
        .features as Record<string, unknown>;
      const { features } = answer as unknown as {
        readonly features: readonly { readonly name: string; readonly value: Record<string, unknown> }[];
      };
      const count = features.find(({ name }) => name === 'flights_1d')?.value.intValue;
      expect(features.map(({ name }) => name)).to.deep.equal(Object.keys(rest));
      expect(Number(count)).to.equal(rest.flights_1d).and.to.be.above(0);
      const [jobs] = await tool.call(deployment.owner.grpcTarget, 'thyme.v1.AggregatorService/ListJobs', {});
      expect((jobs as { readonly partitionCount: number }).partitionCount).to.equal(partitions);
    });

    it('keeps standbys with the same bytes at the same seq, also after kill -9 of one of them', async () => {
      const [first, second] = await Promise.all(['one', 'two'].map((name) => startStandby(processes, name, deployment.owner)));
      if (first === undefined || second === undefined) throw new Error('two were started');
      const digests = await digestsOf(second);
      expect(await digestsOf(first)).to.deep.equal(digests);
      expect(digests.map(({ seq }) => Number(seq)).filter((seq) => seq > 0)).to.have.length(partitions);
      await first.kill();
      const again = await startStandby(processes, 'one', deployment.owner);
      expect(await digestsOf(again)).to.deep.equal(digests);
      expect(await again.stop()).to.equal(0);
      expect(await second.stop()).to.equal(0);
    });

    async function digestsOf({ grpcTarget }: ThymeProcess): Promise<readonly { readonly seq: string; readonly sha256: string }[]> {
      const answers = await Promise.all(
        Array.from({ length: partitions }, (_, partition) =>
          tool.call(grpcTarget, 'thyme.v1.StateService/Digest', { partition }, processes.internalKey()),
        ),
      );
      return answers.map(([answer]) => answer as unknown as { readonly seq: string; readonly sha256: string });
    }

    it('serves again, and the same, after kill -9 of the query process', async () => {
      const before = await everyAnswer(deployment.url, records);
      await deployment.query.kill();
      expect((await curl(fraudAt)).status).to.equal(503);
      const query = await startQuery(processes, 'split', deployment.owner, samePort(deployment.query));
      deployment = { ...deployment, query };
      expect((await curlUntil(fraudAt, ({ status }) => status === 200)).status).to.equal(200);
      expect(await everyAnswer(deployment.url, records)).to.deep.equal(before);
    });

    it('S13: reads go on after kill -9 of the owner, say how old they are, and what was acknowledged is there when it is back', async () => {
      const token = await pushEvents(deployment.url, 'Order', [records.lateOrder('acknowledged', 11.5)]);
      const before = await everyAnswer(deployment.url, records);
      const fresh = await read();
      expect(fresh.lagUs, fresh.text).to.be.within(0, 5_000_000);
      await deployment.owner.kill();
      expect(await everyAnswer(deployment.url, records), 'reads without the owner').to.deep.equal(before);
      // Older than any definition that the gateway remembers without asking (services/gateway/catalog.ts).
      const stale = await curlUntil(fraudAt, ({ text }) => lagOf(text) === null || Number(lagOf(text)) > (fresh.lagUs ?? 0) + 2_500_000);
      expect(stale.status).to.equal(200);
      expect(await everyAnswer(deployment.url, records), 'reads long after').to.deep.equal(before);
      expect((await curl(`${deployment.url}/api/v1/log`, { dataset: 'Order', events: [records.lateOrder('refused', 1)] })).status).to.equal(
        503,
      );
      await restartOwner();
      const spend = spendOf(jsonOf(await curlUntil(`${fraudAt}&after=${token}`, ({ status }) => status === 200)));
      const again = await pushEvents(deployment.url, 'Order', [records.lateOrder('after the restart', 100)]);
      expect(spendOf(jsonOf(await curl(`${fraudAt}&after=${again}`)))).to.be.closeTo(spend + 100, 1e-9);
      const followed = await curlUntil(fraudAt, ({ text }) => Number(lagOf(text) ?? Infinity) < 1_000_000);
      expect(followed.status).to.equal(200);
    });

    async function restartOwner(): Promise<void> {
      const owner = await startOwner(processes, 'split', { THYME_PARTITIONS: String(partitions), ...samePort(deployment.owner) });
      deployment = { ...deployment, owner };
      // The gateway connects again within two seconds.
      await curlUntil(`${deployment.url}/api/v1/jobs`, ({ status }) => status === 200);
    }

    it('stops on SIGTERM with exit code 0, each of them', async () => {
      expect(await deployment.gateway.stop()).to.equal(0);
      expect(await deployment.query.stop()).to.equal(0);
      expect(await deployment.owner.stop()).to.equal(0);
    });
  });
}

function lagOf(text: string): number | null | undefined {
  return (JSON.parse(text) as { readonly freshness?: { readonly lag_us: number | null } }).freshness?.lag_us;
}

function spendOf({ features }: Record<string, unknown>): number {
  return Number((features as Record<string, unknown>).total_spend_24h);
}
