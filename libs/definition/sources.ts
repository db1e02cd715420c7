import type { ConfigValue } from './definitions.js';
import type { Secret } from './secret.js';

// `thyme/sources`: one constructor a connector. Each gives plain data; nothing connects before the
// ingest process reads it. What to read is required. Where it is, and as whom, may come from
// THYME_<TYPE>_<FIELD> of the ingest process instead.

export interface Connector<out M extends 'poll' | 'push'> {
  readonly connector: string;
  readonly mode: M;
  readonly config: Readonly<Record<string, ConfigValue>>;
}

export interface KafkaOptions {
  readonly topic: string;
  readonly brokers?: string | readonly string[];
  readonly securityProtocol?: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  readonly saslMechanism?: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly saslUsername?: string;
  readonly saslPassword?: Secret;
  readonly format?: 'json' | 'avro' | 'protobuf';
  readonly groupId?: string;
  readonly schemaRegistryUrl?: string;
  readonly schemaRegistryUsername?: string;
  readonly schemaRegistryPassword?: Secret;
}

export interface KinesisOptions {
  readonly streamArn: string;
  readonly region?: string;
  readonly endpointUrl?: string;
  readonly initPosition?: 'latest' | 'trim_horizon' | Date;
  readonly format?: 'json';
  readonly roleArn?: string;
  readonly accessKeyId?: Secret;
  readonly secretAccessKey?: Secret;
  readonly sessionToken?: Secret;
}

export interface PostgresOptions {
  readonly table: string;
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly password?: Secret;
  readonly schema?: string;
  readonly sslmode?: 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  /** The columns that tell rows of one cursor value apart; the table's primary key unless said. */
  readonly key?: string | readonly string[];
}

export interface IcebergOptions {
  readonly table: string;
  /** The address of a REST catalog, `glue`, or the path of a metadata file. */
  readonly catalog?: string;
  readonly database?: string;
  readonly warehouse?: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly credential?: Secret;
  readonly token?: Secret;
  readonly accessKeyId?: Secret;
  readonly secretAccessKey?: Secret;
}

export interface S3Options {
  readonly bucket: string;
  readonly prefix?: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly pathStyle?: boolean;
  readonly roleArn?: string;
  readonly accessKeyId?: Secret;
  readonly secretAccessKey?: Secret;
  readonly sessionToken?: Secret;
}

export interface BigQueryOptions {
  readonly datasetId: string;
  readonly table: string;
  readonly projectId?: string;
  readonly location?: string;
  readonly key?: string | readonly string[];
  readonly endpointUrl?: string;
  readonly credentialsJson?: Secret;
}

export interface SnowflakeOptions {
  readonly table: string;
  readonly account?: string;
  readonly database?: string;
  readonly warehouse?: string;
  readonly user?: string;
  readonly schema?: string;
  readonly role?: string;
  readonly endpointUrl?: string;
  readonly key?: string | readonly string[];
  readonly privateKey?: Secret;
  readonly privateKeyPassphrase?: Secret;
}

export const kafka = (options: KafkaOptions): Connector<'push'> => connector('kafka', 'push', options);
export const kinesis = (options: KinesisOptions): Connector<'push'> => connector('kinesis', 'push', options);
export const postgres = (options: PostgresOptions): Connector<'poll'> => connector('postgres', 'poll', options);
export const iceberg = (options: IcebergOptions): Connector<'poll'> => connector('iceberg', 'poll', options);
export const s3 = (options: S3Options): Connector<'poll'> => connector('s3', 'poll', options);
export const bigquery = (options: BigQueryOptions): Connector<'poll'> => connector('bigquery', 'poll', options);
export const snowflake = (options: SnowflakeOptions): Connector<'poll'> => connector('snowflake', 'poll', options);

function connector<M extends 'poll' | 'push'>(name: string, mode: M, options: object): Connector<M> {
  const config: Record<string, ConfigValue> = {};
  for (const [option, value] of Object.entries(options)) {
    const plain = configValue(value);
    if (plain !== undefined) config[option] = plain;
  }
  return { connector: name, mode, config };
}

/** Lists are joined by commas, as the environment variables write them. */
function configValue(value: unknown): ConfigValue | undefined {
  if (value === undefined || value === null || value === '') return undefined; // unset, so that the environment may say it
  if (Array.isArray(value)) return value.join(',');
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && 'secret' in value) return { secret: String(value.secret) };
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
}
