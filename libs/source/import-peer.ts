import { SourceError } from './source-error.js';

/**
 * A library that only those install who use the connector: imported when it is first used. `range` is what to install, where it
 * is not there.
 */
export async function importPeer<T>(connector: string, range: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause) || cause.code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new SourceError(
      'stop',
      'THYME_SOURCE_PEER_MISSING',
      `the ${connector} connector needs a library that is not installed where the ingest process runs: npm install ${range}, and resume the source`,
      { cause },
    );
  }
}
