// The engine's answers as generated messages.
import { create } from '@bufbuild/protobuf';
import {
  QueryBatchStreamResponseSchema,
  QueryOfflineResponseSchema,
  type FeatureValue,
  type Freshness as FreshnessMessage,
  type QueryBatchStreamResponse,
  type QueryOfflineResponse,
  type QueryResponse,
} from '../../gen/thyme/v1/query_pb.js';
import type { ListValue } from '../../gen/thyme/v1/values_pb.js';
import type { Field, Row } from '../../libs/schema/value-type.js';
import { int64IfAny } from '../../libs/wire/integers.js';
import { valueToProto } from '../../libs/wire/values.js';
import type { BatchAnswer, BatchPart, Freshness, OfflineAnswer, QueryAnswer } from './answers.js';
import type { TakePart } from './batch-query.js';
import { pulled } from './pulled.js';

/** Written out like its values (libs/wire/values.ts): no other message is made as often. */
export function queryResponse({ queryRunId, columns, row, asOfUs, freshness, pointInTime }: QueryAnswer): QueryResponse {
  const features = columns.map(({ name, type }, i): FeatureValue => ({
    $typeName: 'thyme.v1.FeatureValue',
    name,
    value: valueToProto(row[i] ?? null, type),
  }));
  return {
    $typeName: 'thyme.v1.QueryResponse',
    queryRunId,
    features,
    asOfUs: BigInt(asOfUs),
    freshness: freshnessOf(freshness),
    pointInTime,
  };
}

/** One part is behind what is evaluated, so that the last one can carry the freshness. */
export async function* batchResponses(
  stream: (take: TakePart) => Promise<Omit<BatchAnswer, 'rows'>>,
): AsyncGenerator<QueryBatchStreamResponse> {
  let freshness: Freshness | undefined;
  const parts = pulled<BatchPart>(async (hand) => {
    ({ freshness } = await stream(hand));
  });
  let part: BatchPart | undefined;
  let isFirst = true;
  for await (const next of parts) {
    if (part !== undefined) {
      yield batchResponse(part, isFirst);
      isFirst = false;
    }
    part = next;
  }
  if (part !== undefined) yield batchResponse(part, isFirst, freshness);
}

function batchResponse({ head, rows }: BatchPart, isFirst: boolean, freshness?: Freshness): QueryBatchStreamResponse {
  const { queryRunId, columns, asOfUs } = head;
  return create(QueryBatchStreamResponseSchema, {
    ...(isFirst ? { queryRunId, features: namesOf(columns), asOfUs: BigInt(asOfUs) } : {}),
    rows: rows.map((row) => listOf(row, columns)),
    ...(freshness === undefined ? {} : { freshness: freshnessOf(freshness) }),
  });
}

/** The first message carries the names, so there is one also where no row is asked. */
export async function* offlineResponses({ queryRunId, columns, rows }: OfflineAnswer): AsyncGenerator<QueryOfflineResponse> {
  let head: { readonly queryRunId: string; readonly features: string[] } | undefined = { queryRunId, features: namesOf(columns) };
  for await (const chunk of rows) {
    yield create(QueryOfflineResponseSchema, { ...head, rows: chunk.map(({ row }) => listOf(row, columns)) });
    head = undefined;
  }
  if (head !== undefined) yield create(QueryOfflineResponseSchema, head);
}

export function namesOf(columns: readonly Field[]): string[] {
  return columns.map(({ name }) => name);
}

export function listOf(row: Row, columns: readonly Field[]): ListValue {
  return { $typeName: 'thyme.v1.ListValue', values: columns.map(({ type }, i) => valueToProto(row[i] ?? null, type)) };
}

export function structOf(row: Row, columns: readonly Field[]) {
  return Object.fromEntries(columns.map(({ name, type }, i) => [name, valueToProto(row[i] ?? null, type)]));
}

export function freshnessOf({ watermarkUs, lagUs }: Freshness): FreshnessMessage {
  return { $typeName: 'thyme.v1.Freshness', watermarkUs: int64IfAny(watermarkUs), lagUs: int64IfAny(lagUs) };
}
