import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contractRow, type ContractSystem } from '../../services/ingest/testing/contract-system.js';

/** A folder, into which each `add` puts one file. It has no line that could be slow; a file that breaks off has tests of its own. */
export async function openFilesSystem(): Promise<ContractSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'thyme-contract-files-'));
  const config = { path: `${folder}/*.ndjson` };
  return {
    connector: { module: new URL('../../libs/source/files/files-connector.js', import.meta.url), create: 'filesConnector' },
    source: { connector: 'files', config, everyUs: 200_000, cdc: 'append' },
    elsewhere: { path: `${folder}/*.csv` },
    async add(from, to) {
      const lines = Array.from({ length: to - from }, (_, i) => `${JSON.stringify(contractRow(from + i))}\n`);
      const hidden = join(folder, '.next');
      await writeFile(hidden, lines.join(''));
      await utimes(hidden, 1e9, 1e9); // long ago: it is whole, and need not be waited for
      await rename(hidden, join(folder, `${String(from).padStart(9, '0')}.ndjson`));
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
