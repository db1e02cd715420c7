import type { IngestService } from '../../gen/thyme/v1/ingest_pb.js';
import type { AggregatorService } from '../../gen/thyme/v1/jobs_pb.js';
import type { QueryService } from '../../gen/thyme/v1/query_pb.js';
import type { RegistryService } from '../../gen/thyme/v1/registry_pb.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import type { EventRing } from '../../libs/telemetry/event-ring.js';
import type { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import type { Clock } from '../../libs/time/clock.js';

/** What the routes stand on. The handlers may be in this process (the services' own) or elsewhere (`createClient`). */
export interface GatewayServices {
  readonly query: ServiceHandlers<typeof QueryService>;
  readonly ingest: ServiceHandlers<typeof IngestService>;
  readonly registry: ServiceHandlers<typeof RegistryService>;
  readonly aggregator: ServiceHandlers<typeof AggregatorService>;
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  readonly events: EventRing;
  /** Of the program, as OpenAPI tells it. */
  readonly version: string;
  /** Whether all that the gateway needs can answer: what /health says. */
  isReady(): boolean;
}
