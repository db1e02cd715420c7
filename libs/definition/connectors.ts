/** What a commit knows of a connector: how it is read, what it cannot do without, what must be a secret. */
export interface ConnectorRules {
  readonly mode: 'poll' | 'push';
  readonly required: readonly string[];
  readonly secrets: readonly string[];
}

export const connectors: ReadonlyMap<string, ConnectorRules> = new Map<string, ConnectorRules>([
  ['kafka', { mode: 'push', required: ['topic'], secrets: ['saslPassword', 'schemaRegistryPassword'] }],
  ['kinesis', { mode: 'push', required: ['streamArn'], secrets: ['accessKeyId', 'secretAccessKey', 'sessionToken'] }],
  ['postgres', { mode: 'poll', required: ['table'], secrets: ['password'] }],
  ['iceberg', { mode: 'poll', required: ['table'], secrets: ['credential', 'token', 'accessKeyId', 'secretAccessKey'] }],
  ['s3', { mode: 'poll', required: ['bucket'], secrets: ['accessKeyId', 'secretAccessKey', 'sessionToken'] }],
  ['bigquery', { mode: 'poll', required: ['datasetId', 'table'], secrets: ['credentialsJson'] }],
  ['snowflake', { mode: 'poll', required: ['table'], secrets: ['privateKey', 'privateKeyPassphrase'] }],
]);
