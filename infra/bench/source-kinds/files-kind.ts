import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { filesConnector } from '../../../libs/source/files/files-connector.js';
import { orderLines } from '../source-rows.js';
import { countLines, type SourceKind } from './source-kind.js';

const ROWS_PER_FILE = 100_000;

/** JSONL files of a folder, of 100,000 rows each. */
export const filesKind: SourceKind = {
  goalRowsPerS: 40_000,
  rowsDefault: 1_000_000,
  connector: filesConnector,
  async prepare(parent, rows) {
    const folder = join(parent, 'rows');
    await mkdir(folder);
    let files = 0;
    const append = async (from: number, to: number): Promise<void> => {
      const path = join(folder, `${String(files++).padStart(8, '0')}.jsonl`);
      await writeFile(`${path}.part`, orderLines(from, to));
      await rename(`${path}.part`, path);
    };
    for (let from = 0; from < rows; from += ROWS_PER_FILE) await append(from, Math.min(rows, from + ROWS_PER_FILE));
    return {
      source: { config: { path: join(folder, '*.jsonl') } },
      variables: {},
      bareReader: 'a stream of each file, its lines counted',
      async readBare() {
        let lines = 0;
        for (const name of await readdir(folder)) lines += await countLines(createReadStream(join(folder, name)));
        return lines;
      },
      append,
      close: () => Promise.resolve(),
    };
  },
};
