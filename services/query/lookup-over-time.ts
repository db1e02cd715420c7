// One entity's rows of a dataset as of many instants, as the RPC asks for them and is answered.
import { create } from '@bufbuild/protobuf';
import { LookupOverTimeResponseSchema, type LookupOverTimeRequest, type LookupOverTimeResponse } from '../../gen/thyme/v1/query_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import type { Field, Row } from '../../libs/schema/value-type.js';
import type { Instant } from '../../libs/timeline/timeline.js';
import { safeNumber, safeNumberIfAny } from '../../libs/wire/integers.js';
import { freshnessOf, structOf } from './answer-messages.js';
import type { EntityInput, Freshness } from './answers.js';
import { checkTimestamp } from './query-instant.js';
import { LOOKUP_INSTANTS_MAX } from './query-limits.js';
import { entityOf } from './request-messages.js';

export interface OverTimeInput {
  readonly dataset: string;
  readonly entity: EntityInput;
  readonly timestampsUs: readonly number[];
  readonly knownAtUs: number | undefined;
}

export interface OverTimeAnswer {
  readonly queryRunId: string;
  readonly columns: readonly Field[];
  /** One for each instant, in their order; null where there was none (S5). */
  readonly rows: readonly (Row | null)[];
  readonly freshness: Freshness;
}

export function overTimeInputOf({ dataset, entity, timestampsUs, knownAtUs }: LookupOverTimeRequest): OverTimeInput {
  if (timestampsUs.length > LOOKUP_INSTANTS_MAX)
    throw invalidArgument('timestamps', `${timestampsUs.length} are over the limit of ${LOOKUP_INSTANTS_MAX}: send several requests`);
  return {
    dataset,
    entity: entityOf(entity, 'entity'),
    timestampsUs: timestampsUs.map((us, i) => safeNumber(us, `timestamps[${i}]`)),
    knownAtUs: safeNumberIfAny(knownAtUs, 'known_at'),
  };
}

/** S3: none of them lies in the future. */
export function instantsOf({ timestampsUs, knownAtUs = Number.POSITIVE_INFINITY }: OverTimeInput, nowUs: number): readonly Instant[] {
  return timestampsUs.map((asOfUs, i) => {
    checkTimestamp(asOfUs, nowUs, `timestamps[${i}]`);
    return { asOfUs, knownAtUs };
  });
}

export function overTimeResponse({ queryRunId, columns, rows, freshness }: OverTimeAnswer): LookupOverTimeResponse {
  return create(LookupOverTimeResponseSchema, {
    queryRunId,
    rows: rows.map((row) => (row === null ? {} : { row: { fields: structOf(row, columns) } })),
    freshness: freshnessOf(freshness),
  });
}
