import { rm, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createEnv } from '../../libs/config/env.js';
import { failureOf, KafkaAnswerError, toThymeError } from '../../libs/log/kafka/errors.js';
import { readKafkaOptions } from '../../libs/log/kafka/options.js';

describe('the options of Kafka', () => {
  const read = (variables: Readonly<Record<string, string>>) => readKafkaOptions(createEnv(variables), 'c');

  it('are none without brokers, and name each variable that is wrong', async () => {
    expect(read({})).to.equal(undefined);
    expect(read({ THYME_KAFKA_BROKERS: 'a:1, [::1]:2' })).to.deep.equal({ brokers: ['a:1', '[::1]:2'], clientId: 'c' });
    expect(read({ THYME_KAFKA_BROKERS: 'a:1', THYME_KAFKA_SSL: 'yes' })).to.deep.equal({ brokers: ['a:1'], clientId: 'c', ssl: true });
    for (const broker of ['a', ':1', 'a:', 'a:0', 'a:65536', 'a:x', 'http://a:1', 'a b:1'])
      expect(() => read({ THYME_KAFKA_BROKERS: broker }), broker).to.throw('THYME_KAFKA_BROKERS');
    const wrong: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      ['THYME_KAFKA_SASL_MECHANISM', { THYME_KAFKA_SASL_MECHANISM: 'kerberos' }],
      ['THYME_KAFKA_SASL_MECHANISM', { THYME_KAFKA_PASSWORD: 'x' }],
      ['THYME_KAFKA_USERNAME', { THYME_KAFKA_SASL_MECHANISM: 'plain' }],
      ['THYME_KAFKA_PASSWORD', { THYME_KAFKA_SASL_MECHANISM: 'plain', THYME_KAFKA_USERNAME: 'x' }],
      ['THYME_KAFKA_SSL_CA', { THYME_KAFKA_SSL_CA: '/nowhere/ca.pem' }],
      ['THYME_KAFKA_SSL', { THYME_KAFKA_SSL: 'off', THYME_KAFKA_SSL_CA: '/nowhere/ca.pem' }],
      ['THYME_KAFKA_SSL_CERT', { THYME_KAFKA_SSL_KEY: '/nowhere/key.pem' }],
      ['THYME_KAFKA_SSL_KEY', { THYME_KAFKA_SSL_CERT: '/nowhere/cert.pem' }],
    ];
    for (const [variable, variables] of wrong)
      expect(() => read({ THYME_KAFKA_BROKERS: 'a:1', ...variables }), JSON.stringify(variables)).to.throw(`${variable}: `);
    const folder = await mkdtemp(join(tmpdir(), 'thyme-options-'));
    try {
      await writeFile(join(folder, 'ca.pem'), 'no certificate');
      expect(() => read({ THYME_KAFKA_BROKERS: 'a:1', THYME_KAFKA_SSL_CA: join(folder, 'ca.pem') })).to.throw(
        'THYME_KAFKA_SSL_CA: holds no certificate',
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the failures of Kafka', () => {
  it('are told apart by what helps against them', () => {
    const expected: Readonly<Record<string, readonly number[]>> = {
      stale: [3, 5, 6, 14, 15, 16],
      busy: [7, 19, 51],
      fenced: [47, 49, 90],
      refused: [29, 53, 58],
      unsupported: [35],
      other: [-1, 2, 10, 45, 48, 59, 87, 999],
    };
    for (const [kind, codes] of Object.entries(expected)) {
      for (const code of codes) expect(failureOf(new KafkaAnswerError(code, 'x')), String(code)).to.equal(kind);
    }
    expect([failureOf(new Error('x')), failureOf('x'), failureOf(undefined)]).to.deep.equal(['other', 'other', 'other']);
  });

  it('keep the code of an error that is ours already, and name the brokers in others', () => {
    const own = toThymeError(new KafkaAnswerError(29, 'topic t'), ['a:1', 'b:2']);
    expect(own).to.include({ code: 'THYME_KAFKA_REFUSED', status: 'PERMISSION_DENIED' });
    expect(own.message).to.contain('a:1,b:2').and.to.contain('topic t').and.to.contain('access rules');
    expect(toThymeError(own, ['c:3'])).to.equal(own);
  });
});
