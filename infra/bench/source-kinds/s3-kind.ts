import { Readable } from 'node:stream';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { s3Connector } from '../../../libs/source/s3/s3-connector.js';
import { moto } from '../../../test/support/s3-servers.js';
import { orderLines } from '../source-rows.js';
import { countLines, type SourceKind } from './source-kind.js';

const ROWS_PER_OBJECT = 100_000;
const BUCKET = 'bench';

/** JSONL objects of a bucket of 100,000 rows each, on a server that is a process of its own (moto). */
export const s3Kind: SourceKind = {
  goalRowsPerS: 40_000,
  rowsDefault: 1_000_000,
  connector: s3Connector,
  async prepare(_folder, rows) {
    if (!moto.isThere()) throw new Error(`bench:source -- s3 needs ${moto.what}`);
    const server = await moto.start();
    const { endpoint, accessKeyId, secretAccessKey } = server;
    const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const keys: string[] = [];
    const append = async (from: number, to: number): Promise<void> => {
      const key = `${String(keys.length).padStart(8, '0')}.jsonl`;
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: orderLines(from, to) }));
      keys.push(key);
    };
    for (let from = 0; from < rows; from += ROWS_PER_OBJECT) await append(from, Math.min(rows, from + ROWS_PER_OBJECT));
    return {
      source: { config: { bucket: BUCKET, endpoint, accessKeyId: { secret: 'env:KEY' }, secretAccessKey: { secret: 'env:SECRET' } } },
      variables: { KEY: accessKeyId, SECRET: secretAccessKey },
      bareReader: 'GetObject of each object, its lines counted',
      async readBare() {
        let lines = 0;
        for (const key of keys) {
          const { Body: body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
          if (body instanceof Readable) lines += await countLines(body);
        }
        return lines;
      },
      append,
      async close() {
        client.destroy();
        await server.stop();
      },
    };
  },
};
