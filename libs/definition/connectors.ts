import type { SourceDefinition } from './definitions.js';

/** What a commit knows of a connector: how it is read, what it cannot do without, what it may be told, what must be a secret. */
export interface ConnectorRules {
  /** A poll ends and is begun again after `every`; a stream goes on. */
  readonly mode: 'poll' | 'push';
  /** What to read: part of the definition, never of the environment. */
  readonly required: readonly string[];
  readonly optional: readonly string[];
  readonly secrets: readonly string[];
  /** `column`: rows are read in the order of a column that only grows. `none`: the system has an order of its own. */
  readonly cursor: 'column' | 'none';
  readonly cdc: readonly SourceDefinition['cdc'][];
}

const STREAM = { mode: 'push', cursor: 'none', cdc: ['append', 'upsert', 'debezium'] } as const;
const TABLE = { mode: 'poll', cursor: 'column', cdc: ['append', 'upsert'] } as const;
const OBJECTS = { mode: 'poll', cursor: 'none', cdc: ['append', 'upsert'] } as const;
const POSTGRES = ['host', 'port', 'database', 'user', 'schema', 'sslmode', 'sslrootcert'];
const SNOWFLAKE = ['account', 'database', 'warehouse', 'user', 'schema', 'role', 'endpointUrl'];
const SNOWFLAKE_SECRETS = ['privateKey', 'privateKeyPassphrase', 'password'];
const AWS_KEYS = ['accessKeyId', 'secretAccessKey', 'sessionToken'];

const known = new Map<string, ConnectorRules>([
  [
    'kafka',
    {
      ...STREAM,
      required: ['topic'],
      optional: [
        'brokers',
        'securityProtocol',
        'saslMechanism',
        'saslUsername',
        'sslCa',
        'sslCert',
        'sslKey',
        'format',
        'groupId',
        'schemaRegistryUrl',
        'schemaRegistryUsername',
      ],
      secrets: ['saslPassword', 'schemaRegistryPassword'],
    },
  ],
  [
    'kinesis',
    { ...STREAM, required: ['streamArn'], optional: ['region', 'endpointUrl', 'initPosition', 'format', 'roleArn'], secrets: AWS_KEYS },
  ],
  ['postgres', { ...TABLE, required: ['table'], optional: [...POSTGRES, 'key'], secrets: ['password'] }],
  [
    'iceberg',
    {
      ...OBJECTS, // its snapshots are its order
      required: ['table'],
      optional: ['catalog', 'database', 'warehouse', 'region', 'endpoint', 'pathStyle', 'oauthUrl', 'scope'],
      secrets: ['credential', 'token', ...AWS_KEYS],
    },
  ],
  [
    's3',
    { ...OBJECTS, required: ['bucket'], optional: ['prefix', 'region', 'endpoint', 'pathStyle', 'roleArn', 'lookBack'], secrets: AWS_KEYS },
  ],
  ['files', { ...OBJECTS, required: ['path'], optional: ['lookBack'], secrets: [] }],
  [
    'bigquery',
    {
      ...TABLE,
      required: ['datasetId', 'table'],
      optional: ['projectId', 'location', 'key', 'endpointUrl', 'maximumBytesBilled'],
      secrets: ['credentialsJson'],
    },
  ],
  ['snowflake', { ...TABLE, required: ['table'], optional: [...SNOWFLAKE, 'key'], secrets: SNOWFLAKE_SECRETS }],
]);

export const connectors: ReadonlyMap<string, ConnectorRules> = known;

/** Makes a connector known that is not part of Thyme. Throws RangeError where its name is taken. */
export function registerConnector(name: string, rules: ConnectorRules): void {
  if (known.has(name)) throw new RangeError(`a connector is called '${name}' already: give it another name`);
  known.set(name, rules);
}

/** A table of Postgres by its log: told by `mode: 'cdc'`. */
const POSTGRES_LOG: ConnectorRules = {
  ...STREAM,
  required: ['table', 'mode'],
  optional: [...POSTGRES, 'key', 'slot', 'publication'],
  secrets: ['password'],
  cdc: ['append', 'upsert'],
};

/** A table of Snowflake by its change tracking: told by `mode: 'changes'`. */
const SNOWFLAKE_CHANGES: ConnectorRules = {
  mode: 'poll',
  cursor: 'none', // its intervals are its order
  required: ['table', 'mode'],
  optional: SNOWFLAKE,
  secrets: SNOWFLAKE_SECRETS,
  cdc: ['upsert'],
};

/** The rules that a source is read by: its connector's, which may have several modes. Undefined for a connector that nobody knows. */
export function rulesOf({ connector, config }: Pick<SourceDefinition, 'connector' | 'config'>): ConnectorRules | undefined {
  if (config['mode'] === undefined) return connectors.get(connector);
  if (connector === 'postgres') return POSTGRES_LOG;
  return connector === 'snowflake' ? SNOWFLAKE_CHANGES : connectors.get(connector);
}
