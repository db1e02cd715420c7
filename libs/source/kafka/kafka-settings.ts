import { ThymeError } from '../../errors/errors.js';
import { createEnv } from '../../config/env.js';
import type { KafkaConnectOptions } from '../../log/kafka/driver.js';
import { readKafkaOptions } from '../../log/kafka/options.js';
import { SourceError } from '../source-error.js';
import { type SourceSettings, textParameter } from '../source-settings.js';

const CLIENT_ID = 'thyme-source';
const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;

/** The parameter behind each variable of the log's own settings (libs/log/kafka/options.ts), which read and check both. */
const PARAMETER_OF: Readonly<Record<string, string>> = {
  THYME_KAFKA_BROKERS: 'brokers',
  THYME_KAFKA_SASL_MECHANISM: 'saslMechanism',
  THYME_KAFKA_USERNAME: 'saslUsername',
  THYME_KAFKA_PASSWORD: 'saslPassword',
  THYME_KAFKA_SSL_CERT: 'sslCert',
  THYME_KAFKA_SSL_KEY: 'sslKey',
  THYME_KAFKA_SSL_CA: 'sslCa',
  THYME_KAFKA_SSL: 'securityProtocol',
};

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * How the cluster is reached. A source that names no brokers reads from the platform's own cluster, as the process's environment
 * says (THYME_KAFKA_*); one that does has settings of its own. Throws a SourceError that names the parameter.
 */
export async function kafkaOptionsOf(settings: SourceSettings, environment: Variables): Promise<KafkaConnectOptions> {
  const isOwn = settings.source.config['brokers'] === undefined;
  const given = await givenVariables(settings, isOwn);
  const own = isOwn ? Object.fromEntries(Object.keys(PARAMETER_OF).map((name) => [name, environment[name]])) : {};
  try {
    const options = readKafkaOptions(createEnv({ ...own, ...given }), CLIENT_ID);
    if (options !== undefined) return options;
  } catch (error) {
    if (!(error instanceof ThymeError)) throw error;
    throw wrong(settings, isOwn ? error.message : named(error.message), error);
  }
  textParameter(settings, 'brokers'); // refuses by name
  throw wrong(settings, 'brokers: name one at least');
}

/** What the definition says, and for the other parameters what THYME_KAFKA_<PARAMETER> says, in the words of the log's variables. */
async function givenVariables(settings: SourceSettings, isOwn: boolean): Promise<Variables> {
  const { parameters, source } = settings;
  const protocol = parameters.get('securityProtocol') ?? (isOwn ? undefined : 'PLAINTEXT');
  if (protocol !== undefined && !PROTOCOLS.some((known) => known === protocol))
    throw wrong(settings, `securityProtocol: '${String(protocol)}' is none of ${PROTOCOLS.join(', ')}`);
  const hasSasl = protocol === undefined || String(protocol).startsWith('SASL_');
  const hasTls = protocol === undefined || String(protocol).endsWith('SSL');
  for (const name of ['saslMechanism', 'saslUsername', 'saslPassword'])
    if (!hasSasl && source.config[name] !== undefined)
      throw wrong(settings, `${name} is given, and securityProtocol is ${String(protocol)}: use SASL_SSL or SASL_PLAINTEXT`);
  for (const name of ['sslCa', 'sslCert', 'sslKey'])
    if (!hasTls && source.config[name] !== undefined)
      throw wrong(settings, `${name} is given, and securityProtocol is ${String(protocol)}: use SSL or SASL_SSL`);
  const text = (name: string): string | undefined => parameters.get(name)?.toString();
  const mechanism = hasSasl ? text('saslMechanism')?.toLowerCase() : undefined;
  const values: Record<string, string | undefined> = {
    THYME_KAFKA_BROKERS: text('brokers'),
    THYME_KAFKA_SASL_MECHANISM: mechanism ?? (protocol !== undefined && hasSasl ? 'plain' : undefined),
    THYME_KAFKA_USERNAME: hasSasl ? text('saslUsername') : undefined,
    THYME_KAFKA_PASSWORD: hasSasl ? await settings.secret('saslPassword') : undefined,
    THYME_KAFKA_SSL: protocol === undefined ? undefined : hasTls ? 'on' : 'off',
    ...Object.fromEntries(['CA', 'CERT', 'KEY'].map((one) => [`THYME_KAFKA_SSL_${one}`, hasTls ? text(parameterOf(one)) : undefined])),
  };
  if (protocol === undefined) return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  return values;
}

/** `sslCa` for `CA`. */
function parameterOf(file: string): string {
  return `ssl${file[0] ?? ''}${file.slice(1).toLowerCase()}`;
}

function named(message: string): string {
  return Object.entries(PARAMETER_OF).reduce(
    (text, [variable, parameter]) => text.replaceAll(new RegExp(`${variable}(?![A-Z_])`, 'g'), parameter),
    message,
  );
}

function wrong(settings: SourceSettings, message: string, cause?: unknown): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_PARAMETER', `the kafka source of ${settings.source.dataset}: ${settings.redact(message)}`, {
    cause,
  });
}
