import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { contractRow, type ContractSystem } from '../../services/ingest/testing/contract-system.js';
import { FaultyProxy } from '../../services/ingest/testing/faulty-proxy.js';
import type { S3Server } from '../support/s3-servers.js';

let buckets = 0;

/** A bucket of its own, behind a line that can misbehave; each `add` puts one object there. */
export async function openBucketSystem(server: S3Server): Promise<ContractSystem> {
  const bucket = `contract-${buckets++}`;
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const proxy = await FaultyProxy.open(Number(new URL(endpoint).port));
  const config = {
    bucket,
    endpoint: `http://127.0.0.1:${proxy.port}`,
    accessKeyId: { secret: 'env:KEY' },
    secretAccessKey: { secret: 'env:SECRET' },
  };
  return {
    connector: { module: new URL('../../libs/source/s3/s3-connector.js', import.meta.url), create: 's3Connector' },
    source: { connector: 's3', config, everyUs: 200_000, cdc: 'append' },
    elsewhere: { ...config, prefix: 'other/' },
    variables: { KEY: accessKeyId, SECRET: secretAccessKey },
    async add(from, to) {
      const lines = Array.from({ length: to - from }, (_, i) => `${JSON.stringify(contractRow(from + i))}\n`);
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: `${String(from).padStart(9, '0')}.jsonl`, Body: lines.join('') }));
    },
    faults: proxy.faults(),
    heal: () => proxy.heal(),
    async close() {
      await proxy.close();
      client.destroy();
    },
  };
}
