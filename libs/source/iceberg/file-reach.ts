import { isLoopback } from '../../config/listen-address.js';
import { icebergError } from './iceberg-error.js';

/** What the parameter `catalog` says for AWS Glue. */
export const CATALOG_GLUE = 'glue';

/**
 * Refuses places that a table of this catalog has no business to name. Its metadata says where its files lie, and whoever writes the
 * table writes that: else a table far away could have this machine's own files read as rows, or ask addresses inside of its network.
 * Files of this machine are for catalogs on this machine, and web servers for catalogs on the same host; buckets ask for rights by
 * themselves.
 */
export function checkReach(location: string, scheme: string, catalog: string): void {
  const host = hostOf(catalog);
  const isHere = isFolder(catalog) || isLoopback(host);
  if (scheme === 'file' && !isHere) throw outOfReach(location, catalog, 'on the machine of the ingest process');
  const isOfServer = scheme === 'http' || scheme === 'https';
  if (isOfServer && hostOf(location) !== host && !(isHere && isLoopback(hostOf(location))))
    throw outOfReach(location, catalog, 'on a host that the catalog is not on');
}

/** A path of this machine; `s3://…` is none, and neither is Glue. */
function isFolder(catalog: string): boolean {
  return catalog !== CATALOG_GLUE && (!/^[a-z][a-z0-9+.-]*:/i.test(catalog) || /^file:/i.test(catalog));
}

/** Of an address of a web server; empty for any other place. */
function hostOf(place: string): string {
  return /^https?:/i.test(place) && URL.canParse(place) ? new URL(place).hostname.replace(/^\[|\]$/g, '') : '';
}

function outOfReach(location: string, catalog: string, where: string): Error {
  return icebergError(
    'UNSUPPORTED',
    `${location} lies ${where}, where a table of ${catalog} has no files to be read: put them into a bucket, or name the table by a path there`,
  );
}
