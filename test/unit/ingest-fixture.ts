import { noSources } from '../support/no-sources.js';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { LogRequestSchema, type LogRequest, type LogResponse } from '../../gen/thyme/v1/ingest_pb.js';
import { compileRecordCodec, type DatasetRecord } from '../../libs/codec/dataset-record.js';
import type { DatasetDefinition, Definitions } from '../../libs/definition/definitions.js';
import type { Revision } from '../../libs/definition/revision.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { ManualClock } from '../../libs/time/clock.js';
import type { ValueType } from '../../libs/schema/value-type.js';
import { ingestHandlers } from '../../services/ingest/handlers.js';
import { Ingest } from '../../services/ingest/ingest.js';
import { TEST_TOKEN_KEY } from '../support/test-keys.js';

/** 2026-01-31T12:00:00Z, where the fixture's clock stands. */
export const NOW_US = 1_769_860_800_000_000;
export const PARTITIONS = 4;

const required = (kind: 'string' | 'int' | 'float' | 'timestamp' | 'decimal'): ValueType => ({ kind, optional: false });

export const order: DatasetDefinition = {
  name: 'Order',
  version: 1,
  fields: [
    { name: 'user_id', type: required('string') },
    { name: 'quantity', type: { kind: 'int', optional: true } },
    { name: 'amount', type: required('float') },
    { name: 'fee', type: { kind: 'decimal', optional: true } },
    { name: 'fees', type: { kind: 'list', of: required('decimal'), optional: true } },
    { name: 'ordered_at', type: required('timestamp') },
  ],
  keys: ['user_id'],
  timestamp: 'ordered_at',
  index: false,
  publish: false,
  maxFutureUs: 600e6,
  expectations: [
    { kind: 'between', field: 'amount', min: 0.01, max: 100, mostly: 0.99 },
    { kind: 'notNull', field: 'quantity', mostly: 0.5 },
  ],
};

const stats: DatasetDefinition = { ...order, name: 'OrderStats', expectations: [] };

const definitions: Definitions = {
  datasets: [order, stats],
  sources: [],
  pipelines: [{ name: 'OrderStats.stats', version: 1, output: 'OrderStats', inputs: ['Order'], steps: [] }],
  featuresets: [],
};

export const revision: Revision = { number: 1, createdUs: 0, definitions, bundle: { sha256: '', code: '' }, timelines: [] };

export interface Fixture {
  readonly log: MemoryLog;
  readonly ingest: Ingest;
  room: boolean;
  push(request: MessageInitShape<typeof LogRequestSchema>): Promise<LogResponse>;
  pushJson(records: unknown, more?: MessageInitShape<typeof LogRequestSchema>): Promise<LogResponse>;
  /** What the dataset topic holds, partition by partition. */
  stored(): Promise<readonly DatasetRecord[]>;
  dead(): Promise<readonly Record<string, unknown>[]>;
}

export async function ingestFixture(): Promise<Fixture> {
  const log = new MemoryLog();
  for (const topic of ['d.Order.v1', 'd.Order.v1.dead']) await log.createTopic(topic, PARTITIONS);
  const ingest = new Ingest({
    deployment: 'd',
    log,
    revisions: { latest: () => revision },
    clock: new ManualClock(NOW_US),
    tokenKey: TEST_TOKEN_KEY,
    keysRequired: false,
    hasRoom: () => fixture.room,
  });
  const handlers = ingestHandlers(ingest, noSources);
  const push = (request: MessageInitShape<typeof LogRequestSchema>) =>
    handlers.log(requestOf(request), { signal: new AbortController().signal });
  const codec = compileRecordCodec(order.fields);
  const fixture: Fixture = {
    log,
    ingest,
    room: true,
    push,
    pushJson: (records, more) =>
      push({ dataset: 'Order', json: Buffer.from(typeof records === 'string' ? records : JSON.stringify(records)), ...more }),
    stored: async () => (await readAll(log, 'd.Order.v1')).map((value) => codec.decode(value)),
    dead: async () =>
      (await readAll(log, 'd.Order.v1.dead')).map((value) => JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>),
  };
  return fixture;
}

export function requestOf(request: MessageInitShape<typeof LogRequestSchema>): LogRequest {
  return create(LogRequestSchema, request);
}

/** A record of `Order` as JSON has it. */
export function orderOf(members: object = {}): object {
  return { user_id: 'u1', amount: 1.5, ordered_at: '2026-01-31T11:59:00Z', ...members };
}

async function readAll(log: MemoryLog, topic: string): Promise<Uint8Array[]> {
  const values: Uint8Array[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { records } = await log.read({ topic, partition }, 0, { recordsMax: 1e6, bytesMax: 1e9 });
    values.push(...records.map((record) => record.value));
  }
  return values;
}
