// Several machines' worth of processes on one Kafka: aggregators share the partitions, replicas follow whoever owns them.
import { expect } from 'chai';
import { awaitRecords, everyAnswer, EXAMPLE_MODULE, exampleRecords, pushEvents, pushRecords } from '../support/example-records.js';
import { curl, curlUntil, jsonOf } from '../support/http.js';
import { Processes, type ThymeProcess } from '../support/processes.js';
import { uniqueName, useKafka } from './kafka-fixture.js';

const WORK = 'registry,ingest,aggregator';
const PARTITIONS = 8;

for (const partitions of [1, 3, PARTITIONS]) {
  describe(`a fleet on Kafka, ${partitions} partition(s)`, function () {
    this.timeout(240_000);
    const kafka = useKafka();
    const processes = new Processes();
    const deployment = uniqueName();
    const records = exampleRecords(Date.now() * 1_000 - 60_000_000);
    const workers: ThymeProcess[] = [];
    let gateway: ThymeProcess | undefined;
    let embedded: ThymeProcess | undefined;

    const env = () => ({ THYME_DEPLOYMENT: deployment, THYME_KAFKA_BROKERS: kafka().brokers.join(',') });
    const url = (): string => gateway?.restUrl ?? '';
    const work = async (name: string, more: Readonly<Record<string, string>> = {}): Promise<ThymeProcess> => {
      const worker = await processes.serve(processes.subfolder(name), ['--roles', WORK, '--partitions', String(partitions)], {
        env: { ...env(), ...more },
      });
      workers.push(worker);
      return worker;
    };

    before(async () => {
      await work('worker-0');
      const query = await processes.serve(processes.subfolder('query'), ['--roles', 'query'], { env: env() });
      gateway = await processes.serve(
        processes.subfolder('gateway'),
        ['--roles', 'gateway', '--owner', workers[0]?.grpcTarget ?? '', '--query', query.grpcTarget],
        { env: env() },
      );
      embedded = await processes.serve(processes.subfolder('embedded'), ['--partitions', String(partitions)]);
      for (const restUrl of [url(), embedded.restUrl]) {
        expect((await processes.run(['commit', EXAMPLE_MODULE], { env: { THYME_API_URL: restUrl } })).code).to.equal(0);
        await awaitRecords(restUrl, await pushRecords(restUrl, records));
      }
    });

    after(() => processes.end());

    it('answers as the embedded platform does over the same records', async () => {
      expect(await everyAnswer(url(), records)).to.deep.equal(await everyAnswer(embedded?.restUrl ?? '', records));
    });

    it('shares the partitions with a worker that joins, which fills its disk from a standby, and each is worked by one', async () => {
      const standby = await processes.serve(processes.subfolder('standby'), ['--roles', 'store-replica'], { env: env() });
      const worker = await work('worker-1', { THYME_STANDBY: standby.grpcTarget, THYME_LOG_LEVEL: 'info' });
      // With one partition, the newcomer has none.
      if (partitions > 1) await curlUntil(`${url()}/health`, () => worker.stderr().includes('restored from the standby'));
      await ownedByAll();
      expect(await everyAnswer(url(), records)).to.deep.equal(await everyAnswer(embedded?.restUrl ?? '', records));
    });

    it('goes on after kill -9 of a worker: its partitions are taken over, and nothing is lost or counted twice (S13, S14)', async () => {
      const before = await spentBy(url(), 'user_0');
      await workers[1]?.kill();
      expect(await spentBy(url(), 'user_0')).to.equal(before); // reads do not wait for a takeover
      const token = await pushEvents(url(), 'Order', [records.lateOrder('late-1', 5)]);
      jsonOf(
        await curlUntil(`${url()}/features?entity_type=UserOrderStats&entity_id=user_0&after=${token}`, ({ status }) => status === 200),
      );
      expect(await spentBy(url(), 'user_0')).to.be.closeTo(before + 5, 1e-6);
      await ownedByAll();
    });

    it('hands over at once on SIGTERM, and the next worker goes on where it was', async () => {
      await work('worker-2');
      await ownedByAll();
      const before = await spentBy(url(), 'user_0');
      const token = await pushEvents(url(), 'Order', [records.lateOrder('late-2', 5)]);
      expect(await workers[2]?.stop()).to.equal(0);
      jsonOf(
        await curlUntil(`${url()}/features?entity_type=UserOrderStats&entity_id=user_0&after=${token}`, ({ status }) => status === 200),
      );
      expect(await spentBy(url(), 'user_0')).to.be.closeTo(before + 5, 1e-6);
    });

    /** Until every partition is in the status. */
    async function ownedByAll(): Promise<void> {
      await curlUntil(`${url()}/api/v1/status`, ({ text }) => tasksOf(text).length === partitions);
    }
  });
}

/** The fleet's tasks: a partition that two worked would be here twice. */
function tasksOf(status: string): readonly number[] {
  const { tasks } = JSON.parse(status) as { readonly tasks: readonly { readonly partition: number }[] };
  return tasks.map(({ partition }) => partition);
}

async function spentBy(url: string, user: string): Promise<number> {
  const { features } = jsonOf(await curl(`${url}/features?entity_type=UserOrderStats&entity_id=${user}`)) as {
    readonly features: Readonly<Record<string, number>>;
  };
  return features['total_spend_7d'] ?? Number.NaN;
}
