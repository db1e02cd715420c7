import { expect } from 'chai';
import type { SecuredKafka } from '../../infra/kafka/kafka.js';
import { createEnv } from '../../libs/config/env.js';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import { readKafkaOptions } from '../../libs/log/kafka/options.js';
import { uniqueName, useKafka } from './kafka-fixture.js';

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'];

describe('Kafka with passwords and TLS', function () {
  this.timeout(120_000);
  const kafka = useKafka({ secured: true });

  /** Opens the log as a process would that has this environment. */
  async function open(variables: Readonly<Record<string, string>>): Promise<string> {
    const options = readKafkaOptions(createEnv(variables), 'thyme-test');
    if (options === undefined) throw new Error('brokers are named');
    const log = await openKafkaLog(options);
    try {
      const target = { topic: uniqueName(), partition: 0 };
      await log.createTopic(target.topic, 1);
      await Promise.all([0, 1, 2].map(() => log.append(target, [{ key: new Uint8Array(), value: new Uint8Array(3) }])));
      const writer = await log.writer(target.topic);
      await writer.commit([{ target, records: [{ key: new Uint8Array(), value: new Uint8Array(3) }] }]);
      return `${(await log.read(target, 0, { recordsMax: 10, bytesMax: 1_000 })).records.length} records`;
    } finally {
      await log.close();
    }
  }

  const secured = (): SecuredKafka => {
    const found = kafka().secured;
    if (found === undefined) throw new Error('this broker has no passwords');
    return found;
  };
  const login = (mechanism: string) => ({
    THYME_KAFKA_SASL_MECHANISM: mechanism,
    THYME_KAFKA_USERNAME: secured().username,
    THYME_KAFKA_PASSWORD: secured().password,
  });
  const failure = async (variables: Readonly<Record<string, string>>): Promise<unknown> => open(variables).catch((error: unknown) => error);

  for (const mechanism of MECHANISMS) {
    it(`appends, commits and reads with ${mechanism}, in plain text and over TLS`, async () => {
      expect(await open({ THYME_KAFKA_BROKERS: secured().sasl, ...login(mechanism) })).to.equal('4 records');
      expect(await open({ THYME_KAFKA_BROKERS: secured().tls, THYME_KAFKA_SSL_CA: secured().caFile, ...login(mechanism) })).to.equal(
        '4 records',
      );
    });

    it(`says that a password for ${mechanism} is wrong, and does not tell which it was`, async () => {
      const error = await failure({ THYME_KAFKA_BROKERS: secured().sasl, ...login(mechanism), THYME_KAFKA_PASSWORD: 'guessed-one' });
      expect(error).to.include({ code: 'THYME_KAFKA_REFUSED', status: 'PERMISSION_DENIED' });
      expect(String(error)).to.contain(secured().sasl).and.to.contain('credentials').and.to.not.contain('guessed-one');
    });
  }

  it('says what is amiss when the listener speaks another way than it is spoken to', async () => {
    const noPassword = await failure({ THYME_KAFKA_BROKERS: secured().sasl });
    expect(noPassword).to.have.property('message').that.contains(secured().sasl).and.contains('THYME_KAFKA_SASL_MECHANISM');
    const noLogin = await failure({ THYME_KAFKA_BROKERS: kafka().brokers.join(','), ...login('plain') });
    expect(noLogin).to.include({ code: 'THYME_KAFKA_REFUSED' });
    const noTls = await failure({ THYME_KAFKA_BROKERS: secured().tls, ...login('plain') });
    expect(noTls).to.have.property('message').that.contains(secured().tls).and.contains('THYME_KAFKA_SSL');
  });

  it('appends, commits and reads with a certificate of its own', async () => {
    const { mutual, caFile, clientCertificateFile, clientKeyFile } = secured();
    expect(
      await open({
        THYME_KAFKA_BROKERS: mutual,
        THYME_KAFKA_SSL_CA: caFile,
        THYME_KAFKA_SSL_CERT: clientCertificateFile,
        THYME_KAFKA_SSL_KEY: clientKeyFile,
      }),
    ).to.equal('4 records');
  });

  it('says that a certificate is asked for, where it has none', async () => {
    const error = await failure({ THYME_KAFKA_BROKERS: secured().mutual, THYME_KAFKA_SSL_CA: secured().caFile });
    expect(error).to.include({ code: 'THYME_KAFKA_REFUSED', status: 'PERMISSION_DENIED' });
    expect(String(error)).to.contain(secured().mutual).and.to.contain('THYME_KAFKA_SSL_CERT');
  });

  it('trusts nobody whom no authority vouches for', async () => {
    const error = await failure({ THYME_KAFKA_BROKERS: secured().tls, THYME_KAFKA_SSL: 'on', ...login('plain') });
    expect(error).to.include({ code: 'THYME_KAFKA_UNTRUSTED', status: 'FAILED_PRECONDITION' });
    expect(String(error)).to.contain('THYME_KAFKA_SSL_CA');
  });
});
