import { importPeer } from '../import-peer.js';
import { SourceError } from '../source-error.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { icebergError } from './iceberg-error.js';
import { readMetadataFile } from './metadata-path.js';
import type { TableCatalog } from './loaded-table.js';
import { TableFiles } from './table-files.js';

const ATTEMPTS_MAX = 3;
const CONNECTION_TIMEOUT_MS = 5_000;
const SILENCE_TIMEOUT_MS = 30_000;
/** What a person has to mend. */
const LASTING = new Set([
  'AccessDeniedException',
  'EntityNotFoundException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'CredentialsProviderError',
]);

/** The Data Catalog of AWS Glue: its table says where the current metadata lies. */
export async function openGlueCatalog(settings: SourceSettings): Promise<TableCatalog> {
  const sdk = await importPeer('iceberg', '@aws-sdk/client-glue@3', () => import('@aws-sdk/client-glue'));
  const { parameters } = settings;
  const [database, table] = [textParameter(settings, 'database'), textParameter(settings, 'table')];
  const keys = await keysOf(settings);
  const [region, endpoint] = [
    parameters.get('region') ?? (parameters.has('endpoint') ? 'us-east-1' : undefined),
    parameters.get('endpoint'),
  ];
  const client = new sdk.GlueClient({
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, socketTimeout: SILENCE_TIMEOUT_MS },
    ...(region === undefined ? {} : { region: String(region) }),
    ...(endpoint === undefined ? {} : { endpoint: String(endpoint) }),
    ...(keys === undefined ? {} : { credentials: keys }),
  });
  const files = new TableFiles(settings);
  const catalogId = parameters.get('warehouse');
  return {
    async load(signal) {
      const command = new sdk.GetTableCommand({
        DatabaseName: database,
        Name: table,
        ...(catalogId === undefined ? {} : { CatalogId: String(catalogId) }),
      });
      const answer = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
        throw glueError(`${database}.${table}`, error);
      });
      const location = answer.Table?.Parameters?.['metadata_location'];
      if (location === undefined)
        throw icebergError('CATALOG', `${database}.${table} of Glue is no table of Iceberg: it has no metadata_location`);
      return { table: await readMetadataFile(location, files, signal), files };
    },
    async close() {
      client.destroy();
      await files.close();
    },
  };
}

async function keysOf(
  settings: SourceSettings,
): Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string } | undefined> {
  const [accessKeyId, secretAccessKey, sessionToken] = [
    await settings.secret('accessKeyId'),
    await settings.secret('secretAccessKey'),
    await settings.secret('sessionToken'),
  ];
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined; // whatever the SDK finds by itself
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function glueError(name: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return new SourceError(
    LASTING.has(error.name) ? 'stop' : 'retry',
    'THYME_SOURCE_ICEBERG_CATALOG',
    `asking Glue for ${name} failed: ${error.name}: ${error.message}`,
    { cause: error },
  );
}
