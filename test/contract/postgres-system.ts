import type { ContractSystem } from '../../services/ingest/testing/contract-system.js';
import { FaultyProxy } from '../../services/ingest/testing/faulty-proxy.js';
import { eventually } from '../support/eventually.js';
import type { Postgres } from '../support/postgres.js';

let tables = 0;

/** A table of its own, behind a line that can misbehave. */
export async function openTableSystem(postgres: Postgres): Promise<ContractSystem> {
  const table = `contract_${tables++}`;
  const proxy = await FaultyProxy.open(postgres.port);
  await postgres.client.query(`CREATE TABLE ${table} (k text, n bigint PRIMARY KEY, at timestamptz)`);
  const config = { table, host: '127.0.0.1', port: proxy.port, user: 'thyme', database: 'postgres', sslmode: 'disable' };
  return {
    connector: { module: new URL('../../libs/source/postgres/postgres-connector.js', import.meta.url), create: 'postgresConnector' },
    source: { connector: 'postgres', config, cursor: 'at', everyUs: 200_000, cdc: 'append' },
    elsewhere: { ...config, table: `${table}_other` },
    async add(from, to) {
      await postgres.client.query(
        `INSERT INTO ${table} SELECT 'k' || n % 7, n, timestamptz '2020-01-01 00:00:00Z' + n * interval '1 second' FROM generate_series(${from}, ${to - 1}) n`,
      );
    },
    faults: proxy.faults(),
    heal: () => proxy.heal(),
    async close() {
      await proxy.close();
      await postgres.client.query(`DROP TABLE ${table}`);
    },
  };
}

/** The same, by its log: what the slot keeps goes with it. */
export async function openLogSystem(postgres: Postgres): Promise<ContractSystem> {
  const system = await openTableSystem(postgres);
  const slot = String(system.source.config['table']);
  const config = { ...system.source.config, mode: 'cdc', slot };
  return {
    ...system,
    source: { connector: 'postgres', config, cdc: 'append' },
    elsewhere: { ...config, schema: 'elsewhere' },
    async close() {
      const { client } = postgres;
      await client.query('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active', [slot]);
      const drop = 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active';
      await eventually(async () => {
        await client.query(drop, [slot]);
        return (await client.query('SELECT FROM pg_replication_slots WHERE slot_name = $1', [slot])).rowCount === 0;
      }, 'the slot is gone');
      await client.query(`DROP PUBLICATION IF EXISTS ${slot}`);
      await system.close();
    },
  };
}
