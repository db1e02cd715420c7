import { snowflakeConnector } from '../../../libs/source/snowflake/snowflake-connector.js';
import { endSession, fakesnowSession, runSql, snowflakeConfig } from '../../../test/peers/snowflake-system.js';
import { fakesnow } from '../../../test/peers/warehouse-servers.js';
import type { SourceKind } from './source-kind.js';

/** A table on fakesnow, which is a process of its own and what sets the pace; the official driver alone beside it. */
export const snowflakeKind: SourceKind = {
  goalRowsPerS: 2_000,
  rowsDefault: 100_000,
  connector: snowflakeConnector,
  async prepare(_folder, rows) {
    if (!fakesnow.isThere()) throw new Error(`bench:source -- snowflake needs ${fakesnow.what}`);
    const server = await fakesnow.start();
    const session = await fakesnowSession(server);
    await runSql(
      session,
      'CREATE TABLE orders (order_id NUMBER(38,0) PRIMARY KEY, user_id VARCHAR, amount FLOAT, ordered_at TIMESTAMP_NTZ)',
    );
    // Of the shape of source-rows.ts, made where they lie: the emulator takes a minute to parse as many as text.
    const append = (from: number, to: number): Promise<void> =>
      runSql(
        session,
        `INSERT INTO orders SELECT n, 'user_' || ((n * 7919) % 100000)::VARCHAR, ((n * 31) % 50000) / 100, DATEADD(millisecond, n, '2026-01-31 12:00:00'::TIMESTAMP_NTZ) FROM (SELECT ROW_NUMBER() OVER (ORDER BY 1) - 1 + ${from} AS n FROM TABLE(GENERATOR(ROWCOUNT => ${to - from})))`,
      );
    await append(0, rows);
    return {
      source: { config: snowflakeConfig(server.port, 'orders'), cursor: 'ordered_at' },
      variables: { PASSWORD: 'none' },
      bareReader: "the official driver's stream of rows, counted",
      readBare: () =>
        new Promise<number>((resolve, reject) => {
          session.execute({
            sqlText: 'SELECT * FROM orders ORDER BY ordered_at, order_id',
            streamResult: true,
            complete(error, statement) {
              if (error) {
                reject(error);
                return;
              }
              let count = 0;
              const stream = statement.streamRows();
              stream.on('data', () => count++);
              stream.on('error', reject);
              stream.on('end', () => resolve(count));
            },
          });
        }),
      append,
      async close() {
        await endSession(session);
        await server.stop();
      },
    };
  },
};
