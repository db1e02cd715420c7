import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { contractRow, type ContractSystem } from '../../services/ingest/testing/contract-system.js';
import { FaultyProxy } from '../../services/ingest/testing/faulty-proxy.js';
import type { PyIceberg } from '../support/pyiceberg.js';
import type { S3Server } from '../support/s3-servers.js';

const BUCKET = 'lake';
let tables = 0;

/** Connects pyiceberg to Glue and S3 on moto. */
export async function openLake(python: PyIceberg, { endpoint, accessKeyId, secretAccessKey }: S3Server): Promise<void> {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  client.destroy();
  await python.run(`
import pyarrow as pa, datetime
from pyiceberg.catalog.glue import GlueCatalog
keys = {'access-key-id': '${accessKeyId}', 'secret-access-key': '${secretAccessKey}', 'region': 'us-east-1', 'endpoint': '${endpoint}'}
cat = GlueCatalog('g', warehouse='s3://${BUCKET}', **{f'{part}.{name}': value for part in ('glue', 's3') for name, value in keys.items()})
cat.create_namespace('db')
ARROW = pa.schema([('k', pa.string()), ('n', pa.int64()), ('at', pa.timestamp('us', 'UTC'))])
tables = {}
def add(name, rows):
    tables[name].append(pa.table({'k': [r['k'] for r in rows], 'n': [r['n'] for r in rows], 'at': [datetime.datetime.fromisoformat(r['at'].replace('Z', '+00:00')) for r in rows]}, schema=ARROW))`);
}

/** A table of its own in Glue, whose files lie in a bucket; both are reached by a line that can misbehave. */
export async function openGlueSystem(python: PyIceberg, { endpoint, accessKeyId, secretAccessKey }: S3Server): Promise<ContractSystem> {
  const table = `contract_${tables++}`;
  await python.run(
    `tables['${table}'] = cat.create_table('db.${table}', schema=ARROW)\ncat.create_table('db.${table}_other', schema=ARROW)`,
  );
  const proxy = await FaultyProxy.open(Number(new URL(endpoint).port));
  const config = {
    table,
    catalog: 'glue',
    database: 'db',
    endpoint: `http://127.0.0.1:${proxy.port}`,
    accessKeyId: { secret: 'env:KEY' },
    secretAccessKey: { secret: 'env:SECRET' },
  };
  return {
    connector: { module: new URL('../../libs/source/iceberg/iceberg-connector.js', import.meta.url), create: 'icebergConnector' },
    source: { connector: 'iceberg', config, everyUs: 200_000, cdc: 'append' },
    elsewhere: { ...config, table: `${table}_other` },
    variables: { KEY: accessKeyId, SECRET: secretAccessKey },
    async add(from, to) {
      const rows = Array.from({ length: to - from }, (_, i) => contractRow(from + i));
      await python.run(`import json\nadd('${table}', json.loads(${JSON.stringify(JSON.stringify(rows))}))`);
    },
    faults: proxy.faults(),
    heal: () => proxy.heal(),
    close: () => proxy.close(),
  };
}
