import type { Shard, _Record } from '@aws-sdk/client-kinesis';
import { Backoff, systemRandom } from '../../time/backoff.js';
import type { Clock } from '../../time/clock.js';
import { SourceError } from '../source-error.js';
import type { KinesisAccess } from './kinesis-client.js';
import { kinesisError, kinesisFailureOf, streamMissing } from './kinesis-errors.js';
import type { StreamSettings } from './kinesis-settings.js';
import type { KnownShard } from './shard-tree.js';

export interface StreamRecord {
  readonly sequence: string;
  readonly arrivalMs: number;
  readonly partitionKey: string;
  readonly data: Buffer;
}

/** Where an iterator begins. */
export type ShardStart =
  | { readonly kind: 'beginning' }
  | { readonly kind: 'time'; readonly fromMs: number }
  /** At the record, which comes once more: so it shows whether it is still there. */
  | { readonly kind: 'record'; readonly sequence: string };

export interface ShardRecords {
  readonly records: readonly StreamRecord[];
  /** The next iterator; undefined where the shard was closed and this is its end. */
  readonly next: string | undefined;
  /** How far the answer is behind the end of the shard; 0 at its end. */
  readonly behindMs: number;
  /** Told with the end, by services that do. */
  readonly children: readonly KnownShard[];
}

export interface StreamState {
  /** When it was created: one that is made anew was created later. */
  readonly identity: string;
  readonly retentionMs: number;
  /** By the service's clock, in whole seconds; by this machine's where it tells none. */
  readonly serverMs: number;
}

/** What GetRecords gives at most, which is up to 10 MiB. */
const ANSWER_RECORDS_MAX = 10_000;
const SHARDS_PER_PAGE = 1_000;
/** What an account may have is below; a position names each of them. */
const SHARDS_MAX = 20_000;
const HOUR_MS = 3_600_000;
const RETENTION_HOURS_MIN = 24;
const TRIES_MAX = 5;
const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 5_000;

/** What is asked of one stream. What is asked for seldom is asked again where it is throttled; what a shard is asked for is not. */
export class StreamApi {
  readonly stream: StreamSettings;
  readonly #access: KinesisAccess;
  readonly #clock: Clock;

  constructor(stream: StreamSettings, access: KinesisAccess, clock: Clock) {
    this.stream = stream;
    this.#access = access;
    this.#clock = clock;
  }

  /** Rejects with a SourceError where there is no such stream, or it is being created or deleted. */
  async describe(signal: AbortSignal): Promise<StreamState> {
    const { sdk, client } = this.#access;
    const command = new sdk.DescribeStreamSummaryCommand(this.#named());
    const { StreamDescriptionSummary: said } = await this.#patiently('looking at the stream', signal, () =>
      client.send(command, { abortSignal: signal }),
    );
    const { arn } = this.stream;
    if (said?.StreamStatus === 'CREATING' || said?.StreamStatus === 'DELETING') throw streamMissing(arn, said.StreamStatus.toLowerCase());
    const createdMs = said?.StreamCreationTimestamp?.getTime();
    if (createdMs === undefined) throw new SourceError('stop', 'THYME_SOURCE_KINESIS', `the service does not tell when ${arn} was created`);
    return {
      identity: new Date(createdMs).toISOString(),
      retentionMs: (said?.RetentionPeriodHours ?? RETENTION_HOURS_MIN) * HOUR_MS,
      serverMs: this.#access.serverMs() ?? Math.floor(this.#clock.nowUs() / 1_000_000) * 1_000,
    };
  }

  /** All that are in the retention. */
  async shards(signal: AbortSignal): Promise<Map<string, KnownShard>> {
    const { sdk, client } = this.#access;
    const shards = new Map<string, KnownShard>();
    for (let token: string | undefined; ;) {
      // A page after the first is named by its token, beside which the name of the stream is refused.
      const command = new sdk.ListShardsCommand(
        token === undefined
          ? { ...this.#named(), MaxResults: SHARDS_PER_PAGE }
          : { StreamARN: this.stream.arn, NextToken: token, MaxResults: SHARDS_PER_PAGE },
      );
      const answer = await this.#patiently('listing the shards', signal, () => client.send(command, { abortSignal: signal }));
      for (const shard of answer.Shards ?? []) shards.set(shard.ShardId ?? '', listedShard(shard));
      if (shards.size > SHARDS_MAX)
        throw new SourceError(
          'stop',
          'THYME_SOURCE_TOO_MANY',
          `${this.stream.arn} has more than ${SHARDS_MAX} shards in its retention: read streams that have fewer`,
        );
      token = answer.NextToken;
      if (token === undefined || token === '') return shards;
    }
  }

  /** Rejects as the SDK does. */
  async iterator(shard: string, start: ShardStart, signal: AbortSignal): Promise<string> {
    const { sdk, client } = this.#access;
    const from = iteratorStart(start);
    const { ShardIterator: iterator } = await client.send(new sdk.GetShardIteratorCommand({ ...this.#named(), ShardId: shard, ...from }), {
      abortSignal: signal,
    });
    if (iterator === undefined) throw new Error(`the service gave no iterator of ${shard}`);
    return iterator;
  }

  /** Rejects as the SDK does. */
  async records(iterator: string, signal: AbortSignal, recordsMax = ANSWER_RECORDS_MAX): Promise<ShardRecords> {
    const { sdk, client } = this.#access;
    const command = new sdk.GetRecordsCommand({ StreamARN: this.stream.arn, ShardIterator: iterator, Limit: recordsMax });
    const answer = await client.send(command, { abortSignal: signal });
    const nowMs = Math.floor(this.#clock.nowUs() / 1_000);
    return {
      records: (answer.Records ?? []).map((record) => streamRecord(record, nowMs)),
      next: answer.NextShardIterator === '' ? undefined : answer.NextShardIterator,
      behindMs: answer.MillisBehindLatest ?? 0,
      children: (answer.ChildShards ?? []).map(({ ShardId: id = '', ParentShards: parents = [], HashKeyRange: range }) => ({
        id,
        parents,
        ...hashRange(range),
      })),
    };
  }

  close(): void {
    this.#access.client.destroy();
  }

  /** By its ARN, which says whose it is, and by its name as well, which is all that some servers read. */
  #named(): { readonly StreamARN: string; readonly StreamName: string } {
    return { StreamARN: this.stream.arn, StreamName: this.stream.name };
  }

  async #patiently<T>(doing: string, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    const backoff = new Backoff({ minMs: RETRY_MS_MIN, maxMs: RETRY_MS_MAX, random: systemRandom });
    for (let tries = 1; ; tries++) {
      signal.throwIfAborted();
      try {
        return await ask();
      } catch (error) {
        signal.throwIfAborted();
        const failure = kinesisFailureOf(error);
        if (failure === 'missing') throw streamMissing(this.stream.arn);
        if ((failure !== 'throttled' && failure !== 'passing') || tries === TRIES_MAX)
          throw kinesisError(`${doing} ${this.stream.arn} failed`, error);
        await this.#clock.sleep(backoff.next(), signal);
      }
    }
  }
}

function iteratorStart(start: ShardStart): {
  ShardIteratorType: 'TRIM_HORIZON' | 'AT_TIMESTAMP' | 'AT_SEQUENCE_NUMBER';
  Timestamp?: Date;
  StartingSequenceNumber?: string;
} {
  switch (start.kind) {
    case 'beginning':
      return { ShardIteratorType: 'TRIM_HORIZON' };
    case 'time':
      return { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(start.fromMs) };
    case 'record':
      return { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: start.sequence };
  }
}

function streamRecord({ SequenceNumber, ApproximateArrivalTimestamp, PartitionKey, Data }: _Record, nowMs: number): StreamRecord {
  const data = Data ?? new Uint8Array();
  return {
    sequence: SequenceNumber ?? '',
    arrivalMs: ApproximateArrivalTimestamp?.getTime() ?? nowMs,
    partitionKey: PartitionKey ?? '',
    data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  };
}

function listedShard({ ShardId: id = '', ParentShardId, AdjacentParentShardId, HashKeyRange }: Shard): KnownShard {
  const parents = [ParentShardId, AdjacentParentShardId].filter((parent) => parent !== undefined && parent !== '') as string[];
  return { id, parents, ...hashRange(HashKeyRange) };
}

function hashRange(range: Shard['HashKeyRange']): Pick<KnownShard, 'hashFrom' | 'hashTo'> {
  return { hashFrom: BigInt(range?.StartingHashKey ?? 0), hashTo: BigInt(range?.EndingHashKey ?? 2n ** 128n - 1n) };
}
