// The table of values put to Kinesis on moto, to tables of pyiceberg, to BigQuery's emulator and to fakesnow.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BigQuery } from '@google-cloud/bigquery';
import type { Connection } from 'snowflake-sdk';
import { bigqueryConnector } from '../../libs/source/bigquery/bigquery-connector.js';
import { icebergConnector } from '../../libs/source/iceberg/iceberg-connector.js';
import { kinesisConnector } from '../../libs/source/kinesis/kinesis-connector.js';
import { snowflakeConnector } from '../../libs/source/snowflake/snowflake-connector.js';
import { systemClock } from '../../libs/time/clock.js';
import { componentOrSkip } from '../support/component.js';
import { TestStream } from '../support/kinesis-stream.js';
import { hasPyIceberg, PyIceberg, pyicebergWhat } from '../support/pyiceberg.js';
import { moto, type S3Server } from '../support/s3-servers.js';
import { givesTheTableOfValues, jsonRow, VALUE_ROW_AT } from '../support/value-suite.js';
import type { ValueColumn } from '../support/value-table.js';
import { emulatorClient, makeDataset, runSql as runBigQuery } from './bigquery-system.js';
import { endSession, fakesnowSession, runSql as runSnowflake, snowflakeConfig } from './snowflake-system.js';
import { bqemulator, fakesnow, type WarehouseServer } from './warehouse-servers.js';

const EVERY_US = 5e6;
const SLOW_MS = 180_000;

describe('the Kinesis source and the table of values', function () {
  this.timeout(SLOW_MS);
  let server: S3Server | undefined;

  before(async function () {
    componentOrSkip(this, moto.isThere(), moto.what);
    server = await moto.start();
  });

  after(() => server?.stop());

  givesTheTableOfValues('kinesis', () => ({
    variables: { KEY: server?.accessKeyId ?? '', SECRET: server?.secretAccessKey ?? '' },
    connector: () => kinesisConnector(systemClock),
    async write(column, texts) {
      const endpointUrl = server?.endpoint ?? '';
      const stream = new TestStream(endpointUrl, `values-${column}`);
      await stream.create(1);
      await stream.put(texts.map((text, n) => ({ key: 'k', data: jsonRow(column, text, n) })));
      stream.close();
      const keys = { accessKeyId: { secret: 'env:KEY' }, secretAccessKey: { secret: 'env:SECRET' } };
      return { config: { streamArn: `arn:aws:kinesis:us-east-1:123456789012:stream/values-${column}`, endpointUrl, ...keys } };
    },
  }));
});

describe('the Iceberg source and the table of values', function () {
  this.timeout(SLOW_MS);
  const TYPES: Readonly<Record<ValueColumn, string>> = {
    int: 'LongType()',
    decimal: 'DecimalType(38, 9)',
    wide: 'DecimalType(38, 0)',
    float: 'DoubleType()',
    timestamp: 'TimestamptzType()',
    date: 'DateType()',
    bool: 'BooleanType()',
    bytes: 'BinaryType()',
    string: 'StringType()',
    list: 'ListType(5, LongType(), False)',
    struct: "StructType(NestedField(5, 'a', StringType()), NestedField(6, 'b', LongType()), NestedField(7, 'c', DecimalType(38, 9)))",
  };
  /** What Python makes of a text of that column. */
  const VALUES: Readonly<Record<ValueColumn, string>> = {
    int: 'int(x)',
    decimal: 'decimal.Decimal(x)',
    wide: 'decimal.Decimal(x)',
    float: 'float(x)',
    timestamp: 'datetime.datetime.fromisoformat(x)',
    date: 'datetime.date.fromisoformat(x)',
    bool: "x == 'true'",
    bytes: 'bytes.fromhex(x)',
    string: 'x',
    list: 'json.loads(x)',
    struct: 'json.loads(x, parse_float=decimal.Decimal, parse_int=int)',
  };
  let folder = '';
  let python: PyIceberg | undefined;

  before(async function () {
    componentOrSkip(this, hasPyIceberg(), pyicebergWhat);
    folder = await mkdtemp(join(tmpdir(), 'thyme-iceberg-'));
    python = PyIceberg.start();
    await python.run(`
import datetime, decimal, json
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import *
cat = SqlCatalog('c', uri='sqlite:///${folder}/catalog.db', warehouse='file://${folder}')
cat.create_namespace('db')`);
  });

  after(async () => {
    await python?.stop();
    if (folder !== '') await rm(folder, { recursive: true, force: true });
  });

  givesTheTableOfValues('iceberg', () => ({
    connector: icebergConnector,
    async write(column, texts) {
      const catalog = await python?.run(`
texts = json.loads(${JSON.stringify(JSON.stringify(texts))})
t = cat.create_table('db.of_${column}', schema=Schema(NestedField(1, 'k', StringType()), NestedField(2, 'n', LongType()), NestedField(3, 'at_', TimestamptzType()), NestedField(4, 'v', ${TYPES[column]})))
at = datetime.datetime.fromisoformat('${VALUE_ROW_AT}')
values = [None if x is None else ${VALUES[column]} for x in texts]
t.append(pa.table({'k': ['k'] * len(texts), 'n': list(range(len(texts))), 'at_': [at] * len(texts), 'v': values}, schema=t.schema().as_arrow()))
result = t.location()`);
      return { config: { table: `of_${column}`, catalog: String(catalog) }, everyUs: EVERY_US };
    },
    rowAt: (place) => Number(/row (\d+)$/.exec(place)?.[1]) - 1,
  }));
});

/** A text in SQL, whatever it holds: both systems read escapes in quotes. */
function sqlText(text: string): string {
  const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '\n': '\\n', '\t': '\\t' };
  const parts = text.split('\0').map((part) => `'${[...part].map((sign) => escapes[sign] ?? sign).join('')}'`);
  return parts.length === 1 ? parts.join('') : `CONCAT(${parts.join(', CHR(0), ')})`;
}

describe('the BigQuery source and the table of values', function () {
  this.timeout(SLOW_MS);
  const TYPES: Readonly<Record<ValueColumn, string>> = {
    int: 'INT64',
    decimal: 'NUMERIC(38, 9)', // else the emulator's has three digits behind the point
    wide: 'BIGNUMERIC(38, 0)',
    float: 'FLOAT64',
    timestamp: 'TIMESTAMP',
    date: 'DATE',
    bool: 'BOOL',
    bytes: 'BYTES',
    string: 'STRING',
    list: 'ARRAY<INT64>',
    struct: 'STRUCT<a STRING, b INT64, c NUMERIC(38, 9)>',
  };
  let server: WarehouseServer | undefined;
  let client: BigQuery;

  before(async function () {
    componentOrSkip(this, bqemulator.isThere(), bqemulator.what);
    server = await bqemulator.start();
    client = emulatorClient(server.port);
    await makeDataset(client, 'shop');
  });

  after(() => server?.stop());

  function literal(column: ValueColumn, text: string | null): string {
    if (text === null) return `CAST(NULL AS ${TYPES[column]})`;
    if (column === 'bytes') return `FROM_HEX('${text}')`;
    if (column === 'list') return `CAST(${text} AS ARRAY<INT64>)`;
    if (column === 'string') return sqlText(text);
    if (column !== 'struct') return `CAST('${text}' AS ${TYPES[column]})`;
    const { a, b, c } = structOf(text);
    return `STRUCT(CAST(${a === null ? 'NULL' : sqlText(a)} AS STRING) AS a, CAST(${b} AS INT64) AS b, CAST(${c} AS NUMERIC(38, 9)) AS c)`;
  }

  givesTheTableOfValues('bigquery', () => ({
    connector: bigqueryConnector,
    async write(column, texts) {
      const table = `of_${column}`;
      await runBigQuery(client, `CREATE TABLE shop.${table} (k STRING, n INT64, at_ TIMESTAMP, v ${TYPES[column]})`);
      const rows = texts.map((text, n) => `SELECT 'k', ${n}, TIMESTAMP '${VALUE_ROW_AT}', ${literal(column, text)}`);
      await runBigQuery(client, `INSERT INTO shop.${table} (k, n, at_, v) ${rows.join(' UNION ALL ')}`);
      const endpointUrl = `http://127.0.0.1:${server?.port ?? 0}`;
      return { config: { datasetId: 'shop', table, key: 'n', projectId: 'p', endpointUrl }, cursor: 'at_', everyUs: EVERY_US };
    },
    rowAt: lastNumber,
  }));
});

describe('the Snowflake source and the table of values', function () {
  this.timeout(SLOW_MS);
  const TYPES: Readonly<Record<ValueColumn, string>> = {
    int: 'NUMBER(38,0)',
    decimal: 'NUMBER(38,9)',
    wide: 'NUMBER(38,0)',
    float: 'FLOAT',
    timestamp: 'TIMESTAMP_TZ',
    date: 'DATE',
    bool: 'BOOLEAN',
    bytes: 'BINARY',
    string: 'VARCHAR',
    list: 'ARRAY',
    struct: 'VARIANT',
  };
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

  function literal(column: ValueColumn, text: string | null): string {
    if (text === null) return `CAST(NULL AS ${TYPES[column]})`;
    if (column === 'bytes') return `TO_BINARY('${text}', 'HEX')`;
    if (column === 'string') return sqlText(text);
    if (column === 'list' || column === 'struct') return `PARSE_JSON('${text}')`;
    return `CAST('${text.replace(/Z$/, '+00:00')}' AS ${TYPES[column]})`;
  }

  givesTheTableOfValues('snowflake', () => ({
    variables: { PASSWORD: 'none' },
    connector: snowflakeConnector,
    async write(column, texts) {
      const table = `of_${column}`;
      await runSnowflake(writer, `CREATE TABLE ${table} (k VARCHAR, n NUMBER(38,0), at_ TIMESTAMP_TZ, v ${TYPES[column]})`);
      const at = literal('timestamp', VALUE_ROW_AT);
      const rows = texts.map((text, n) => `SELECT 'k', ${n}, ${at}, ${literal(column, text)}`);
      await runSnowflake(writer, `INSERT INTO ${table} (k, n, at_, v) ${rows.join(' UNION ALL ')}`);
      return { config: { ...snowflakeConfig(server?.port ?? 0, table), key: 'n' }, cursor: 'at_', everyUs: EVERY_US };
    },
    rowAt: lastNumber,
  }));
});

function structOf(text: string): { readonly a: string | null; readonly b: string; readonly c: string } {
  const { a } = JSON.parse(text) as { readonly a: string | null }; // of the table
  const digits = (name: string): string => new RegExp(`"${name}":([\\w.]+)`).exec(text)?.[1] ?? 'NULL'; // all of them
  return { a, b: digits('b'), c: digits('c') };
}

function lastNumber(place: string): number {
  return Number(/(\d+)$/.exec(place)?.[1]);
}
