import { bigqueryConnector } from '../../../libs/source/bigquery/bigquery-connector.js';
import { emulatorClient, makeDataset, runSql } from '../../../test/peers/bigquery-system.js';
import { bqemulator } from '../../../test/peers/warehouse-servers.js';
import type { SourceKind } from './source-kind.js';

const DATASET = 'bench';
const PAGE_ROWS = 2_000;

/** A table on bqemulator, which is a process of its own and what sets the pace; the official client alone beside it. */
export const bigqueryKind: SourceKind = {
  goalRowsPerS: 1_000,
  rowsDefault: 100_000,
  connector: bigqueryConnector,
  async prepare(_folder, rows) {
    if (!bqemulator.isThere()) throw new Error(`bench:source -- bigquery needs ${bqemulator.what}`);
    const server = await bqemulator.start();
    const client = emulatorClient(server.port);
    await makeDataset(client, DATASET);
    await runSql(client, `CREATE TABLE ${DATASET}.orders (order_id INT64, user_id STRING, amount FLOAT64, ordered_at TIMESTAMP)`);
    // Of the shape of source-rows.ts, made where they lie: the emulator takes a minute to parse as many as text.
    const append = (from: number, to: number): Promise<void> =>
      runSql(
        client,
        `INSERT INTO ${DATASET}.orders SELECT n, CONCAT('user_', CAST(MOD(n * 7919, 100000) AS STRING)), MOD(n * 31, 50000) / 100, TIMESTAMP_MILLIS(1769860800000 + n) FROM UNNEST(GENERATE_ARRAY(${from}, ${to - 1})) AS n`,
      );
    await append(0, rows);
    return {
      source: {
        config: { datasetId: DATASET, table: 'orders', key: 'order_id', projectId: 'p', endpointUrl: `http://127.0.0.1:${server.port}` },
        cursor: 'ordered_at',
      },
      variables: {},
      bareReader: `the official client's pages of ${PAGE_ROWS}, their rows counted`,
      async readBare() {
        const query = `SELECT * FROM ${DATASET}.orders ORDER BY ordered_at, order_id`;
        const [job] = await client.createJob({ configuration: { query: { query, useLegacySql: false } } });
        let count = 0;
        let pageToken: string | undefined;
        do {
          const page = {
            autoPaginate: false,
            maxResults: PAGE_ROWS,
            wrapIntegers: true,
            ...(pageToken === undefined ? {} : { pageToken }),
          };
          const [found, , answer] = await job.getQueryResults(page);
          count += found.length;
          pageToken = (answer as { readonly pageToken?: string }).pageToken; // as the service's reference draws it
        } while (pageToken !== undefined);
        return count;
      },
      append,
      close: () => server.stop(),
    };
  },
};
