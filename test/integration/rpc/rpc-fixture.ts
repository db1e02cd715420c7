import {
  ListSourcesResponseSchema,
  ResetSourceResponseSchema,
  SetSourcePausedResponseSchema,
  TestSourceResponseSchema,
} from '../../../gen/thyme/v1/sources_pb.js';
import { EraseResponseSchema, GetErasureResponseSchema } from '../../../gen/thyme/v1/erasures_pb.js';
import { create } from '@bufbuild/protobuf';
import { expect } from 'chai';
import {
  IngestService,
  ListDeadLettersResponseSchema,
  ListLateRecordsResponseSchema,
  ListNewestRecordsResponseSchema,
  ListIntakesResponseSchema,
  PushDeadLetterResponseSchema,
  LogResponseSchema,
} from '../../../gen/thyme/v1/ingest_pb.js';
import {
  RegistryService,
  GetResponseSchema,
  ListResponseSchema,
  PlanResponseSchema,
  CommitResponseSchema,
} from '../../../gen/thyme/v1/registry_pb.js';
import type { Authorize } from '../../../libs/config/api-keys.js';
import { openChannel, type RpcChannel } from '../../../libs/rpc/client.js';
import type { CallContext, ServiceHandlers } from '../../../libs/rpc/handlers.js';
import { createRpcServer, type RpcServer } from '../../../libs/rpc/server.js';
import { createLogger } from '../../../libs/telemetry/logger.js';
import { systemClock } from '../../../libs/time/clock.js';
import { MetricsRegistry } from '../../../libs/telemetry/metrics.js';
import { authorizeEverybody } from '../../support/test-keys.js';

type Registry = ServiceHandlers<typeof RegistryService>;
type Ingest = ServiceHandlers<typeof IngestService>;

/** A server with a registry and an ingest of which a test gives the methods that it needs, and a channel to it. */
export class RpcFixture {
  readonly logLines: string[] = [];
  readonly metrics = new MetricsRegistry();
  server!: RpcServer;
  channel!: RpcChannel;

  async serve(
    handlers: { readonly registry?: Partial<Registry>; readonly ingest?: Partial<Ingest> },
    authorize: Authorize = authorizeEverybody,
  ): Promise<void> {
    const logger = createLogger({ level: 'info', clock: systemClock, write: (line) => this.logLines.push(line) });
    this.server = createRpcServer({ host: '127.0.0.1', port: 0, authorize, logger, metrics: this.metrics, clock: systemClock });
    this.server.add(RegistryService, { ...idleRegistry, ...handlers.registry }, { endless: ['watch'] });
    this.server.add(IngestService, { ...idleIngest, ...handlers.ingest });
    await this.server.start();
    this.channel = openChannel({ target: `127.0.0.1:${this.server.port}` });
  }

  /** A channel that carries the key. The caller closes the one before it. */
  openAs(apiKey?: string): RpcChannel {
    return openChannel({ target: `127.0.0.1:${this.server.port}`, ...(apiKey === undefined ? {} : { apiKey }) });
  }

  async stop(): Promise<void> {
    this.channel.close();
    await this.server.stop({ graceMs: 1_000 });
  }
}

export const idleRegistry: Registry = {
  plan: () => create(PlanResponseSchema),
  commit: () => create(CommitResponseSchema),
  get: () => create(GetResponseSchema),
  list: () => create(ListResponseSchema),
  async *watch() {},
};

const idleIngest: Ingest = {
  log: () => create(LogResponseSchema),
  async *logStream() {},
  erase: () => create(EraseResponseSchema),
  getErasure: () => create(GetErasureResponseSchema),
  listDeadLetters: () => create(ListDeadLettersResponseSchema),
  listNewestRecords: () => create(ListNewestRecordsResponseSchema),
  listLateRecords: () => create(ListLateRecordsResponseSchema),
  pushDeadLetter: () => create(PushDeadLetterResponseSchema),
  listIntakes: () => create(ListIntakesResponseSchema),
  listSources: () => create(ListSourcesResponseSchema),
  testSource: () => create(TestSourceResponseSchema),
  setSourcePaused: () => create(SetSourcePausedResponseSchema),
  resetSource: () => create(ResetSourceResponseSchema),
};

export function live(): CallContext {
  return { signal: new AbortController().signal };
}

/** A promise that another part of the test resolves. */
export function latch(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

export async function failure(work: unknown): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

/** Until the value has not changed for so many turns of the event loop, in which a handler that may run on does. */
export async function settled(value: () => number): Promise<void> {
  for (let turns = 0, last = value(); turns < 500; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (value() !== last) [turns, last] = [0, value()];
  }
}

export async function eventually(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(holds()).to.equal(true);
}
