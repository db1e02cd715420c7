// The table of values put to Postgres, to files of a folder, and to objects on a server that speaks S3's protocol.
import { writeFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { filesConnector } from '../../libs/source/files/files-connector.js';
import { postgresConnector } from '../../libs/source/postgres/postgres-connector.js';
import { s3Connector } from '../../libs/source/s3/s3-connector.js';
import { componentOrSkip } from '../support/component.js';
import { type Postgres, postgresPrograms, startPostgres } from '../support/postgres.js';
import { moto, type S3Server } from '../support/s3-servers.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { givesTheTableOfValues, jsonRow, VALUE_ROW_AT } from '../support/value-suite.js';
import type { ValueColumn } from '../support/value-table.js';
import { NOW_US } from './sources-fixture.js';

const EVERY_US = 5e6;

describe('the Postgres source and the table of values', () => {
  const TYPES: Readonly<Record<ValueColumn, string>> = {
    int: 'bigint',
    decimal: 'numeric(38, 9)',
    wide: 'numeric',
    float: 'double precision',
    timestamp: 'timestamptz',
    date: 'date',
    bool: 'boolean',
    bytes: 'bytea',
    string: 'text',
    list: 'bigint[]',
    struct: 'jsonb',
  };
  let postgres: Postgres | undefined;

  before(async function () {
    componentOrSkip(this, postgresPrograms() !== undefined, 'PostgreSQL (apt-get install postgresql)');
    postgres = await startPostgres();
  });

  after(() => postgres?.stop());

  givesTheTableOfValues('postgres', () => ({
    connector: postgresConnector,
    async write(column, texts) {
      if (postgres === undefined) throw new Error('the server is started in before()');
      const { client, port } = postgres;
      await client.query(`CREATE TABLE of_${column} (k text, n bigint PRIMARY KEY, at_ timestamptz, v ${TYPES[column]})`);
      const value = column === 'bytes' ? "decode($2, 'hex')" : `$2::text::${TYPES[column]}`;
      const written = (text: string | null): string | null => (column === 'list' && text !== null ? `{${text.slice(1, -1)}}` : text);
      for (const [n, text] of texts.entries())
        await client.query(`INSERT INTO of_${column} VALUES ('k', $1, '${VALUE_ROW_AT}', ${value})`, [n, written(text)]);
      const config = { table: `of_${column}`, host: '127.0.0.1', port, user: 'thyme', database: 'postgres' };
      return { config, cursor: 'at_', everyUs: EVERY_US };
    },
  }));
});

describe('the files source and the table of values', () => {
  givesTheTableOfValues('files', () => {
    const folder = temporaryFolder();
    return {
      connector: filesConnector,
      write(column, texts) {
        const path = join(folder, `${column}.jsonl`);
        writeFileSync(path, texts.map((text, n) => `${jsonRow(column, text, n)}\n`).join(''));
        utimesSync(path, NOW_US / 1e6 - 60, NOW_US / 1e6 - 60);
        return Promise.resolve({ config: { path }, everyUs: EVERY_US });
      },
    };
  });
});

describe('the s3 source and the table of values', () => {
  const bucket = 'values';
  let server: S3Server | undefined;
  let client: S3Client | undefined;

  before(async function () {
    componentOrSkip(this, moto.isThere(), moto.what);
    server = await moto.start();
    const { accessKeyId, secretAccessKey, endpoint } = server;
    client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  });

  after(async () => {
    client?.destroy();
    await server?.stop();
  });

  givesTheTableOfValues('s3', () => ({
    variables: { KEY: server?.accessKeyId ?? '', SECRET: server?.secretAccessKey ?? '' },
    connector: s3Connector,
    async write(column, texts) {
      const body = texts.map((text, n) => jsonRow(column, text, n)).join('\n');
      await client?.send(new PutObjectCommand({ Bucket: bucket, Key: `${column}/rows.jsonl`, Body: body }));
      const keys = { accessKeyId: { secret: 'env:KEY' }, secretAccessKey: { secret: 'env:SECRET' } };
      return { config: { bucket, prefix: `${column}/`, endpoint: server?.endpoint ?? '', ...keys }, everyUs: EVERY_US };
    },
  }));
});
