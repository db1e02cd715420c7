import type { DatasetDefinition, SourceDefinition } from '../../definition/definitions.js';
import type { BatchLimits, SourceRow } from '../connector.js';
import { type Message, MessageRows } from '../kafka/message-rows.js';
import { jsonDecoder } from '../kafka/payload.js';
import { type AggregatedRecord, openAggregate } from './kpl-aggregate.js';
import type { KnownShard } from './shard-tree.js';
import type { StreamPosition } from './stream-position.js';
import type { StreamRecord } from './stream-api.js';

/** One row of a record: all of it, or one of those in an aggregate. */
export interface RecordPart {
  readonly record: StreamRecord;
  /** Its place in the aggregate, from 0; undefined for a record that is none. */
  readonly index: number | undefined;
  readonly isLast: boolean;
  readonly message: Message;
  readonly bytes: number;
}

export interface OpenedRecords {
  readonly parts: readonly RecordPart[];
  /** Aggregates that were passed over. */
  readonly strayed: number;
}

export interface RecordRowsOptions {
  readonly stream: string;
  readonly dataset: DatasetDefinition;
  readonly cdc: SourceDefinition['cdc'];
}

/** Records as the door of their dataset takes rows: JSON, in the ways that messages of Kafka are read (libs/source/kafka). */
export class RecordRows {
  readonly #options: RecordRowsOptions;
  readonly #messages: MessageRows;

  constructor(options: RecordRowsOptions) {
    const { stream, dataset, cdc } = options;
    this.#options = options;
    this.#messages = new MessageRows({ topic: stream, dataset, cdc, values: jsonDecoder, keys: jsonDecoder });
  }

  /**
   * What is behind the place: records after its own, and of that one what was cut off. An aggregate with a record that another shard
   * has by its hash key was sent while shards were split: its producer sends all of it again, so it is passed over, as Amazon's own
   * readers do.
   */
  open(
    records: readonly StreamRecord[],
    shard: KnownShard | undefined,
    place: { readonly after?: string; readonly cut?: number },
  ): OpenedRecords {
    let after = place.after === undefined ? undefined : BigInt(place.after);
    const parts: RecordPart[] = [];
    let strayed = 0;
    for (const record of records) {
      let from = 0;
      if (after !== undefined) {
        const sequence = BigInt(record.sequence);
        if (sequence < after || (sequence === after && place.cut === undefined)) continue;
        if (sequence === after) from = place.cut ?? 0;
        after = undefined; // those behind it are greater
      }
      const aggregate = openAggregate(record.data);
      if (aggregate === undefined) parts.push(this.#part(record, undefined, record, true));
      else if (aggregate.some((one) => isElsewhere(one, shard))) strayed++;
      else for (const [i, one] of aggregate.entries()) if (i >= from) parts.push(this.#part(record, i, one, i === aggregate.length - 1));
    }
    return { parts, strayed };
  }

  /** One row for each part, in their order. */
  async rowsOf(shard: string, parts: readonly RecordPart[], at: StreamPosition, nowMs: number): Promise<readonly SourceRow[]> {
    const messages = parts.map(({ message }) => message);
    const inputs = await this.#messages.inputsOf(messages, (arrivalMs) => at.changeTimeMs(shard, arrivalMs, nowMs));
    return parts.map(({ record, index }, i) => ({
      input: inputs[i],
      lane: `kinesis:${shard}`,
      historical: at.isInitial(shard, record.arrivalMs),
      place: `${this.#options.stream} ${shard} sequence number ${record.sequence}${index === undefined ? '' : `, record ${index + 1} of its aggregate`}`,
    }));
  }

  /** A partition key spreads records over shards, and may be anything; it names a row only where rows are changed. */
  #part(
    record: StreamRecord,
    index: number | undefined,
    { partitionKey, data }: Pick<AggregatedRecord, 'partitionKey' | 'data'>,
    isLast: boolean,
  ): RecordPart {
    const key = this.#options.cdc === 'append' ? null : Buffer.from(partitionKey);
    const message: Message = { timestampMs: record.arrivalMs, key, value: data.length === 0 ? null : data, headers: [] };
    return { record, index, isLast, message, bytes: data.length + partitionKey.length };
  }
}

/** As many of the parts from `taken` on as the batch has room for; one at least where it is empty. */
export function partsThatFit(
  parts: readonly RecordPart[],
  taken: number,
  { rowsMax, bytesMax }: BatchLimits,
  into: { readonly rows: readonly SourceRow[]; readonly bytes: number },
): readonly RecordPart[] {
  let end = taken;
  let { bytes } = into;
  for (; end < parts.length && into.rows.length + end - taken < rowsMax; end++) {
    bytes += parts[end]?.bytes ?? 0;
    if (bytes > bytesMax && into.rows.length + end - taken > 0) break;
  }
  return parts.slice(taken, end);
}

function isElsewhere({ hashKey }: AggregatedRecord, shard: KnownShard | undefined): boolean {
  return shard !== undefined && (hashKey < shard.hashFrom || hashKey > shard.hashTo);
}
