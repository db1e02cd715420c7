import { create } from '@bufbuild/protobuf';
import {
  GetQueryRunResponseSchema,
  ListPartitionsResponseSchema,
  ListQueryRunsResponseSchema,
  ListEntitiesResponseSchema,
  ListRowsResponseSchema,
  LookupOverTimeResponseSchema,
  LookupResponseSchema,
  QueryBatchResponseSchema,
  QueryBatchStreamResponseSchema,
  QueryOfflineResponseSchema,
  QueryResponseSchema,
  QueryRun_Kind,
  QueryRunSchema,
  ReplayQueryRunResponseSchema,
} from '../../../gen/thyme/v1/query_pb.js';
import { ListValueSchema, ValueSchema, type ListValue, type Value } from '../../../gen/thyme/v1/values_pb.js';
import { notFound } from '../../../libs/errors/errors.js';
import type { GatewayServices } from '../../../services/gateway/gateway-services.js';

export const NEW_YEAR_US = 1_767_225_600_000_000n; // 2026-01-01T00:00:00Z

export const FEATURES = ['user_id', 'count', 'total', 'risky', 'last_at'];

export function value(kind: Value['kind']): Value {
  return create(ValueSchema, { kind });
}

/** A row of Signals. */
export function signals(user: string, total: number | null = 5): ListValue {
  return create(ListValueSchema, {
    values: [
      { kind: { case: 'stringValue', value: user } },
      { kind: { case: 'intValue', value: 5n } },
      total === null ? {} : { kind: { case: 'floatValue', value: total } },
      { kind: { case: 'boolValue', value: true } },
      { kind: { case: 'timestampUs', value: NEW_YEAR_US + 1n } },
    ],
  });
}

/** Answers like a QueryService that has the featureset Signals. */
export const fakeQuery: GatewayServices['query'] = {
  listPartitions: () => create(ListPartitionsResponseSchema, { partitionCount: 2, partitions: [0, 1] }),
  query: ({ featureset, timestampUs }) => {
    if (featureset === 'Signalz') throw notFound('featureset', featureset, ['Signals']);
    const { values } = signals('user_1');
    return create(QueryResponseSchema, {
      queryRunId: 'run-1',
      asOfUs: timestampUs ?? NEW_YEAR_US,
      pointInTime: timestampUs !== undefined,
      freshness: { watermarkUs: NEW_YEAR_US, lagUs: 250n },
      features: FEATURES.map((name, i) => (values[i] === undefined ? { name } : { name, value: values[i] })),
    });
  },
  queryBatch: ({ entities }) =>
    create(QueryBatchResponseSchema, {
      queryRunId: 'run-2',
      asOfUs: NEW_YEAR_US,
      features: FEATURES,
      rows: entities.map((_entity, i) => signals(`user_${i}`, i % 2 === 0 ? i : null)),
    }),
  async *queryBatchStream(requests) {
    let [isFirst, count] = [true, 0];
    for await (const { entities } of requests) {
      yield create(QueryBatchStreamResponseSchema, {
        ...(isFirst ? { queryRunId: 'run-2', asOfUs: NEW_YEAR_US, features: FEATURES } : {}),
        rows: entities.map((_entity, i) => signals(`user_${count + i}`, (count + i) % 2 === 0 ? count + i : null)),
      });
      count += entities.length;
      isFirst = false;
    }
    yield create(QueryBatchStreamResponseSchema, { freshness: {} });
  },
  async *queryOffline(requests) {
    let isFirst = true;
    for await (const { questions } of requests) {
      yield create(QueryOfflineResponseSchema, {
        ...(isFirst ? { queryRunId: 'run-3', features: FEATURES } : {}),
        rows: questions.map(({ timestampUs }) => signals('user', Number(timestampUs % 1_000n))),
      });
      isFirst = false;
    }
  },
  lookup: ({ dataset, entity }) => {
    if (dataset === 'Ordr') throw notFound('dataset', dataset, ['Order']);
    const answer = { queryRunId: 'run-4', asOfUs: NEW_YEAR_US };
    const isKnown = entity?.values[0]?.kind.value === 'user_1';
    return create(
      LookupResponseSchema,
      isKnown ? { ...answer, row: { fields: { amount: { kind: { case: 'floatValue', value: 5 } } } } } : answer,
    );
  },
  lookupOverTime: ({ timestampsUs }) => create(LookupOverTimeResponseSchema, { queryRunId: 'run-7', rows: timestampsUs.map(() => ({})) }),
  listRows: ({ dataset, limit }) => {
    if (dataset === 'Ordr') throw notFound('dataset', dataset, ['Order']);
    const values = { amount: { kind: { case: 'floatValue' as const, value: 5 } } };
    return create(ListRowsResponseSchema, {
      queryRunId: 'run-6',
      asOfUs: NEW_YEAR_US,
      windowUs: 3_600_000_000n,
      value: { kind: { case: 'intValue', value: 1n } },
      count: 1n,
      rows: [{ eventTimeUs: NEW_YEAR_US, knownUs: NEW_YEAR_US, endUs: NEW_YEAR_US + 1n, values }],
      nextCursor: limit === 1 ? 'c3' : '',
    });
  },
  listEntities: ({ featureset, limit }) => {
    if (featureset === 'Signls') throw notFound('featureset', featureset, ['Signals']);
    const text = (value: string) => ({ kind: { case: 'stringValue' as const, value } });
    const isRoute = featureset === 'Routes';
    return create(ListEntitiesResponseSchema, {
      fields: isRoute ? ['from', 'to'] : ['user_id'],
      entities: [{ values: isRoute ? [text('ATL'), text('ORD')] : [text('user_1')] }],
      nextCursor: limit === 1 ? 'c4' : '',
    });
  },
  listQueryRuns: () =>
    create(ListQueryRunsResponseSchema, {
      nextCursor: 'c2',
      runs: [
        {
          id: 'run-1',
          featureset: 'Signals',
          entities: [{ values: [{ kind: { case: 'stringValue', value: 'u' } }] }],
          kind: QueryRun_Kind.ONLINE,
          rowCount: 1n,
          hitCount: 1n,
          latencyMs: 2,
          apiKeyFingerprint: 'deadbeef',
          createdUs: NEW_YEAR_US,
        },
      ],
    }),
  getQueryRun: ({ id }) => {
    if (id !== 'run-1') throw notFound('query run', id, []);
    return create(GetQueryRunResponseSchema, {
      run: create(QueryRunSchema, { id, kind: QueryRun_Kind.BATCH, createdUs: NEW_YEAR_US, requestedTimestampUs: NEW_YEAR_US }),
    });
  },
  replayQueryRun: () =>
    create(ReplayQueryRunResponseSchema, {
      kind: QueryRun_Kind.ONLINE,
      features: ['count'],
      rows: [{ values: [{ kind: { case: 'intValue', value: 5n } }] }],
      asOfUs: NEW_YEAR_US,
    }),
};
