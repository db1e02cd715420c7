import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { kinesisConnector } from '../../../libs/source/kinesis/kinesis-connector.js';
import { moto } from '../../../test/support/s3-servers.js';
import { orderRows } from '../source-rows.js';
import type { SourceKind } from './source-kind.js';

const STREAM = 'orders';
const SHARDS = 4;
const PUT_MAX = 500;
const ANSWER_RECORDS_MAX = 10_000;

/** JSON records of a stream of four shards, on a server that is a process of its own (moto); the SDK alone beside it. */
export const kinesisKind: SourceKind = {
  goalRowsPerS: 10_000,
  rowsDefault: 100_000,
  connector: kinesisConnector,
  async prepare(_folder, rows) {
    if (!moto.isThere()) throw new Error(`bench:source -- kinesis needs ${moto.what}`);
    const server = await moto.start();
    const { endpoint, accessKeyId, secretAccessKey } = server;
    const credentials = { accessKeyId, secretAccessKey };
    const client = new KinesisClient({ endpoint, region: 'us-east-1', credentials, requestHandler: new NodeHttpHandler() });
    await client.send(new CreateStreamCommand({ StreamName: STREAM, ShardCount: SHARDS }));
    const append = async (from: number, to: number): Promise<void> => {
      for (let start = from; start < to; start += PUT_MAX) {
        const records = [...orderRows(start, Math.min(to, start + PUT_MAX))];
        const entries = records.map((row) => ({ PartitionKey: row.user_id, Data: Buffer.from(JSON.stringify(row)) }));
        await client.send(new PutRecordsCommand({ StreamName: STREAM, Records: entries }));
      }
    };
    await append(0, rows);
    const streamArn = `arn:aws:kinesis:us-east-1:123456789012:stream/${STREAM}`;
    return {
      source: {
        config: { streamArn, endpointUrl: endpoint, accessKeyId: { secret: 'env:KEY' }, secretAccessKey: { secret: 'env:SECRET' } },
      },
      variables: { KEY: accessKeyId, SECRET: secretAccessKey },
      bareReader: 'GetRecords of each shard, one after another and without pauses, its records counted',
      readBare: () => readAll(client),
      append,
      async close() {
        client.destroy();
        await server.stop();
      },
    };
  },
};

async function readAll(client: KinesisClient): Promise<number> {
  let records = 0;
  const { Shards: shards = [] } = await client.send(new ListShardsCommand({ StreamName: STREAM }));
  for (const { ShardId } of shards) {
    const asked = new GetShardIteratorCommand({ StreamName: STREAM, ShardId, ShardIteratorType: 'TRIM_HORIZON' });
    let { ShardIterator: iterator } = await client.send(asked);
    for (let count = ANSWER_RECORDS_MAX; count > 0 && iterator !== undefined;) {
      const answer = await client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: ANSWER_RECORDS_MAX }));
      count = answer.Records?.length ?? 0;
      records += count;
      iterator = answer.NextShardIterator;
    }
  }
  return records;
}
