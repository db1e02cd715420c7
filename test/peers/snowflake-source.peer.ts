// The Snowflake connector by the official driver, on fakesnow, which runs the SQL.
import { expect } from 'chai';
import type { Connection } from 'snowflake-sdk';
import { snowflakeConnector } from '../../libs/source/snowflake/snowflake-connector.js';
import { componentOrSkip } from '../support/component.js';
import { endSession, fakesnowSession, runSql, snowflakeConfig } from './snowflake-system.js';
import { fakesnow, type WarehouseServer } from './warehouse-servers.js';
import { readsTheTables, type Warehouse, WarehouseFixture, type WarehouseKind } from './warehouse-suite.js';

const TYPES: Readonly<Record<WarehouseKind, string>> = { string: 'VARCHAR', int: 'NUMBER(38,0)', timestamp: 'TIMESTAMP_TZ' };

describe('the Snowflake source', () => {
  let server: WarehouseServer | undefined;
  let writer: Connection;

  before(async function () {
    componentOrSkip(this, fakesnow.isThere(), fakesnow.what);
    server = await fakesnow.start();
    writer = await fakesnowSession(server);
  });

  after(async () => {
    if (server === undefined) return;
    await endSession(writer);
    await server.stop();
  });

  function warehouse(): Warehouse {
    return {
      name: 'snowflake',
      connector: snowflakeConnector,
      sql: (text) => runSql(writer, text),
      tableName: (table) => table,
      typeOf: (kind) => TYPES[kind],
      literal: (kind, text) => `CAST(${text === null ? 'NULL' : `'${text.replace(/Z$/, '+00:00')}'`} AS ${TYPES[kind]})`,
      numbers: (from, to) => `SELECT ROW_NUMBER() OVER (ORDER BY 1) - 1 + ${from} AS n FROM TABLE(GENERATOR(ROWCOUNT => ${to - from}))`,
      config: (table) => ({ ...snowflakeConfig(server?.port ?? 0, table), key: 'n' }),
    };
  }

  readsTheTables(warehouse);

  it('reads VARIANT, TIMESTAMP_NTZ, TIME, and columns whose names are not in upper case', async () => {
    const fixture = new WarehouseFixture(warehouse());
    try {
      await runSql(
        writer,
        'CREATE TABLE "documents" (K VARCHAR, "n" NUMBER(38,0) PRIMARY KEY, AT_ TIMESTAMP_NTZ, DOC VARIANT, LIST ARRAY, LATE TIME, DAY DATE)',
      );
      await runSql(
        writer,
        `INSERT INTO "documents" SELECT 'k', 1, '2026-01-01 01:02:03.000001', PARSE_JSON('{"a":[1,9007199254740993]}'), PARSE_JSON('[1,2]'), '01:02:03.5', '2026-02-28'`,
      );
      const int = { kind: 'int', optional: false } as const;
      const decimals = { kind: 'list', of: { kind: 'decimal', optional: false } as const, optional: false } as const;
      const text = { kind: 'string', optional: false } as const;
      const fields = [
        { name: 'k', type: text },
        { name: 'n', type: int },
        { name: 'at_', type: { kind: 'timestamp', optional: false } as const },
        { name: 'doc', type: { kind: 'struct', fields: [{ name: 'a', type: decimals }], optional: false } as const },
        { name: 'list', type: { kind: 'list', of: int, optional: false } as const },
        { name: 'late', type: text },
        { name: 'day', type: { kind: 'date', optional: false } as const },
      ];
      await fixture.commit('documents', { config: snowflakeConfig(server?.port ?? 0, '"documents"') }, { fields });
      const sources = await fixture.start();
      await fixture.waits(sources);
      const [record] = await fixture.sources.published('A', 1, fields);
      expect(record?.row.slice(2)).to.deep.equal([1_767_229_323_000_001, [['1', '9007199254740993']], [1, 2], '01:02:03.5', 20_512]);
      const { steps, sample } = await sources.test('A', new AbortController().signal);
      expect(steps.map(({ what, ok }) => [what, ok])).to.deep.equal([
        ['reached', true],
        ['columns', true],
        ['may read', true],
      ]);
      expect(sample).to.include({ k: 'k', n: 1, at_: '2026-01-01T01:02:03.000001Z' });
    } finally {
      await fixture.end();
    }
  });
});
