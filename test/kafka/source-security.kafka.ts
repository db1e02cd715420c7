// The Kafka source where brokers ask for passwords and certificates: its own cluster, and the platform's.
import { expect } from 'chai';
import type { SecuredKafka } from '../../infra/kafka/kafka.js';
import type { SourceDefinition } from '../../libs/definition/definitions.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { kafkaConnector } from '../../libs/source/kafka/kafka-connector.js';
import { systemClock } from '../../libs/time/clock.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { numberDataset, SourcesFixture } from '../integration/sources-fixture.js';
import { eventually, useKafka } from './kafka-fixture.js';
import { Producers } from './topic-system.js';

describe('the Kafka source with passwords and TLS', function () {
  this.timeout(120_000);
  const kafka = useKafka({ secured: true });
  let topic: string;
  let fixture: SourcesFixture;
  const started: Sources[] = [];

  before(async () => {
    const producers = await Producers.connect(kafka().brokers);
    topic = await producers.createTopic(1);
    await producers.send(topic, [{ key: 'k', value: '{"k":"k","n":1,"at":"2026-01-31T11:00:00Z"}' }]);
    await producers.disconnect();
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((sources) => sources.stop({ graceMs: 5_000 })));
  });

  function secured(): SecuredKafka {
    const found = kafka().secured;
    if (found === undefined) throw new Error('this broker has no passwords');
    return found;
  }

  /** The secret is the fixture's PASSWORD, whatever the broker's is. */
  async function start(
    config: SourceDefinition['config'],
    environment: Readonly<Record<string, string>> = {},
    password = secured().password,
  ): Promise<Sources> {
    const clock = (own: { nowUs(): number }) => ({ nowUs: () => own.nowUs(), sleep: systemClock.sleep.bind(systemClock) });
    fixture = new SourcesFixture(new MemoryLog(), (own) => [kafkaConnector(clock(own), environment)]);
    await fixture.commit([numberDataset('A')], [{ dataset: 'A', connector: 'kafka', config: { topic, ...config }, cdc: 'append' }]);
    Object.assign(fixture.variables, { PASSWORD: password, ...environment });
    const sources = await fixture.start();
    started.push(sources);
    return sources;
  }

  const phase = (sources: Sources) => sources.list()[0]?.phase;

  async function reads(sources: Sources): Promise<void> {
    await eventually(() => {
      const now = phase(sources);
      if (now !== undefined && 'cause' in now) throw new Error(now.cause);
      return sources.list()[0]?.rows === 1;
    }, 'the message is read');
  }

  for (const saslMechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
    it(`logs in with ${saslMechanism}, in plain text and over TLS`, async () => {
      const login = { saslMechanism, saslUsername: secured().username, saslPassword: { secret: 'env:PASSWORD' } };
      await reads(await start({ brokers: secured().sasl, securityProtocol: 'SASL_PLAINTEXT', ...login }));
      await reads(await start({ brokers: secured().tls, securityProtocol: 'SASL_SSL', sslCa: secured().caFile, ...login }));
    });
  }

  it('shows a certificate of its own', async () => {
    const { mutual, caFile: sslCa, clientCertificateFile: sslCert, clientKeyFile: sslKey } = secured();
    await reads(await start({ brokers: mutual, securityProtocol: 'SSL', sslCa, sslCert, sslKey }));
  });

  it("reads from the platform's own cluster, as the platform does, where it names no brokers", async () => {
    const environment = {
      THYME_KAFKA_BROKERS: secured().tls,
      THYME_KAFKA_SSL_CA: secured().caFile,
      THYME_KAFKA_SASL_MECHANISM: 'scram-sha-256',
      THYME_KAFKA_USERNAME: secured().username,
      THYME_KAFKA_PASSWORD: secured().password,
    };
    await reads(await start({}, environment));
    // What the platform's cluster asks for is nothing that another cluster is told.
    await reads(await start({ brokers: kafka().brokers.join(',') }, environment));
  });

  it('stands still with a wrong password, and repeats it to nobody', async () => {
    const login = { saslUsername: secured().username, saslPassword: { secret: 'env:PASSWORD' } };
    const sources = await start({ brokers: secured().sasl, securityProtocol: 'SASL_PLAINTEXT', ...login }, {}, 'guessed-one');
    await eventually(() => phase(sources)?.kind === 'stopped', 'it stands still');
    expect(phase(sources)).to.have.property('cause').that.contains(secured().sasl).and.does.not.contain('guessed-one');
    expect(fixture.logged.join('\n')).to.not.contain('guessed-one');
  });

  it('names the parameter that is wrong, or does not fit the protocol', async () => {
    for (const [config, words] of [
      [{ brokers: 'nowhere' }, /brokers: 'nowhere' is not host:port/],
      [{ brokers: secured().sasl, securityProtocol: 'TLS' }, /securityProtocol: 'TLS' is none of PLAINTEXT, SSL/],
      [{ brokers: secured().sasl, saslUsername: 'me' }, /saslUsername is given, and securityProtocol is PLAINTEXT/],
      [
        { brokers: secured().sasl, securityProtocol: 'SASL_SSL', saslMechanism: 'GSSAPI', saslUsername: 'me' },
        /saslMechanism: 'gssapi' is none of/,
      ],
      [{ brokers: secured().tls, securityProtocol: 'SSL', sslCa: '/nowhere.pem' }, /sslCa/],
      [{ brokers: secured().sasl, format: 'xml' }, /format of A's kafka source: 'xml' is none of json, avro, protobuf/],
      [{ brokers: secured().sasl, format: 'avro' }, /schemaRegistryUrl/],
    ] as const) {
      const sources = await start(config);
      await eventually(() => phase(sources)?.kind === 'stopped', 'it stands still');
      expect(phase(sources)).to.have.property('cause').that.matches(words);
    }
  });
});
