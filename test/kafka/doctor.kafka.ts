// What doctor says of the settings of a real broker.
import { expect } from 'chai';
import { readKafkaSettings } from '../../libs/log/kafka/settings.js';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import { KafkaCluster } from '../../libs/log/kafka/cluster.js';
import { callBroker } from '../../libs/log/kafka/driver.js';
import { systemClock } from '../../libs/time/clock.js';
import { judgeKafka } from '../../libs/cli/doctor-kafka.js';
import { Processes } from '../support/processes.js';
import { eventually, uniqueName, useKafka } from './kafka-fixture.js';

describe('doctor on a real Kafka', function () {
  this.timeout(400_000);
  const kafka = useKafka();
  const connect = () => ({ brokers: kafka().brokers, clientId: 'thyme-doctor-test' });
  const judged = async (deployment: string) => judgeKafka(await readKafkaSettings(connect(), deployment), { deployment, sessionMs: 6_000 });

  async function withTopic(deployment: string): Promise<string> {
    const log = await openKafkaLog(connect());
    await log.createTopic(`${deployment}.changes`, 2);
    await log.close();
    return `${deployment}.changes`;
  }

  it('finds what a registry made well, but for the second broker that is not there', async () => {
    const deployment = uniqueName();
    await withTopic(deployment);
    const findings = await judged(deployment);
    expect(findings.map(({ state }) => state)).to.deep.equal(['warning']);
    expect(findings[0]?.detail).to.match(/^there is one broker/);
    expect((await judged(uniqueName()))[0]?.detail).to.match(/^no topic of deployment/);
  });

  it('tells a topic whose records vanish, since somebody else made it', async () => {
    const deployment = uniqueName();
    const topic = `${deployment}.changes`;
    const cluster = new KafkaCluster(connect(), systemClock);
    const configEntries = [{ name: 'retention.ms', value: '3600000' }];
    await callBroker(await cluster.controller(), 'CreateTopics', {
      topics: [{ topic, numPartitions: 1, replicationFactor: 1, configEntries }],
      validateOnly: false,
      timeout: 10_000,
    });
    const isThere = async (): Promise<boolean> => (await cluster.describe(topic))?.leaders.every((leader) => leader >= 0) === true;
    await eventually(isThere, 'the topic has a leader');
    await cluster.close();
    const failed = (await judged(deployment)).filter(({ state }) => state === 'failed');
    expect(failed.map(({ detail }) => detail)).to.deep.equal([`retention.ms is 3600000, and records vanish: ${topic}`]);
    expect(failed[0]?.fix).to.match(new RegExp(`--entity-name ${topic} --add-config retention.ms=-1$`));
  });

  it('is told by the command, of a deployment that runs on it', async () => {
    const processes = new Processes();
    try {
      const deployment = uniqueName();
      const thyme = await processes.serve(processes.subfolder('data'), [], {
        env: { THYME_KAFKA_BROKERS: kafka().brokers.join(','), THYME_DEPLOYMENT: deployment, THYME_PARTITIONS: '1' },
      });
      const { stdout, stderr } = await processes.run(['doctor', '--brokers', kafka().brokers.join(',')], {
        env: { THYME_API_URL: thyme.restUrl, THYME_DEPLOYMENT: deployment },
      });
      expect(stdout, stderr)
        .to.match(/^warning +kafka +there is one broker/m)
        .and.match(/^ok +processes +3 that answer are all /m);
    } finally {
      await processes.end();
    }
  });
});
