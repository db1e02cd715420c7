import type { AuthConfig } from 'iceberg-js';
import { type ExactJson, parseExactJson } from '../../codec/exact-json.js';
import { importPeer } from '../import-peer.js';
import { SourceError } from '../source-error.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { icebergError } from './iceberg-error.js';
import { listOf, objectOf, textOf } from './metadata-json.js';
import { bearerTokens } from './oauth-tokens.js';
import type { LoadedTable, TableCatalog } from './loaded-table.js';
import { type LentAccess, TableFiles } from './table-files.js';
import { tableMetadataOf } from './table-metadata.js';

/** A catalog that gives no whole answer within it is asked again by the next poll. */
const ANSWER_TIMEOUT_MS = 60_000;
/** Joins the levels of a namespace in the parameter `database`. */
const LEVELS = '.';

/** By Iceberg's REST protocol. The keys that it lends for the table's files go before the definition's. */
export async function openRestCatalog(address: string, settings: SourceSettings): Promise<TableCatalog> {
  const { IcebergRestCatalog } = await importPeer('iceberg', 'iceberg-js@1', () => import('iceberg-js'));
  const warehouse = settings.parameters.get('warehouse');
  const namespace = textParameter(settings, 'database').split(LEVELS);
  const name = textParameter(settings, 'table');
  const tokens = await bearerTokens(address, settings);
  const auth: AuthConfig =
    tokens === undefined ? { type: 'none' } : { type: 'custom', getHeaders: async () => ({ authorization: `Bearer ${await tokens()}` }) };
  let signal = new AbortController().signal;
  let text = '';
  const catalog = new IcebergRestCatalog({
    baseUrl: address,
    auth,
    accessDelegation: ['vended-credentials'],
    ...(warehouse === undefined ? {} : { warehouse: String(warehouse) }),
    // Its answers go through JSON.parse, which makes other snapshot ids of those beyond 2^53: the text is kept beside (E3).
    fetch: async (...[input, init]: Parameters<typeof fetch>) => {
      const response = await fetch(input, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]) });
      text = await response.text();
      return new Response(response.status === 204 || response.status === 304 ? null : text, {
        status: response.status,
        headers: response.headers,
      });
    },
  });
  let files: TableFiles | undefined;
  let lentBefore = '';
  return {
    async load(asked): Promise<LoadedTable> {
      signal = asked;
      await catalog.loadTableResult({ namespace, name }).catch((error: unknown) => {
        throw restError(`${address} for ${namespace.join(LEVELS)}${LEVELS}${name}`, error, settings);
      });
      const answer = objectOf(parseExactJson(text), 'answer');
      const lent = lentAccess(answer);
      if (files === undefined || JSON.stringify(lent.map(entriesOf)) !== lentBefore) {
        await files?.close();
        files = new TableFiles(settings, lent);
        lentBefore = JSON.stringify(lent.map(entriesOf));
      }
      return { table: tableMetadataOf(answer['metadata']), files };
    },
    close: async () => files?.close(),
  };
}

/** What a catalog calls the parameters and secrets of a bucket. */
const PARAMETERS: readonly (readonly [string, string])[] = [
  ['s3.endpoint', 'endpoint'],
  ['client.region', 'region'],
  ['s3.region', 'region'],
  ['s3.path-style-access', 'pathStyle'],
];
const SECRETS: readonly (readonly [string, string])[] = [
  ['s3.access-key-id', 'accessKeyId'],
  ['s3.secret-access-key', 'secretAccessKey'],
  ['s3.session-token', 'sessionToken'],
];

/** Of the table's `config`, for all of its files; and of `storage-credentials`, by the beginning of locations. */
function lentAccess(answer: Readonly<Record<string, ExactJson | undefined>>): readonly LentAccess[] {
  const shared = answer['config'] === undefined ? {} : objectOf(answer['config'], 'config');
  const byPrefix = listOf(answer['storage-credentials'], 'storage-credentials').map((one) => {
    const credential = objectOf(one, 'storage-credentials');
    return { prefix: textOf(credential['prefix'], 'prefix'), config: { ...shared, ...objectOf(credential['config'], 'config') } };
  });
  return [{ prefix: '', config: shared }, ...byPrefix].map(({ prefix, config }) => ({
    prefix,
    parameters: named(PARAMETERS, config),
    secrets: named(SECRETS, config),
  }));
}

function named(
  names: readonly (readonly [string, string])[],
  config: Readonly<Record<string, ExactJson | undefined>>,
): ReadonlyMap<string, string> {
  return new Map(names.flatMap(([theirs, ours]) => (typeof config[theirs] === 'string' ? [[ours, config[theirs]] as const] : [])));
}

function entriesOf({ prefix, parameters, secrets }: LentAccess): unknown {
  return [prefix, [...parameters], [...secrets]];
}

/** In the catalog's own words. */
function restError(asked: string, error: unknown, settings: SourceSettings): unknown {
  if (error instanceof SourceError || !(error instanceof Error)) return error;
  const status = 'status' in error ? Number(error.status) : 0;
  const why = settings.redact(error.cause instanceof Error ? error.cause.message : error.message);
  if (status === 404) return icebergError('CATALOG', `asking ${asked} failed: there is no such table or namespace (${why})`, error);
  if (status === 401 || status === 403 || status === 400)
    return icebergError(
      'CATALOG',
      `asking ${asked} failed with ${status}: ${why}; look at 'token' or 'credential', and at the rights of whom they name`,
      error,
    );
  return new SourceError('retry', 'THYME_SOURCE_ICEBERG_CATALOG', `asking ${asked} failed: ${why}`, { cause: error });
}
