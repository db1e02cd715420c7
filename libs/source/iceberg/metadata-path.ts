import { readdir } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { type ExactJson, parseExactJson } from '../../codec/exact-json.js';
import { SourceError } from '../source-error.js';
import type { SourceSettings } from '../source-settings.js';
import { pathOf } from './folder-files.js';
import { icebergError } from './iceberg-error.js';
import type { TableCatalog } from './loaded-table.js';
import { TableFiles } from './table-files.js';
import { type TableMetadata, tableMetadataOf } from './table-metadata.js';

const METADATA_FILE = /\.metadata\.json$|\.gz\.metadata\.json$|\.metadata\.json\.gz$/;
const HINT_FILE = 'version-hint.text';
/** What metadata may be decompressed to. */
const TEXT_BYTES_MAX = 512 * 1024 * 1024;

/** Every catalog that is no address; and addresses of a metadata file, or of a hint that names one. */
export function isMetadataPath(catalog: string): boolean {
  return !/^https?:/.test(catalog) || METADATA_FILE.test(catalog) || catalog.endsWith(`/${HINT_FILE}`);
}

/** The path without what changes with each commit: what a position belongs to. */
export function stablePath(catalog: string): string {
  return METADATA_FILE.test(catalog) || catalog.endsWith(`/${HINT_FILE}`)
    ? catalog.replace(/\/(metadata\/)?[^/]*$/, '')
    : catalog.replace(/\/+$/, '');
}

/**
 * A table without a catalog: its metadata file, or its folder. In a folder, `metadata/version-hint.text` says which version is the
 * current one; without it, in a folder of this machine, it is the metadata file with the highest number.
 */
export function openMetadataPath(catalog: string, settings: SourceSettings): TableCatalog {
  const files = new TableFiles(settings);
  return {
    load: async (signal) => ({ table: await readMetadataFile(await currentFile(catalog, files, signal), files, signal), files }),
    close: () => files.close(),
  };
}

/** Not every writer of files puts one there whole: what cannot be read to its end is read again. */
export async function readMetadataFile(location: string, files: TableFiles, signal: AbortSignal): Promise<TableMetadata> {
  const bytes = await files.readWhole(location, signal);
  let json: ExactJson;
  try {
    json = parseExactJson(textOf(bytes));
  } catch (cause) {
    throw new SourceError('retry', 'THYME_SOURCE_ICEBERG_FILE', `${location} is no whole file of metadata; it may still be written`, {
      cause,
    });
  }
  return tableMetadataOf(json);
}

function textOf(bytes: Uint8Array): string {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return Buffer.from(isGzip ? gunzipSync(bytes, { maxOutputLength: TEXT_BYTES_MAX }) : bytes).toString();
}

async function currentFile(catalog: string, files: TableFiles, signal: AbortSignal): Promise<string> {
  if (METADATA_FILE.test(catalog)) return catalog;
  const folder = catalog.endsWith(`/${HINT_FILE}`) ? catalog.slice(0, -HINT_FILE.length - 1) : `${catalog.replace(/\/+$/, '')}/metadata`;
  if (!/^[a-z][a-z0-9+.-]*:/i.test(folder) || folder.startsWith('file:')) {
    const names = await readdir(pathOf(folder)).catch((cause: unknown) => {
      throw icebergError('CATALOG', `${catalog} is no folder of an Iceberg table: ${pathOf(folder)} cannot be listed`, cause);
    });
    if (!names.includes(HINT_FILE)) return `${folder}/${newestOf(names, folder)}`;
  }
  const hint = (await files.readText(`${folder}/${HINT_FILE}`, signal)).trim();
  return `${folder}/${/^\d+$/.test(hint) ? `v${hint}` : hint}${METADATA_FILE.test(hint) ? '' : '.metadata.json'}`;
}

/** Two of one number are two writers' attempts at one version: only a catalog knows which of them holds. */
function newestOf(names: readonly string[], folder: string): string {
  const versions = names
    .filter((name) => METADATA_FILE.test(name))
    .map((name) => ({ name, version: Number(/^v?(\d+)/.exec(name)?.[1] ?? -1) }));
  const newest = Math.max(...versions.map(({ version }) => version));
  const [found, other] = versions.filter(({ version }) => version === newest);
  if (found === undefined) throw icebergError('CATALOG', `there is no metadata file in ${folder}`);
  if (other !== undefined)
    throw icebergError(
      'CATALOG',
      `${found.name} and ${other.name} in ${folder} are of one version: name the catalog of the table, or the metadata file that holds`,
    );
  return found.name;
}
