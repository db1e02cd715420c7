import { BigQuery } from '@google-cloud/bigquery';
import type { ContractSystem } from '../../services/ingest/testing/contract-system.js';
import { FaultyProxy } from '../../services/ingest/testing/faulty-proxy.js';
import type { WarehouseServer } from './warehouse-servers.js';

const DATASET = 'contract';
let tables = 0;

/** A client of the emulator, without credentials. */
export function emulatorClient(port: number): BigQuery {
  const client = new BigQuery({ projectId: 'p', apiEndpoint: `http://127.0.0.1:${port}` });
  client.authClient.authorizeRequest = (request) => Promise.resolve({ ...request, headers: new Headers() });
  return client;
}

/** A statement, to its end. */
export async function runSql(client: BigQuery, query: string): Promise<void> {
  const [job] = await client.createJob({ configuration: { query: { query, useLegacySql: false } } });
  await job.getQueryResults({ autoPaginate: false, skipParsing: true });
}

/** A dataset may be there already. */
export async function makeDataset(client: BigQuery, dataset: string): Promise<void> {
  const [isThere] = await client.dataset(dataset).exists();
  if (!isThere) await client.createDataset(dataset);
}

/** A table of its own, behind a line that can misbehave. */
export async function openBigQuerySystem(server: WarehouseServer): Promise<ContractSystem> {
  const table = `rows_${tables++}`;
  const client = emulatorClient(server.port);
  await makeDataset(client, DATASET);
  await runSql(client, `CREATE TABLE ${DATASET}.${table} (k STRING, n INT64, \`at\` TIMESTAMP)`);
  const proxy = await FaultyProxy.open(server.port);
  const config = { datasetId: DATASET, table, key: 'n', projectId: 'p', endpointUrl: `http://127.0.0.1:${proxy.port}` };
  return {
    connector: { module: new URL('../../libs/source/bigquery/bigquery-connector.js', import.meta.url), create: 'bigqueryConnector' },
    source: { connector: 'bigquery', config, cursor: 'at', everyUs: 200_000, cdc: 'append' },
    elsewhere: { ...config, table: `${table}_other` },
    async add(from, to) {
      await runSql(
        client,
        `INSERT INTO ${DATASET}.${table} SELECT CONCAT('k', CAST(MOD(n, 7) AS STRING)), n, TIMESTAMP_SECONDS(1577836800 + n) FROM UNNEST(GENERATE_ARRAY(${from}, ${to - 1})) AS n`,
      );
    },
    faults: proxy.faults(),
    heal: () => proxy.heal(),
    close: () => proxy.close(),
  };
}
