import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordsCommand,
  type PutRecordsRequestEntry,
  type Shard,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { eventually } from './eventually.js';

const PUT_MAX = 500;
const HASH_KEYS = 2n ** 128n;

export interface PutRecord {
  readonly key: string;
  readonly data: string | Buffer;
  readonly hashKey?: bigint;
}

/** A stream of a server of the test's own, and what other people's producers and operators do to it. */
export class TestStream {
  readonly client: KinesisClient;
  readonly name: string;

  constructor(endpoint: string, name: string) {
    this.name = name;
    this.client = new KinesisClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'key-of-a-test', secretAccessKey: 'secret-of-a-test' },
      requestHandler: new NodeHttpHandler(), // servers other than Amazon's speak no HTTP/2
    });
  }

  async create(shards: number): Promise<void> {
    await this.client.send(new CreateStreamCommand({ StreamName: this.name, ShardCount: shards }));
    await this.isActive();
  }

  async remove(): Promise<void> {
    await this.client.send(new DeleteStreamCommand({ StreamName: this.name }));
    await eventually(async () => (await this.#status()) === undefined, 'the stream is deleted');
  }

  /** In their order, by key; those of one call to a shard are behind one another. */
  async put(records: readonly PutRecord[]): Promise<void> {
    for (let at = 0; at < records.length; at += PUT_MAX) {
      const entries: PutRecordsRequestEntry[] = records
        .slice(at, at + PUT_MAX)
        .map(({ key, data, hashKey }) => ({
          PartitionKey: key,
          Data: Buffer.from(data),
          ...(hashKey === undefined ? {} : { ExplicitHashKey: hashKey.toString() }),
        }));
      const { FailedRecordCount } = await this.client.send(new PutRecordsCommand({ StreamName: this.name, Records: entries }));
      if (FailedRecordCount !== undefined && FailedRecordCount > 0) throw new Error(`${FailedRecordCount} records were not taken`);
    }
  }

  async shards(): Promise<readonly Shard[]> {
    const { Shards: shards = [] } = await this.client.send(new ListShardsCommand({ StreamName: this.name }));
    return shards;
  }

  /** Those that take records, in the order of their hash keys. */
  async open(): Promise<readonly Shard[]> {
    const open = (await this.shards()).filter(({ SequenceNumberRange: range }) => range?.EndingSequenceNumber === undefined);
    return open.sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1));
  }

  /** In the middle of its hash keys. */
  async split(shard: Shard): Promise<void> {
    const middle = (startOf(shard) + BigInt(shard.HashKeyRange?.EndingHashKey ?? HASH_KEYS)) / 2n;
    await this.client.send(
      new SplitShardCommand({ StreamName: this.name, ShardToSplit: shard.ShardId, NewStartingHashKey: middle.toString() }),
    );
    await this.isActive();
  }

  async merge(left: Shard, right: Shard): Promise<void> {
    await this.client.send(
      new MergeShardsCommand({ StreamName: this.name, ShardToMerge: left.ShardId, AdjacentShardToMerge: right.ShardId }),
    );
    await this.isActive();
  }

  close(): void {
    this.client.destroy();
  }

  isActive(): Promise<void> {
    return eventually(async () => (await this.#status()) === 'ACTIVE', 'the stream is active');
  }

  #status(): Promise<string | undefined> {
    return this.client.send(new DescribeStreamSummaryCommand({ StreamName: this.name })).then(
      ({ StreamDescriptionSummary: said }) => said?.StreamStatus,
      () => undefined,
    );
  }
}

function startOf({ HashKeyRange: range }: Shard): bigint {
  return BigInt(range?.StartingHashKey ?? 0);
}
