import type { IngestService } from '../../gen/thyme/v1/ingest_pb.js';
import type { AggregatorService } from '../../gen/thyme/v1/jobs_pb.js';
import type { KeyService } from '../../gen/thyme/v1/keys_pb.js';
import type { QueryService } from '../../gen/thyme/v1/query_pb.js';
import type { RegistryService } from '../../gen/thyme/v1/registry_pb.js';
import type { RequiredScope } from '../../libs/config/api-keys.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import type { EventRing } from '../../libs/telemetry/event-ring.js';
import type { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import type { Clock } from '../../libs/time/clock.js';
import type { Reads } from './reads.js';

/** What the routes stand on. The handlers may be in this process (the services' own) or elsewhere (`createClient`). */
export interface GatewayServices {
  readonly query: ServiceHandlers<typeof QueryService>;
  /** Reads of one entity by who answers them in this very process; `query` is asked where it is absent. */
  readonly reads?: Reads | undefined;
  readonly ingest: ServiceHandlers<typeof IngestService>;
  readonly registry: ServiceHandlers<typeof RegistryService>;
  readonly aggregator: ServiceHandlers<typeof AggregatorService>;
  readonly keys: ServiceHandlers<typeof KeyService>;
  /** That the server on this port has the key of its data folder; undefined where it has none. */
  readonly proveFolderKey: (nonce: string, port: number) => string | undefined;
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  readonly events: EventRing;
  /** What /metrics asks for; nothing when absent. */
  readonly metricsScope?: RequiredScope;
  /** The program's version, as OpenAPI tells it. */
  readonly version: string;
  /** Whether all that the gateway needs can answer: what /health says. */
  isReady(): boolean;
}
