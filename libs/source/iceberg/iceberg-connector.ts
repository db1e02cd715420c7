// Tables of Apache Iceberg: `iceberg({ table: 'orders', catalog: 'http://catalog:8181' })`.
//
//   table-catalog.ts  - which metadata is the current one: a REST catalog, Glue, or a path
//   table-metadata.ts - what a table's metadata says; snapshot-walk.ts: the commits since the last one that was read
//   manifests.ts      - the files of a snapshot; snapshot-files.ts: those of all, and those of one commit
//   data-file.ts      - the rows of a file, by the ids of columns (value-readers.ts)
//   deletes.ts        - which rows are deleted; changed-rows.ts: what a commit that takes rows away means by key
//   table-reader.ts   - the reader; table-position.ts: how far it came
//   table-files.ts    - bytes of files: of a folder, a web server, a bucket
//
// Invariants:
//   E1. A snapshot never changes: whatever is read of it is the same when it is read again, in the order (sequence number, file, row).
//   E2. What cannot be told from the snapshots that are there (one was expired, the table was rolled back) stops the source.
//   E3. Snapshot ids are integers of 64 bits, and go through no double.
import type { Clock } from '../../time/clock.js';
import type { Connector, SourceTest } from '../connector.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { planColumns } from './column-plan.js';
import { stablePath } from './metadata-path.js';
import type { TableCatalog } from './loaded-table.js';
import { openCatalog } from './table-catalog.js';
import { TableReader } from './table-reader.js';

export function icebergConnector(clock: Pick<Clock, 'nowUs'>): Connector {
  return {
    name: 'iceberg',
    fingerprint: (settings) => {
      const { parameters } = settings;
      return JSON.stringify([
        'iceberg',
        stablePath(String(parameters.get('catalog') ?? '')),
        ...['warehouse', 'database', 'table'].map((name) => parameters.get(name) ?? null),
      ]);
    },
    async test(settings, signal) {
      const catalog = await openCatalog(settings);
      try {
        return await testTable(catalog, settings, clock, signal);
      } finally {
        await catalog.close();
      }
    },
    async open(settings) {
      return new TableReader(await openCatalog(settings), settings.dataset, clock);
    },
  };
}

async function testTable(
  catalog: TableCatalog,
  settings: SourceSettings,
  clock: Pick<Clock, 'nowUs'>,
  signal: AbortSignal,
): Promise<SourceTest> {
  const { table } = await catalog.load(signal);
  const snapshots = `${table.snapshots.size} snapshot${table.snapshots.size === 1 ? '' : 's'}`;
  const reached = {
    what: 'reached',
    ok: true,
    detail: `${textParameter(settings, 'table')} at ${table.location}: ${snapshots}, the current one is ${table.currentId ?? 'none'}`,
  };
  const columns = planColumns(settings.dataset, table);
  const ignored = table.fields.filter(({ id }) => !columns.some(({ column }) => column.id === id)).map(({ name }) => name);
  const steps = [
    reached,
    { what: 'columns', ok: true, detail: ignored.length === 0 ? 'all are there' : `all are there; ${ignored.join(', ')} are left out` },
  ];
  const reading = new AbortController();
  const reader = new TableReader(catalog, settings.dataset, clock);
  for await (const { rows } of reader.read(undefined, { rowsMax: 1, bytesMax: 1_048_576 }, AbortSignal.any([signal, reading.signal]))) {
    const [row] = rows;
    reading.abort();
    if (row !== undefined) return { steps: [...steps, { what: 'may read', ok: true, detail: row.place }], sample: row.input };
  }
  return { steps: [...steps, { what: 'may read', ok: true, detail: 'it has no rows yet' }] };
}
