import { contractRow, type ContractSystem } from '../../services/ingest/testing/contract-system.js';
import { FaultyProxy } from '../../services/ingest/testing/faulty-proxy.js';
import { TestStream } from '../support/kinesis-stream.js';

const SHARDS = 4;
let streams = 0;

/** A stream of four shards, behind a line that can misbehave. */
export async function openStreamSystem({
  endpoint,
  account,
}: {
  readonly endpoint: string;
  readonly account: string;
}): Promise<ContractSystem> {
  const stream = new TestStream(endpoint, `contract-${streams++}`);
  await stream.create(SHARDS);
  const proxy = await FaultyProxy.open(Number(new URL(endpoint).port));
  const arn = `arn:aws:kinesis:us-east-1:${account}:stream/${stream.name}`;
  const config = {
    streamArn: arn,
    endpointUrl: `http://127.0.0.1:${proxy.port}`,
    accessKeyId: { secret: 'env:KEY' },
    secretAccessKey: { secret: 'env:SECRET' },
  };
  return {
    connector: { module: new URL('../../libs/source/kinesis/kinesis-connector.js', import.meta.url), create: 'kinesisConnector' },
    source: { connector: 'kinesis', config, cdc: 'append' },
    elsewhere: { ...config, streamArn: `${arn}-other` },
    variables: { KEY: 'key-of-a-test', SECRET: 'secret-of-a-test' },
    async add(from, to) {
      const rows = Array.from({ length: to - from }, (_, i) => contractRow(from + i));
      await stream.put(rows.map((row) => ({ key: row.k, data: JSON.stringify(row) })));
    },
    faults: proxy.faults(),
    heal: () => proxy.heal(),
    async close() {
      await proxy.close();
      stream.close();
    },
  };
}
