import type { EventRing } from '../../libs/telemetry/event-ring.js';
import type { Logger } from '../../libs/telemetry/logger.js';
import type { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import type { Clock } from '../../libs/time/clock.js';

/** What every role of a process tells by, and the clock that it goes by. */
export interface Telemetry {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly events: EventRing;
}
