import { create } from '@bufbuild/protobuf';
import {
  ListNewestRecordsResponseSchema,
  type ListNewestRecordsRequest,
  type ListNewestRecordsResponse,
} from '../../gen/thyme/v1/ingest_pb.js';
import { compileRecordCodec, type DatasetRecord, type RecordCodec } from '../../libs/codec/dataset-record.js';
import { isErasure } from '../../libs/codec/erasure-record.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { entityOfRecords } from '../../libs/erasure/entity-of-records.js';
import type { TopicPartition } from '../../libs/log/log.js';
import { datasetTopic } from '../../libs/pipeline/topics.js';
import { valueToProto } from '../../libs/wire/values.js';
import { askedDataset } from './asked-dataset.js';
import type { LateRecordsOptions } from './late-records.js';

const LIST_LIMIT_DEFAULT = 20;
const LIST_LIMIT_MAX = 100;
const READ_BYTES_MAX = 4 * 1024 * 1024;

/** The last records of a dataset's topic, by when the log took them in; what was erased (S26) is not among them. */
export async function newestRecords(
  { dataset: name, limit }: ListNewestRecordsRequest,
  { log, erasures, deployment, revisions }: LateRecordsOptions,
): Promise<ListNewestRecordsResponse> {
  if (limit < 0 || limit > LIST_LIMIT_MAX) throw invalidArgument('limit', `send a whole number from 1 to ${LIST_LIMIT_MAX}`);
  const recordsMax = limit === 0 ? LIST_LIMIT_DEFAULT : limit;
  const { definition } = askedDataset(name, revisions.latest());
  const topic = datasetTopic(deployment, definition.name, definition.version);
  const codec = compileRecordCodec(definition.fields);
  erasures.know(topic, entityOfRecords(definition));
  await erasures.refresh();
  const records: DatasetRecord[] = [];
  const count = (await log.partitionCount(topic)) ?? 0; // none of a dataset whose rows are in no topic
  for (let partition = 0; partition < count; partition++) records.push(...(await lastOf({ topic, partition }, { log, codec, recordsMax })));
  const newest = records.sort((a, b) => b.appendTimeUs - a.appendTimeUs).slice(0, recordsMax);
  return create(ListNewestRecordsResponseSchema, {
    records: newest.map(({ eventTimeUs, appendTimeUs, lane, change, row }) => ({
      eventTimeUs: BigInt(eventTimeUs),
      appendedUs: BigInt(appendTimeUs),
      lane,
      deleted: change?.deleted ?? false,
      values: Object.fromEntries(definition.fields.map(({ name: field, type }, i) => [field, valueToProto(row[i] ?? null, shown(type))])),
    })),
  });
}

/** Of a deleted row also fields that are never null otherwise may be. */
function shown<T extends object>(type: T): T {
  return { ...type, optional: true };
}

interface LastOptions extends Pick<LateRecordsOptions, 'log'> {
  readonly codec: RecordCodec;
  readonly recordsMax: number;
}

/** The last records of one partition, the newest first. */
async function lastOf(source: TopicPartition, { log, codec, recordsMax }: LastOptions): Promise<readonly DatasetRecord[]> {
  const end = await log.endOffset(source);
  const found: DatasetRecord[] = [];
  for (let offset = Math.max(0, end - recordsMax); offset < end;) {
    const { records, nextOffset } = await log.read(source, offset, { recordsMax, bytesMax: READ_BYTES_MAX });
    for (const { value } of records) if (!isErasure(value)) found.push(codec.decode(value));
    if (nextOffset <= offset) break;
    offset = nextOffset;
  }
  return found.reverse();
}
