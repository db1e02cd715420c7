import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { postgresConnector } from '../../../libs/source/postgres/postgres-connector.js';
import { postgresPrograms, startPostgres } from '../../../test/support/postgres.js';
import { orderRows } from '../source-rows.js';
import { countLines, type SourceKind } from './source-kind.js';

const ROWS_PER_INSERT = 10_000;

/** A table with a primary key, polled by a timestamp; psql's COPY beside it, whose CPU is not this process's. */
export const postgresKind: SourceKind = {
  goalRowsPerS: 30_000,
  rowsDefault: 1_000_000,
  connector: postgresConnector,
  async prepare(_folder, rows) {
    const server = await startPostgres();
    const { client, port } = server;
    await client.query('create table orders (order_id bigint primary key, user_id text, amount float8, ordered_at timestamptz)');
    await client.query('create index on orders (ordered_at, order_id)');
    const append = async (from: number, to: number): Promise<void> => {
      for (let start = from; start < to; start += ROWS_PER_INSERT) {
        const batch = [...orderRows(start, Math.min(to, start + ROWS_PER_INSERT))];
        await client.query('insert into orders select * from json_populate_recordset(null::orders, $1::json)', [JSON.stringify(batch)]);
      }
    };
    await append(0, rows);
    await client.query('vacuum analyze orders');
    return {
      source: {
        config: { table: 'orders', host: '127.0.0.1', port, database: 'postgres', user: 'thyme', sslmode: 'disable' },
        cursor: 'ordered_at',
      },
      variables: {},
      bareReader: "psql's COPY … TO STDOUT, its lines counted",
      async readBare() {
        const copy = 'copy (select * from orders order by ordered_at, order_id) to stdout';
        const psql = spawn(
          join(postgresPrograms() ?? '', 'psql'),
          ['-h', '127.0.0.1', '-p', String(port), '-U', 'thyme', '-c', copy, 'postgres'],
          { stdio: ['ignore', 'pipe', 'inherit'] },
        );
        const ended = once(psql, 'close');
        const lines = await countLines(psql.stdout);
        await ended;
        return lines;
      },
      append,
      close: () => server.stop(),
    };
  },
};
