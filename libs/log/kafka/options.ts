import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { SASLOptions } from 'kafkajs';
import { configError, type Env } from '../../config/env.js';
import { parseCertificate, readPem } from '../../config/tls-files.js';
import type { KafkaConnectOptions } from './driver.js';

const MECHANISMS = ['none', 'plain', 'scram-sha-256', 'scram-sha-512'] as const;
/** More bootstrap addresses than a cluster needs: the rest is learned from the first that answers. */
const BROKERS_MAX = 64;

/**
 * How Kafka is reached, from the environment; undefined where no brokers are named. Files are read once.
 *
 *   THYME_KAFKA_BROKERS                       host:port, comma-separated
 *   THYME_KAFKA_SASL_MECHANISM                none (default), plain, scram-sha-256 or scram-sha-512
 *   THYME_KAFKA_USERNAME, THYME_KAFKA_PASSWORD   with a mechanism
 *   THYME_KAFKA_SSL                           on: TLS with the system's authorities
 *   THYME_KAFKA_SSL_CA                        TLS with the authorities of this PEM file
 *   THYME_KAFKA_SSL_CERT, THYME_KAFKA_SSL_KEY    the client's own certificate and key, PEM files
 */
export function readKafkaOptions(env: Env, clientId: string): KafkaConnectOptions | undefined {
  const brokers = env.list('THYME_KAFKA_BROKERS');
  if (brokers.length === 0) return undefined;
  if (brokers.length > BROKERS_MAX)
    throw configError('THYME_KAFKA_BROKERS', `${brokers.length} addresses: name ${BROKERS_MAX} at most, the rest is learned from them`);
  for (const broker of brokers) checkAddress(broker);
  const sasl = readSasl(env);
  const ssl = readSsl(env);
  return { brokers, clientId, ...(sasl === undefined ? {} : { sasl }), ...(ssl === undefined ? {} : { ssl }) };
}

function checkAddress(address: string): void {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at);
  const port = address.slice(at + 1);
  const isHost = /^[A-Za-z0-9._-]+$/.test(host) || isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0;
  if (at < 1 || !isHost || !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw configError('THYME_KAFKA_BROKERS', `'${address.slice(0, 128)}' is not host:port, as in kafka-1:9092,kafka-2:9092`);
  }
}

function readSasl(env: Env): SASLOptions | undefined {
  const mechanism = env.oneOf('THYME_KAFKA_SASL_MECHANISM', MECHANISMS, { fallback: 'none' });
  if (mechanism !== 'none')
    return { mechanism, username: env.required('THYME_KAFKA_USERNAME'), password: env.required('THYME_KAFKA_PASSWORD') };
  // Somebody who gives a password expects it to be asked for.
  for (const name of ['THYME_KAFKA_USERNAME', 'THYME_KAFKA_PASSWORD']) {
    if (env.optional(name) !== undefined)
      throw configError('THYME_KAFKA_SASL_MECHANISM', `must be set beside ${name}: one of ${MECHANISMS.slice(1).join(', ')}`);
  }
  return undefined;
}

function readSsl(env: Env): true | ConnectionOptions | undefined {
  const [caFile, certFile, keyFile] = ['THYME_KAFKA_SSL_CA', 'THYME_KAFKA_SSL_CERT', 'THYME_KAFKA_SSL_KEY'].map((name) =>
    env.optional(name),
  );
  const files = caFile !== undefined || certFile !== undefined || keyFile !== undefined;
  const wanted = env.boolean('THYME_KAFKA_SSL', { fallback: files });
  if (!wanted && files) throw configError('THYME_KAFKA_SSL', 'is off, and files of certificates are named: unset one or the other');
  if (!wanted) return undefined;
  const authorities = caFile === undefined ? {} : { ca: readCertificate('THYME_KAFKA_SSL_CA', caFile) };
  if (certFile === undefined && keyFile === undefined) return caFile === undefined ? true : authorities;
  if (certFile === undefined)
    throw configError('THYME_KAFKA_SSL_CERT', 'must be set beside THYME_KAFKA_SSL_KEY: the PEM file of its certificate');
  if (keyFile === undefined)
    throw configError('THYME_KAFKA_SSL_KEY', 'must be set beside THYME_KAFKA_SSL_CERT: the PEM file of its private key');
  return {
    ...authorities,
    cert: readCertificate('THYME_KAFKA_SSL_CERT', certFile),
    key: Buffer.from(readPem('THYME_KAFKA_SSL_KEY', keyFile)),
  };
}

function readCertificate(variable: string, file: string): Buffer {
  const pem = readPem(variable, file);
  parseCertificate(variable, pem);
  return Buffer.from(pem);
}
