// The BigQuery connector on bqemulator, which runs the SQL.
import { expect } from 'chai';
import type { BigQuery } from '@google-cloud/bigquery';
import { bigqueryConnector } from '../../libs/source/bigquery/bigquery-connector.js';
import { componentOrSkip } from '../support/component.js';
import { emulatorClient, makeDataset, runSql } from './bigquery-system.js';
import { bqemulator, type WarehouseServer } from './warehouse-servers.js';
import { readsTheTables, type Warehouse, WarehouseFixture, type WarehouseKind } from './warehouse-suite.js';

const DATASET = 'shop';
const TYPES: Readonly<Record<WarehouseKind, string>> = { string: 'STRING', int: 'INT64', timestamp: 'TIMESTAMP' };

describe('the BigQuery source', () => {
  let server: WarehouseServer | undefined;
  let client: BigQuery;

  before(async function () {
    componentOrSkip(this, bqemulator.isThere(), bqemulator.what);
    server = await bqemulator.start();
    client = emulatorClient(server.port);
    await makeDataset(client, DATASET);
  });

  after(() => server?.stop());

  function warehouse(): Warehouse {
    return {
      name: 'bigquery',
      connector: bigqueryConnector,
      sql: (text) => runSql(client, text),
      tableName: (table) => `${DATASET}.${table}`,
      typeOf: (kind) => TYPES[kind],
      literal: (kind, text) => (text === null ? `CAST(NULL AS ${TYPES[kind]})` : `CAST('${text}' AS ${TYPES[kind]})`),
      numbers: (from, to) => `SELECT n FROM UNNEST(GENERATE_ARRAY(${from}, ${to - 1})) AS n`,
      config: (table) => ({ datasetId: DATASET, table, key: 'n', projectId: 'p', endpointUrl: `http://127.0.0.1:${server?.port ?? 0}` }),
    };
  }

  readsTheTables(warehouse);

  it('reads nested and repeated columns, JSON, DATETIME and DATE', async () => {
    const fixture = new WarehouseFixture(warehouse());
    try {
      const prices = { name: 'prices', type: 'NUMERIC', mode: 'REPEATED' };
      const schema = [
        { name: 'k', type: 'STRING' },
        { name: 'n', type: 'INT64' },
        { name: 'at_', type: 'DATETIME' },
        { name: 'day', type: 'DATE' },
        { name: 'list', type: 'INT64', mode: 'REPEATED' },
        { name: 'item', type: 'RECORD', fields: [{ name: 'name', type: 'STRING' }, prices] },
        { name: 'doc', type: 'JSON' }, // which the emulator's DDL makes a STRING of
        { name: 'late', type: 'TIME' },
      ];
      await client.dataset(DATASET).createTable('nested', { schema });
      await runSql(
        client,
        `INSERT INTO ${DATASET}.nested SELECT 'k', 1, DATETIME '2026-01-01 01:02:03.000001', DATE '2026-02-28', [1, 2], STRUCT('é' AS name, [NUMERIC '1.5', NUMERIC '2'] AS prices), JSON '{"a":[1,9007199254740993]}', TIME '01:02:03.5'`,
      );
      const int = { kind: 'int', optional: false } as const;
      const decimal = { kind: 'decimal', optional: false } as const;
      const text = { kind: 'string', optional: false } as const;
      const fields = [
        { name: 'k', type: text },
        { name: 'n', type: int },
        { name: 'at_', type: { kind: 'timestamp', optional: false } as const },
        { name: 'day', type: { kind: 'date', optional: false } as const },
        { name: 'list', type: { kind: 'list', of: int, optional: false } as const },
        {
          name: 'item',
          type: {
            kind: 'struct',
            fields: [
              { name: 'name', type: text },
              { name: 'prices', type: { kind: 'list', of: decimal, optional: false } as const },
            ],
            optional: false,
          } as const,
        },
        {
          name: 'doc',
          type: {
            kind: 'struct',
            fields: [{ name: 'a', type: { kind: 'list', of: decimal, optional: false } as const }],
            optional: false,
          } as const,
        },
        { name: 'late', type: text },
      ];
      await fixture.commit('nested', {}, { fields });
      const sources = await fixture.start();
      await fixture.waits(sources);
      const [record] = await fixture.sources.published('A', 1, fields);
      expect(record?.row.slice(2)).to.deep.equal([
        1_767_229_323_000_001,
        20_512,
        [1, 2],
        ['é', ['1.5', '2']],
        [['1', '9007199254740993']],
        '01:02:03.500000',
      ]);
      const { steps, sample } = await sources.test('A', new AbortController().signal);
      expect(steps.map(({ what, ok }) => [what, ok])).to.deep.equal([
        ['reached', true],
        ['columns', true],
        ['may query', true],
        ['may read', true],
      ]);
      expect(sample).to.include({ k: 'k', n: 1, at_: '2026-01-01T01:02:03.000001' });
      expect(sources.list()[0]?.position).to.match(/at_ 2026-01-01T01:02:03.000001, n 1; .* scanned by \d+ quer/);
    } finally {
      await fixture.end();
    }
  });
});
