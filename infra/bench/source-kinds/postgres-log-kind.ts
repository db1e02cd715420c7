import { postgresConnector } from '../../../libs/source/postgres/postgres-connector.js';
import { startPostgres } from '../../../test/support/postgres.js';
import { orderRows } from '../source-rows.js';
import type { SourceKind } from './source-kind.js';

/** Rows of one transaction. */
const ROWS_PER_INSERT = 1_000;
const PUBLICATION = 'bench';

/** What is committed to a table while its source is away, read out of the server's log; the server's own decoding beside it. */
export const postgresLogKind: SourceKind = {
  goalRowsPerS: 15_000,
  rowsDefault: 300_000,
  isPrimed: true,
  dataset: { cdc: { mode: 'upsert', rowKey: ['order_id'] } },
  connector: postgresConnector,
  async prepare() {
    const server = await startPostgres({ settings: ['wal_level=logical'] });
    const { client, port } = server;
    await client.query('create table orders (order_id bigint primary key, user_id text, amount float8, ordered_at timestamptz)');
    await client.query(`create publication ${PUBLICATION} for table orders with (publish_via_partition_root = true)`);
    await client.query("select pg_create_logical_replication_slot('bare', 'pgoutput')");
    return {
      source: {
        config: {
          table: 'orders',
          mode: 'cdc',
          publication: PUBLICATION,
          host: '127.0.0.1',
          port,
          database: 'postgres',
          user: 'thyme',
          sslmode: 'disable',
        },
      },
      variables: {},
      bareReader: "the server's own decoding, its inserts counted there",
      async readBare() {
        const changes = `pg_logical_slot_peek_binary_changes('bare', null, null, 'proto_version', '1', 'publication_names', '${PUBLICATION}')`;
        const { rows } = await client.query<{ readonly n: string }>(
          `select count(*) n from ${changes} where get_byte(data, 0) = ascii('I')`,
        );
        return Number(rows[0]?.n);
      },
      async append(from, to) {
        for (let start = from; start < to; start += ROWS_PER_INSERT) {
          const batch = [...orderRows(start, Math.min(to, start + ROWS_PER_INSERT))];
          await client.query('insert into orders select * from json_populate_recordset(null::orders, $1::json)', [JSON.stringify(batch)]);
        }
      },
      close: () => server.stop(),
    };
  },
};
