// Late records as the RPC asks for them and is answered.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ListLateRecordsResponseSchema,
  type LateRecordSchema,
  type ListLateRecordsRequest,
  type ListLateRecordsResponse,
} from '../../gen/thyme/v1/ingest_pb.js';
import type { Field } from '../../libs/schema/value-type.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { safeNumberIfAny } from '../../libs/wire/integers.js';
import { plainFromProto } from '../../libs/wire/untyped-values.js';
import { valueToProto } from '../../libs/wire/values.js';
import type { LateAnswer, LateQuestion, LateRecord } from './late-records.js';

export function lateQuestionOf({ dataset, entity, fromUs, toUs, limit }: ListLateRecordsRequest): LateQuestion {
  return {
    dataset,
    entity: entity?.values.map((value, i) => plainFromProto(value, `entity.values[${i}]`)),
    fromUs: safeNumberIfAny(fromUs, 'from'),
    toUs: safeNumberIfAny(toUs, 'to'),
    limit,
  };
}

export function lateRecordsResponse({ dataset, records, found, judged, unjudged, forgotten }: LateAnswer): ListLateRecordsResponse {
  return create(ListLateRecordsResponseSchema, {
    lateRecords: records.map((late) => messageOf(late, dataset.fields)),
    found: BigInt(found),
    judged: BigInt(judged),
    unjudged: BigInt(unjudged),
    forgotten: BigInt(forgotten),
  });
}

function messageOf(late: LateRecord, fields: readonly Field[]): MessageInitShape<typeof LateRecordSchema> {
  const { eventTimeUs, appendTimeUs, watermarkUs, maxLatenessUs, lane, record } = late;
  return {
    eventTimeUs: BigInt(eventTimeUs),
    appendedUs: BigInt(appendTimeUs),
    watermarkUs: BigInt(watermarkUs),
    maxLatenessUs: BigInt(maxLatenessUs),
    lane,
    reason: reasonOf(late),
    values: Object.fromEntries(fields.map(({ name, type }, i) => [name, valueToProto(record.row[i] ?? null, type)])),
  };
}

function reasonOf({ timeUs, watermarkUs, maxLatenessUs, lane }: LateRecord): string {
  return (
    `${formatTimestamp(timeUs)} is ${(watermarkUs - timeUs) / 1e6} s before ${formatTimestamp(watermarkUs)}, which '${lane}' had reached: ` +
    `more than maxLateness, ${maxLatenessUs / 1e6} s (S10)`
  );
}
