import type { ConfigValue } from './definitions.js';
import type { Secret } from './secret.js';

// `thyme/sources`: one constructor a connector. Each gives plain data; nothing connects before the
// ingest process reads it. What to read is required. Where it is, and as whom, may come from
// THYME_<TYPE>_<FIELD> of the ingest process instead.

/** `poll`: read in the order of a column. `objects`: files and snapshots, which have an order of their own. `push`: a stream. */
export type ConnectorMode = 'poll' | 'objects' | 'push';

/** A connector with its parameters, as plain data: what `@source` takes first. */
export interface Connector<out M extends ConnectorMode> {
  readonly connector: string;
  readonly mode: M;
  readonly config: Readonly<Record<string, ConfigValue>>;
}

/** A topic of Kafka. */
export interface KafkaOptions {
  readonly topic: string;
  readonly brokers?: string | readonly string[];
  readonly securityProtocol?: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  readonly saslMechanism?: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly saslUsername?: string;
  readonly saslPassword?: Secret;
  /** PEM files on the ingest process's machine: the authority that is trusted, and the client's own certificate and key. */
  readonly sslCa?: string;
  readonly sslCert?: string;
  readonly sslKey?: string;
  readonly format?: 'json' | 'avro' | 'protobuf';
  /** A consumer group in which it is noted how far the topic was read, for tools that show lag. */
  readonly groupId?: string;
  readonly schemaRegistryUrl?: string;
  readonly schemaRegistryUsername?: string;
  readonly schemaRegistryPassword?: Secret;
}

/** A stream of Kinesis. */
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

/** A table or view of Postgres, polled in the order of `cursor`. */
export interface PostgresOptions {
  readonly table: string;
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly password?: Secret;
  readonly schema?: string;
  readonly sslmode?: 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  /** A PEM file of the authority that is trusted, on the ingest process's machine. */
  readonly sslrootcert?: string;
  /** The columns that tell rows of one cursor value apart; the table's primary key unless said. */
  readonly key?: string | readonly string[];
}

/** The table's changes in the order of their commits, from the server's log (logical decoding). */
export interface PostgresLogOptions extends PostgresOptions {
  readonly mode: 'cdc';
  /** The replication slot; `thyme_<dataset>_v<version>` unless said. */
  readonly slot?: string;
  /** As the slot, unless said. */
  readonly publication?: string;
}

/** A table of Apache Iceberg, snapshot by snapshot. */
export interface IcebergOptions {
  readonly table: string;
  /** The address of a REST catalog, `glue`, or the place of a table's folder or metadata file. */
  readonly catalog?: string;
  /** The namespace; several levels are joined by points. */
  readonly database?: string;
  /** Of a REST catalog; of Glue the id of its catalog. */
  readonly warehouse?: string;
  /** Of Glue, and of the buckets that files lie in. */
  readonly region?: string;
  readonly endpoint?: string;
  readonly pathStyle?: boolean;
  /** OAuth2's client credentials, as `id:secret`; a token is asked for at `oauthUrl`, the catalog's own unless said. */
  readonly credential?: Secret;
  readonly oauthUrl?: string;
  readonly scope?: string;
  readonly token?: Secret;
  readonly accessKeyId?: Secret;
  readonly secretAccessKey?: Secret;
  readonly sessionToken?: Secret;
}

/** Objects of an S3 bucket: CSV, JSON lines, parquet and the others that files may be. */
export interface S3Options {
  readonly bucket: string;
  readonly prefix?: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly pathStyle?: boolean;
  /** As for files. */
  readonly lookBack?: number;
  readonly roleArn?: string;
  readonly accessKeyId?: Secret;
  readonly secretAccessKey?: Secret;
  readonly sessionToken?: Secret;
}

/** Files of the ingest process's machine. */
export interface FilesOptions {
  /** A path on the ingest process's machine, with `*`, `**`, `?`, `[a-z]` or `{a,b}` for several: `data/*.jsonl`. */
  readonly path: string;
  /** How many of the last files that were read are remembered by name: a file that sorts among them is still read when it comes late. */
  readonly lookBack?: number;
}

/** A table or view of BigQuery, polled in the order of `cursor`. */
export interface BigQueryOptions {
  /** `dataset`, or `project.dataset` where it lies in another project than the one that its queries run in. */
  readonly datasetId: string;
  readonly table: string;
  /** In which queries run, and are billed. */
  readonly projectId?: string;
  readonly location?: string;
  /** The columns that tell rows of one cursor value apart; the table's primary key unless said. */
  readonly key?: string | readonly string[];
  readonly endpointUrl?: string;
  /** A query that would be billed for more bytes fails, and costs nothing. */
  readonly maximumBytesBilled?: number;
  readonly credentialsJson?: Secret;
}

/** A table or view of Snowflake, polled in the order of `cursor`. */
export interface SnowflakeOptions {
  /** As SQL reads it: upper case unless it stands in double quotes; so database and schema. */
  readonly table: string;
  readonly account?: string;
  readonly database?: string;
  readonly warehouse?: string;
  readonly user?: string;
  readonly schema?: string;
  readonly role?: string;
  readonly endpointUrl?: string;
  /** As for BigQuery. */
  readonly key?: string | readonly string[];
  /** PEM, of the user's key pair. */
  readonly privateKey?: Secret;
  readonly privateKeyPassphrase?: Secret;
  /** Where there is no key. */
  readonly password?: Secret;
}

/** What change tracking notes of the table, by intervals: inserts, updates and deletes of rows by the dataset's `rowKey`. */
export interface SnowflakeChangesOptions extends Omit<SnowflakeOptions, 'key'> {
  readonly mode: 'changes';
}

/** Reads a topic of Kafka as it grows. */
export const kafka = (options: KafkaOptions): Connector<'push'> => connector('kafka', 'push', options);
/** Reads a stream of Kinesis as it grows. */
export const kinesis = (options: KinesisOptions): Connector<'push'> => connector('kinesis', 'push', options);
/** Polls a table or view of Postgres; with `mode: 'cdc'` follows the table's changes by the server's log. */
export function postgres(options: PostgresLogOptions): Connector<'push'>;
export function postgres(options: PostgresOptions): Connector<'poll'>;
export function postgres(options: PostgresOptions | PostgresLogOptions): Connector<'push'> | Connector<'poll'> {
  return 'mode' in options ? connector('postgres', 'push', options) : connector('postgres', 'poll', options);
}
/** Reads a table of Apache Iceberg, each snapshot once. */
export const iceberg = (options: IcebergOptions): Connector<'objects'> => connector('iceberg', 'objects', options);
/** Reads objects of a bucket, each once. */
export const s3 = (options: S3Options): Connector<'objects'> => connector('s3', 'objects', options);
/** Reads files of a folder, and what is appended to them, each row once. */
export const files = (options: FilesOptions): Connector<'objects'> => connector('files', 'objects', options);
/** Polls a table or view of BigQuery. */
export const bigquery = (options: BigQueryOptions): Connector<'poll'> => connector('bigquery', 'poll', options);
/** Polls a table or view of Snowflake; with `mode: 'changes'` takes what change tracking notes of a table. */
export function snowflake(options: SnowflakeChangesOptions): Connector<'objects'>;
export function snowflake(options: SnowflakeOptions): Connector<'poll'>;
export function snowflake(options: SnowflakeOptions | SnowflakeChangesOptions): Connector<'objects'> | Connector<'poll'> {
  return 'mode' in options ? connector('snowflake', 'objects', options) : connector('snowflake', 'poll', options);
}

/** A source of a connector that is not part of Thyme (docs/sources.md). */
export function connector<M extends ConnectorMode>(name: string, mode: M, options: object): Connector<M> {
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
