import sdk, { type Connection } from 'snowflake-sdk';
import type { ContractSystem } from '../../services/ingest/testing/contract-system.js';
import { FaultyProxy } from '../../services/ingest/testing/faulty-proxy.js';
import type { WarehouseServer } from './warehouse-servers.js';

export const DATABASE = 'SHOP';
let tables = 0;

/** A session that writes, in a database that is there. */
export async function fakesnowSession({ port }: WarehouseServer): Promise<Connection> {
  sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false });
  const connection = sdk.createConnection({
    account: 'test',
    username: 'writer',
    password: 'none',
    accessUrl: `http://127.0.0.1:${port}`,
    database: DATABASE,
    schema: 'PUBLIC',
  });
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
  for (const sql of [
    `CREATE DATABASE IF NOT EXISTS ${DATABASE}`,
    `USE DATABASE ${DATABASE}`,
    'CREATE SCHEMA IF NOT EXISTS PUBLIC',
    'USE SCHEMA PUBLIC',
  ])
    await runSql(connection, sql);
  return connection;
}

export function runSql(connection: Connection, sqlText: string): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.execute({ sqlText, complete: (error) => (error ? reject(error) : resolve()) });
  });
}

export function endSession(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    connection.destroy(() => resolve());
  });
}

export function snowflakeConfig(port: number, table: string): Readonly<Record<string, string | { readonly secret: string }>> {
  const endpointUrl = `http://127.0.0.1:${port}`;
  return {
    table,
    account: 'test',
    user: 'reader',
    password: { secret: 'env:PASSWORD' },
    database: DATABASE,
    schema: 'public',
    endpointUrl,
  };
}

/** A table of its own, behind a line that can misbehave. */
export async function openSnowflakeSystem(server: WarehouseServer): Promise<ContractSystem> {
  const table = `rows_${tables++}`;
  const writer = await fakesnowSession(server);
  await runSql(writer, `CREATE TABLE ${table} (k VARCHAR, n NUMBER(38,0) PRIMARY KEY, "AT" TIMESTAMP_NTZ)`);
  const proxy = await FaultyProxy.open(server.port);
  const config = snowflakeConfig(proxy.port, table);
  return {
    connector: { module: new URL('../../libs/source/snowflake/snowflake-connector.js', import.meta.url), create: 'snowflakeConnector' },
    source: { connector: 'snowflake', config, cursor: 'at', everyUs: 200_000, cdc: 'append' },
    elsewhere: { ...config, table: `${table}_other` },
    variables: { PASSWORD: 'none' },
    async add(from, to) {
      await runSql(
        writer,
        `INSERT INTO ${table} SELECT 'k' || (n % 7)::VARCHAR, n, DATEADD(second, n, '2020-01-01'::TIMESTAMP_NTZ) FROM (SELECT ROW_NUMBER() OVER (ORDER BY 1) - 1 + ${from} AS n FROM TABLE(GENERATOR(ROWCOUNT => ${to - from})))`,
      );
    },
    faults: proxy.faults(),
    heal: () => proxy.heal(),
    async close() {
      await proxy.close();
      await endSession(writer);
    },
  };
}
