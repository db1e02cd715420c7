import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openRows } from '../../../libs/files/open-rows.js';
import { icebergConnector } from '../../../libs/source/iceberg/iceberg-connector.js';
import { hasPyIceberg, PyIceberg, pyicebergWhat } from '../../../test/support/pyiceberg.js';
import type { SourceKind } from './source-kind.js';

const ROWS_PER_COMMIT = 250_000;

/** A table of parquet files (zstd) of 250,000 rows each in a folder, as pyiceberg writes it. */
export const icebergKind: SourceKind = {
  goalRowsPerS: 30_000,
  rowsDefault: 1_000_000,
  connector: icebergConnector,
  async prepare(folder, rows) {
    if (!hasPyIceberg()) throw new Error(`bench:source -- iceberg needs ${pyicebergWhat}`);
    const python = PyIceberg.start();
    const location = String(
      await python.run(`
import datetime, random
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
cat = SqlCatalog('c', uri='sqlite:///${folder}/catalog.db', warehouse='file://${folder}')
cat.create_namespace('db')
ARROW = pa.schema([('order_id', pa.int64()), ('user_id', pa.string()), ('amount', pa.float64()), ('ordered_at', pa.timestamp('us', 'UTC'))])
t = cat.create_table('db.orders', schema=ARROW)
START_US = 1_769_860_800_000_000
def add(a, b):
    draw = random.Random(a)
    t.append(pa.table({'order_id': range(a, b), 'user_id': [f'user_{draw.randrange(100_000)}' for _ in range(a, b)], 'amount': [draw.randrange(50_000) / 100 for _ in range(a, b)],
        'ordered_at': pa.array([START_US + i * 1000 for i in range(a, b)], pa.int64()).cast(pa.timestamp('us', 'UTC'))}, schema=ARROW))
result = t.location()`),
    );
    const append = async (from: number, to: number): Promise<void> => {
      await python.run(`add(${from}, ${to})`);
    };
    for (let from = 0; from < rows; from += ROWS_PER_COMMIT) await append(from, Math.min(rows, from + ROWS_PER_COMMIT));
    return {
      source: { config: { table: 'orders', catalog: location } },
      variables: {},
      bareReader: 'the rows of each parquet file, by hyparquet',
      async readBare() {
        const data = join(location.replace('file://', ''), 'data');
        let count = 0;
        for (const name of await readdir(data))
          for await (const row of (await openRows(join(data, name))).rows()) count += row.kind === 'row' ? 1 : 0;
        return count;
      },
      append,
      close: () => python.stop(),
    };
  },
};
