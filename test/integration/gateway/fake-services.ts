import { CreateKeyResponseSchema, ListKeysResponseSchema, RevokeKeyResponseSchema } from '../../../gen/thyme/v1/keys_pb.js';
import { ErasureReceipt_State, EraseResponseSchema, GetErasureResponseSchema } from '../../../gen/thyme/v1/erasures_pb.js';
import {
  ListSourcesResponseSchema,
  ResetSourceResponseSchema,
  SetSourcePausedResponseSchema,
  SourceStatus_Phase,
  TestSourceResponseSchema,
} from '../../../gen/thyme/v1/sources_pb.js';
import { create } from '@bufbuild/protobuf';
import {
  ListDeadLettersResponseSchema,
  ListLateRecordsResponseSchema,
  ListNewestRecordsResponseSchema,
  ListIntakesResponseSchema,
  LogResponseSchema,
  PushDeadLetterResponseSchema,
} from '../../../gen/thyme/v1/ingest_pb.js';
import { ListJobsResponseSchema } from '../../../gen/thyme/v1/jobs_pb.js';
import {
  CommitResponseSchema,
  GetResponseSchema,
  ListResponseSchema,
  PlanResponse_Change_Kind,
  PlanResponseSchema,
  WatchResponseSchema,
} from '../../../gen/thyme/v1/registry_pb.js';
import type { Authorize } from '../../../libs/config/api-keys.js';
import type { Definitions } from '../../../libs/definition/definitions.js';
import type { Route } from '../../../libs/rest/route.js';
import type { RestServer } from '../../../libs/rest/server.js';
import { EventRing } from '../../../libs/telemetry/event-ring.js';
import { createLogger } from '../../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../../libs/telemetry/metrics.js';
import { systemClock } from '../../../libs/time/clock.js';
import { revisionToProto } from '../../../libs/wire/revisions.js';
import { createGateway } from '../../../services/gateway/gateway.js';
import type { GatewayServices } from '../../../services/gateway/gateway-services.js';
import { authorizeEverybody } from '../../support/test-keys.js';
import { fakeQuery, NEW_YEAR_US } from './fake-query.js';

const text = { kind: 'string', optional: false } as const;
const float = { kind: 'float', optional: true } as const;

export const DEFINITIONS: Definitions = {
  datasets: [
    {
      name: 'Order',
      version: 1,
      keys: ['user_id'],
      timestamp: 'at',
      index: true,
      publish: false,
      maxLatenessUs: 3_600e6,
      maxFutureUs: 600e6,
      expectations: [],
      fields: [
        { name: 'user_id', type: text },
        { name: 'amount', type: float },
        { name: 'at', type: { kind: 'timestamp', optional: false } },
      ],
    },
    {
      name: 'Stats',
      version: 2,
      keys: ['user_id'],
      timestamp: 'at',
      index: true,
      publish: false,
      maxFutureUs: 600e6,
      expectations: [],
      fields: [
        { name: 'user_id', type: text },
        { name: 'total', type: float },
        { name: 'at', type: { kind: 'timestamp', optional: false } },
      ],
    },
  ],
  sources: [
    {
      dataset: 'Order',
      connector: 'postgres',
      config: { table: 'orders', password: { secret: 'env:PG_PASSWORD' } },
      cursor: 'at',
      everyUs: 5e6,
      cdc: 'append',
    },
  ],
  pipelines: [
    {
      name: 'Stats.stats',
      version: 3,
      output: 'Stats',
      inputs: ['Order'],
      steps: [],
      aggregate: { groupBy: ['user_id'], aggregations: [{ field: 'total', operator: 'sum', of: 'amount', windowUs: 86_400e6 }] },
    },
  ],
  featuresets: [
    {
      name: 'Signals',
      entity: ['user_id'],
      features: [
        { name: 'user_id', id: 1, type: text, input: false },
        { name: 'count', id: 2, type: { kind: 'int', optional: false }, input: false },
        { name: 'total', id: 3, type: float, input: false },
        { name: 'risky', id: 4, type: { kind: 'bool', optional: false }, input: false },
        { name: 'last_at', id: 5, type: { kind: 'timestamp', optional: true }, input: false },
      ],
      extractors: [{ name: 'risk', inputs: ['count'], outputs: ['risky'], function: 'f1' }],
    },
    {
      name: 'Routes',
      entity: ['origin', 'destination'],
      features: [
        { name: 'origin', id: 1, type: text, input: false },
        { name: 'destination', id: 2, type: text, input: false },
      ],
      extractors: [],
    },
  ],
};

const FAKE_RECEIPT = {
  dataset: 'Order',
  version: 1,
  entity: 'a',
  askedUs: NEW_YEAR_US,
  state: ErasureReceipt_State.APPLIED,
  partitions: [0],
  effects: [{ reader: 'Stats.build', version: 1, fills: 'Stats', effect: 'erased', rows: 3n, partitionsPassed: 1 }],
  rows: 3n,
  due: [{ what: 'bytes' }],
};
const FAKE_KEY = { name: 'web', sha256: 'ab'.repeat(32), scopes: ['read'], createdUs: NEW_YEAR_US };

export function fakeServices(overrides: Partial<GatewayServices> = {}): GatewayServices {
  return {
    query: { ...fakeQuery, ...overrides.query },
    proveFolderKey: () => undefined,
    keys: {
      createKey: () => create(CreateKeyResponseSchema, { key: FAKE_KEY, secret: 'thyme_secret' }),
      listKeys: () => create(ListKeysResponseSchema, { keys: [FAKE_KEY] }),
      revokeKey: () => create(RevokeKeyResponseSchema, { key: { ...FAKE_KEY, revokedUs: NEW_YEAR_US + 1n } }),
      async *watchKeys() {},
    },
    ingest: {
      log: () => create(LogResponseSchema, { eventsSent: 2n, token: 't1' }),
      async *logStream() {},
      erase: ({ dataset, entities }) =>
        create(EraseResponseSchema, { receipts: entities.map((_, i) => ({ ...FAKE_RECEIPT, id: `er_${i}`, dataset })), token: 't2' }),
      getErasure: ({ id }) => create(GetErasureResponseSchema, { receipt: { ...FAKE_RECEIPT, id } }),
      listDeadLetters: ({ dataset }) =>
        create(ListDeadLettersResponseSchema, {
          deadLetters: [{ id: '0-1', reason: `${dataset}.amount: required`, version: 1, atUs: NEW_YEAR_US, record: '{}' }],
        }),
      listNewestRecords: () => create(ListNewestRecordsResponseSchema, { records: [{ eventTimeUs: NEW_YEAR_US, lane: 'push' }] }),
      listLateRecords: ({ dataset }) =>
        create(ListLateRecordsResponseSchema, {
          lateRecords: [{ eventTimeUs: NEW_YEAR_US, reason: `${dataset} is late` }],
          found: 1n,
          judged: 2n,
        }),
      pushDeadLetter: () => create(PushDeadLetterResponseSchema, { token: 'token-2' }),
      listIntakes: () =>
        create(ListIntakesResponseSchema, {
          intakes: [
            {
              dataset: 'Order',
              accepted: 10n,
              refused: 1n,
              expectations: [{ expectation: 'amount at least 0', mostly: 0.9, checked: 10n, failed: 2n }],
            },
          ],
        }),
      listSources: () =>
        create(ListSourcesResponseSchema, {
          sources: [
            { dataset: 'Order', version: 1, connector: 'postgres', phase: SourceStatus_Phase.WAITING, position: 'behind 7', rows: 12n },
          ],
        }),
      testSource: () => create(TestSourceResponseSchema, { steps: [{ what: 'reached', ok: true, detail: 'it answers' }] }),
      setSourcePaused: () => create(SetSourcePausedResponseSchema),
      resetSource: ({ to }) => create(ResetSourceResponseSchema, { position: `behind ${to}` }),
      ...overrides.ingest,
    },
    registry: {
      get: () =>
        create(GetResponseSchema, {
          revision: revisionToProto({
            number: 7,
            createdUs: Number(NEW_YEAR_US),
            definitions: DEFINITIONS,
            bundle: { sha256: '', code: '' },
            timelines: [],
          }),
        }),
      commit: () =>
        create(CommitResponseSchema, {
          revision: 8n,
          changes: [{ kind: PlanResponse_Change_Kind.NEEDS_BACKFILL, subject: 'Stats', detail: 'new' }],
        }),
      plan: () =>
        create(PlanResponseSchema, {
          baseRevision: 7n,
          problems: [{ place: 'A', message: 'b', fix: 'c' }],
          backfills: [{ name: 'A.b', version: 1, inputs: ['B'], records: 2n, bytes: 3n }],
        }),
      list: () => create(ListResponseSchema),
      async *watch() {
        yield create(WatchResponseSchema);
      },
      ...overrides.registry,
    },
    aggregator: {
      listJobs: () =>
        create(ListJobsResponseSchema, {
          tasks: [0, 1].map((partition) => ({
            partition,
            epoch: 1n,
            seq: 9n,
            revision: 7n,
            jobs: [{ name: 'Stats.stats', version: 3, lag: 4n, caughtUp: partition === 0, read: 10n, applied: 9n, filtered: 1n }],
          })),
        }),
      ...overrides.aggregator,
    },
    clock: systemClock,
    metrics: overrides.metrics ?? new MetricsRegistry(),
    events: overrides.events ?? new EventRing(systemClock),
    version: '0.1.0',
    isReady: overrides.isReady ?? (() => true),
  };
}

export interface RunningGateway {
  readonly server: RestServer;
  readonly url: string;
  readonly logLines: string[];
}

export async function startGateway(
  overrides: Partial<GatewayServices> = {},
  options: { readonly authorize?: Authorize; readonly pageRoutes?: readonly Route[] } = {},
): Promise<RunningGateway> {
  const logLines: string[] = [];
  const services = fakeServices(overrides);
  const logger = createLogger({ level: 'info', clock: systemClock, write: (line) => logLines.push(line) });
  const server = createGateway({
    host: '127.0.0.1',
    port: 0,
    services,
    authorize: options.authorize ?? authorizeEverybody,
    logger,
    metrics: services.metrics,
    clock: systemClock,
    pageRoutes: options.pageRoutes ?? [],
  });
  await server.start();
  return { server, url: `http://127.0.0.1:${server.port}`, logLines };
}
