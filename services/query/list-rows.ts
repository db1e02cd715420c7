// The rows that a value is made of, as the RPC asks for them and is answered.
import { create } from '@bufbuild/protobuf';
import {
  ListRowsRequest_Which,
  ListRowsResponseSchema,
  WindowRowSchema,
  type ListRowsRequest,
  type ListRowsResponse,
} from '../../gen/thyme/v1/query_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import type { Listed } from '../../libs/feature/row-listing.js';
import type { RowKey } from '../../libs/timeline/timeline.js';
import type { ListedRow, WhichRows } from '../../libs/timeline/window-rows.js';
import { int64IfAny, safeNumberIfAny } from '../../libs/wire/integers.js';
import { present, textIfAny } from '../../libs/wire/present.js';
import { valueToProto } from '../../libs/wire/values.js';
import { freshnessOf, structOf } from './answer-messages.js';
import type { Freshness, LookupInput } from './answers.js';
import { LISTED_ROWS_DEFAULT, LISTED_ROWS_MAX } from './query-limits.js';
import { entityOf, timeOf } from './request-messages.js';

export interface RowsInput extends LookupInput {
  readonly field?: string | undefined;
  readonly which: WhichRows;
  readonly windowUs?: number | undefined;
  readonly rowsMax: number;
  readonly before?: RowKey | undefined;
}

export interface RowsAnswer {
  readonly queryRunId: string;
  readonly asOfUs: number;
  readonly listed: Listed;
  readonly freshness: Freshness;
}

const WHICH: Readonly<Record<ListRowsRequest_Which, WhichRows>> = {
  [ListRowsRequest_Which.UNSPECIFIED]: 'counted',
  [ListRowsRequest_Which.COUNTED]: 'counted',
  [ListRowsRequest_Which.ENDED]: 'ended',
  [ListRowsRequest_Which.LATER]: 'later',
};

/** A cursor goes on as of the instant of its first page: now would be another window. */
export function rowsInputOf(request: ListRowsRequest): RowsInput {
  const { dataset, field, entity, which, windowUs, limit, cursor } = request;
  const begun = cursor === '' ? undefined : readCursor(cursor);
  const time = timeOf(request);
  if (begun !== undefined && time.timestampUs !== undefined && time.timestampUs !== begun.asOfUs)
    throw invalidArgument('cursor', 'is of another instant: pass it with the timestamp of the page before, or with none');
  if (limit < 0 || limit > LISTED_ROWS_MAX) throw invalidArgument('limit', `send a whole number from 1 to ${LISTED_ROWS_MAX}`);
  const length = safeNumberIfAny(windowUs, 'window_us');
  if (length !== undefined && length <= 0) throw invalidArgument('window_us', 'send a positive number of microseconds');
  if ((WHICH[which] ?? 'counted') === 'later' && time.knownAtUs === undefined)
    throw invalidArgument('known_at', 'is missing: what came later than when? Send the instant of knowledge that is compared with');
  return {
    dataset,
    field: textIfAny(field),
    entity: entityOf(entity, 'entity'),
    ...time,
    ...(begun === undefined ? {} : { timestampUs: begun.asOfUs, before: begun.before }),
    which: WHICH[which] ?? 'counted',
    windowUs: length,
    rowsMax: limit === 0 ? LISTED_ROWS_DEFAULT : limit,
  };
}

export function rowsResponse({ queryRunId, asOfUs, listed, freshness }: RowsAnswer): ListRowsResponse {
  const { windowUs, value, valueType, count, columns, rows, values, next } = listed;
  return create(ListRowsResponseSchema, {
    queryRunId,
    asOfUs: BigInt(asOfUs),
    ...present({ windowUs: int64IfAny(windowUs ?? undefined) }),
    ...(valueType === undefined ? {} : { value: valueToProto(value ?? null, valueType) }),
    count: BigInt(count),
    rows: rows.map((row, i) => rowMessage(row, structOf(values[i] ?? [], columns))),
    nextCursor: next === undefined ? '' : cursorOf(asOfUs, next),
    freshness: freshnessOf(freshness),
  });
}

function rowMessage({ eventTimeUs, knownUs, startUs, endUs, endKnownUs }: ListedRow, values: ReturnType<typeof structOf>) {
  return create(WindowRowSchema, {
    eventTimeUs: BigInt(eventTimeUs),
    knownUs: BigInt(knownUs),
    ...present({ startUs: int64IfAny(startUs), endUs: int64IfAny(endUs), endKnownUs: int64IfAny(endKnownUs) }),
    values,
  });
}

/** Opaque to clients: base64url of JSON [instant, and the place of the last row that was looked at]. */
function cursorOf(asOfUs: number, { eventTimeUs, orderSource, orderOffset }: RowKey): string {
  return Buffer.from(JSON.stringify([asOfUs, eventTimeUs, orderSource, orderOffset])).toString('base64url');
}

const CURSOR_LENGTH_MAX = 128;

function readCursor(text: string): { readonly asOfUs: number; readonly before: RowKey } {
  const [asOfUs, eventTimeUs, orderSource, orderOffset, ...rest] = text.length > CURSOR_LENGTH_MAX ? [] : numbersIn(text);
  if (asOfUs === undefined || eventTimeUs === undefined || orderSource === undefined || orderOffset === undefined || rest.length > 0)
    throw invalidArgument('cursor', 'this is no cursor: pass the next_cursor of the page before, unchanged');
  return { asOfUs, before: { eventTimeUs, orderSource, orderOffset } };
}

/** None where it is no list of whole numbers. */
function numbersIn(text: string): readonly number[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(parts) && parts.every((part): part is number => Number.isSafeInteger(part)) ? parts : [];
  } catch {
    return [];
  }
}
