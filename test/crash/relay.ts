import type { DescService } from '@bufbuild/protobuf';
import { setTimeout as sleep } from 'node:timers/promises';
import { AggregatorService } from '../../gen/thyme/v1/jobs_pb.js';
import { IngestService } from '../../gen/thyme/v1/ingest_pb.js';
import { RegistryService } from '../../gen/thyme/v1/registry_pb.js';
import { ReplicationService } from '../../gen/thyme/v1/replication_pb.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { createClient, openChannel, type RpcChannel } from '../../libs/rpc/client.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import { createRpcServer, type RpcServer } from '../../libs/rpc/server.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import { systemClock } from '../../libs/time/clock.js';
import { authorizeEverybody, TEST_INTERNAL_KEY } from '../support/test-keys.js';

const POLL_MS = 20;
/** A snapshot is passed on this slowly, message by message: reads have to go on meanwhile. */
const SNAPSHOT_PAUSE_MS = 700;

/**
 * An owner as a replica sees it over a bad line: it passes everything on, holds the change stream back while it
 * is told to, and forgets the changes that were meanwhile, so that only a snapshot helps.
 */
export class Relay {
  /** Nothing of the change stream is passed on, not even heartbeats. */
  held = false;
  /** Subscriptions that were refused, and snapshots that were served. */
  refused = 0;
  snapshots = 0;
  readonly #channel: RpcChannel;
  readonly #server: RpcServer;
  #forgotten = 0;

  constructor(owner: string, port: number) {
    this.#channel = openChannel({ target: owner, apiKey: TEST_INTERNAL_KEY });
    const logger = createLogger({ level: 'error', clock: systemClock });
    this.#server = createRpcServer({
      host: '127.0.0.1',
      port,
      authorize: authorizeEverybody,
      logger,
      metrics: new MetricsRegistry(),
      clock: systemClock,
    });
    const through = <Service extends DescService>(service: Service): ServiceHandlers<Service> => createClient(service, this.#channel);
    this.#server.add(RegistryService, through(RegistryService), { endless: ['watch'] });
    this.#server.add(IngestService, through(IngestService));
    this.#server.add(AggregatorService, through(AggregatorService));
    this.#server.add(ReplicationService, this.#replication(through(ReplicationService)), { endless: ['subscribe'] });
  }

  async start(): Promise<string> {
    await this.#server.start();
    return `127.0.0.1:${this.#server.port}`;
  }

  async stop(): Promise<void> {
    await this.#server.stop({ graceMs: 1_000 });
    this.#channel.close();
  }

  /** Ends what is subscribed, and refuses the next subscription of so many: their changes are gone. */
  forget(subscriptions: number): void {
    this.#forgotten = subscriptions;
    this.held = false;
  }

  #replication(owner: ServiceHandlers<typeof ReplicationService>): ServiceHandlers<typeof ReplicationService> {
    const refuse = (): void => {
      if (this.#forgotten === 0) return;
      this.#forgotten--;
      this.refused++;
      throw new ThymeError('THYME_CHANGES_TRIMMED', 'OUT_OF_RANGE', 'the changes are gone: take a snapshot');
    };
    const held = (): boolean => this.held;
    const countSnapshot = (): number => this.snapshots++;
    return {
      async *subscribe(request, context) {
        for await (const message of owner.subscribe(request, context)) {
          while (held()) await sleep(POLL_MS);
          refuse();
          yield message;
        }
      },
      async *snapshot(request, context) {
        countSnapshot();
        for await (const message of owner.snapshot(request, context)) {
          await sleep(SNAPSHOT_PAUSE_MS);
          yield message;
        }
      },
    };
  }
}
