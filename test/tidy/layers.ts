// What may import what: read by test/tidy.test.ts.

/**
 * The folders of libs in groups, from the ground up. A folder may import the groups below its own and, of its own
 * group, the folders that stand before it: so no two folders can need each other.
 */
export const GROUPS: readonly { readonly name: string; readonly folders: readonly string[] }[] = [
  { name: 'ground floor', folders: ['errors', 'time', 'lifecycle', 'config', 'limits'] },
  { name: 'domain', folders: ['schema', 'codec', 'expression', 'definition', 'timeline', 'pipeline'] },
  { name: 'durable', folders: ['wire', 'store', 'log', 'change', 'erasure', 'feature', 'replica'] },
  { name: 'edges', folders: ['telemetry', 'rpc', 'rest', 'client', 'files', 'source', 'cli'] },
];

/** Generated messages: for those who send them or keep them. */
export const GENERATED_FOR: readonly string[] = ['durable', 'edges'];

/** Where the roles are put together, as processes and inside a test: the only places in services that know several of them. */
export const COMPOSITIONS: readonly string[] = ['services/program', 'services/testing'];

/** Each third-party library is imported in one place, or in the few that are listed; one that is not listed is imported nowhere. */
export const HOMES: ReadonlyMap<string, readonly string[]> = new Map([
  ['@bufbuild/protobuf', ['libs/source/kinesis/', 'libs/wire/', 'libs/replica/', 'libs/rpc/', 'libs/rest/', 'libs/cli/', 'services/']],
  ['@dagrejs/dagre', ['services/console/page/']],
  ['@grpc/grpc-js', ['libs/rpc/']],
  ['@opentelemetry/api', ['libs/telemetry/']],
  ['@aws-sdk/client-kinesis', ['libs/source/']],
  ['@aws-sdk/client-glue', ['libs/source/']],
  ['@aws-sdk/client-s3', ['libs/source/']],
  ['@aws-sdk/client-sts', ['libs/source/']],
  ['@google-cloud/bigquery', ['libs/source/']],
  ['@kafkajs/confluent-schema-registry', ['libs/source/']],
  ['acorn', ['libs/definition/']],
  ['apache-arrow', ['libs/rest/', 'libs/files/']],
  ['avsc', ['libs/source/']],
  ['csv-parse', ['libs/files/']],
  ['commander', ['libs/cli/']],
  ['esbuild', ['libs/definition/', 'services/console/']],
  ['fzstd', ['libs/files/']],
  ['hyparquet', ['libs/files/']],
  ['hyparquet-compressors', ['libs/files/', 'libs/source/']],
  ['hyparquet-writer', ['libs/files/']],
  ['iceberg-js', ['libs/source/']],
  ['kafkajs', ['libs/log/']],
  ['level', ['libs/store/']],
  ['pg', ['libs/source/']],
  ['pg-cursor', ['libs/source/']],
  ['postgres-array', ['libs/source/']],
  ['preact', ['services/console/page/']],
  ['snowflake-sdk', ['libs/source/']],
  ['tinyglobby', ['libs/source/']],
  ['tdigest', ['libs/telemetry/']],
  ['tsx', ['services/program/launch.js']],
]);

/** The domain has no clock and no I/O. What these files take from Node is neither: hashes, paths, a machine's order of bytes. */
export const PURE_BUT: ReadonlyMap<string, readonly string[]> = new Map([
  ['libs/definition/load-module.ts', ['node:crypto', 'node:path']],
  ['libs/definition/function-identities.ts', ['node:crypto']],
  ['libs/definition/evaluate-bundle.ts', ['node:module', 'node:vm']],
  ['libs/timeline/page-header.ts', ['node:os']],
]);

/** Those that a person or a tool starts by hand or by its own configuration, and that no other file names. */
export const ENTRY_POINTS: readonly string[] = ['eslint.config.js'];
