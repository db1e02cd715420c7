import { create } from '@bufbuild/protobuf';
import {
  QueryBatchResponseSchema,
  QueryBatchStreamRequestSchema,
  QueryBatchStreamResponseSchema,
  type Freshness,
  type QueryBatchRequest,
  type QueryBatchResponse,
  type QueryBatchStreamRequest,
  type QueryBatchStreamResponse,
} from '../../gen/thyme/v1/query_pb.js';
import type { EntityKey, ListValue, StructValue } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { decodeToken, type TokenKey } from '../../libs/feature/token.js';
import { present } from '../../libs/wire/present.js';
import type { Clock } from '../../libs/time/clock.js';
import { ROWS_PER_MESSAGE } from './offline-spread.js';
import { spreadRows, type SpreadOptions } from './row-spread.js';

interface WholeBatch {
  readonly head: QueryBatchStreamRequest;
  readonly entities: readonly EntityKey[];
  /** One for each entity, or none. */
  readonly rowInputs: readonly StructValue[];
}

/** One instant for all (S3), which the router sets. Each holder records its own run; the first's is named. */
export async function* spreadBatch(
  requests: AsyncIterable<QueryBatchStreamRequest>,
  options: SpreadOptions & { readonly clock: Clock; readonly tokenKey: TokenKey },
): AsyncGenerator<QueryBatchStreamResponse> {
  const batch = await wholeBatch(requests);
  const { head, entities } = batch;
  const first = head.timestamp === undefined ? { ...head, timestampUs: head.timestampUs ?? BigInt(nowFor(head, options)) } : head;
  const parts = spreadRows<QueryBatchStreamResponse>(
    {
      featureset: head.featureset,
      entities,
      // One that answers the whole takes the instant itself, as it does where there is no router.
      ask: ({ query }, rows, context) =>
        query.queryBatchStream(batchMessages({ ...batch, head: rows.length === entities.length ? head : first }, rows), context),
    },
    options,
  );
  let isFirst = true;
  for await (const { rows, streams, isLast } of parts) {
    const { queryRunId = '', features = [], asOfUs = 0n } = streams[0]?.first ?? {};
    yield create(QueryBatchStreamResponseSchema, {
      ...(isFirst ? { queryRunId, features, asOfUs } : {}),
      rows,
      ...(isLast ? { freshness: joinFreshness(streams.map(({ last }) => last.freshness)) } : {}),
    });
    isFirst = false;
  }
}

/** For a batch that is asked and answered by one message. */
export async function wholeAnswer(
  request: QueryBatchRequest,
  stream: (requests: AsyncIterable<QueryBatchStreamRequest>) => AsyncIterable<QueryBatchStreamResponse>,
): Promise<QueryBatchResponse> {
  const { featureset, entities, timestampUs, knownAtUs, timestamp, knownAt, after, inputs, rowInputs } = request;
  const times = present({ timestampUs, knownAtUs, timestamp, knownAt });
  const asked = create(QueryBatchStreamRequestSchema, { featureset, entities, after, inputs, rowInputs, ...times });
  let first: QueryBatchStreamResponse | undefined;
  let freshness: Freshness | undefined;
  const rows: ListValue[] = [];
  for await (const message of stream(once(asked))) {
    first ??= message;
    freshness = message.freshness;
    for (const row of message.rows) rows.push(row);
  }
  const { queryRunId = '', features = [], asOfUs = 0n } = first ?? {};
  return create(QueryBatchResponseSchema, { queryRunId, features, rows, asOfUs, ...(freshness === undefined ? {} : { freshness }) });
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield await Promise.resolve(value);
}

async function wholeBatch(requests: AsyncIterable<QueryBatchStreamRequest>): Promise<WholeBatch> {
  let head: QueryBatchStreamRequest | undefined;
  const entities: EntityKey[] = [];
  const rowInputs: StructValue[] = [];
  for await (const request of requests) {
    head ??= request;
    for (const entity of request.entities) entities.push(entity);
    for (const inputs of request.rowInputs) rowInputs.push(inputs);
  }
  if (head === undefined) throw invalidArgument('featureset', 'the stream ended before its first message: name the featureset there');
  if (rowInputs.length > 0 && rowInputs.length !== entities.length)
    throw invalidArgument('row_inputs', `${rowInputs.length} for ${entities.length} entities: send one for each, or none`);
  return { head, entities, rowInputs };
}

async function* batchMessages({ head, entities, rowInputs }: WholeBatch, rows: readonly number[]): AsyncGenerator<QueryBatchStreamRequest> {
  for (let start = 0; start === 0 || start < rows.length; start += ROWS_PER_MESSAGE) {
    const rowNumbers = rows.slice(start, start + ROWS_PER_MESSAGE);
    const part = {
      entities: rowNumbers.flatMap((row) => entities[row] ?? []),
      rowInputs: rowNumbers.flatMap((row) => rowInputs[row] ?? []),
      rowNumbers,
    };
    yield await Promise.resolve(start === 0 ? { ...head, ...part } : create(QueryBatchStreamRequestSchema, part));
  }
}

/** With a token no earlier than the events behind it (S21). */
function nowFor({ after }: QueryBatchStreamRequest, { clock, tokenKey }: { readonly clock: Clock; readonly tokenKey: TokenKey }): number {
  const nowUs = clock.nowUs();
  return after === '' ? nowUs : Math.max(nowUs, decodeToken(after, tokenKey).eventTimeUs);
}

/** As old as the oldest of them. */
function joinFreshness(parts: readonly (Freshness | undefined)[]) {
  const watermarks = parts.flatMap((part) => part?.watermarkUs ?? []);
  const lags = parts.map((part) => part?.lagUs);
  return {
    ...(watermarks.length === 0 ? {} : { watermarkUs: watermarks.reduce((a, b) => (a < b ? a : b)) }),
    ...(lags.some((lag) => lag === undefined) ? {} : { lagUs: lags.reduce<bigint>((a, b) => (b !== undefined && b > a ? b : a), 0n) }),
  };
}
