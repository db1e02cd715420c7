import { join } from 'node:path';
import type { CommandContext, Terminal } from '../../libs/cli/command.js';
import { RestClient } from '../../libs/client/rest-client.js';
import { EventRing } from '../../libs/telemetry/event-ring.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import { systemClock } from '../../libs/time/clock.js';
import { openPlatform, type Platform } from '../../services/platform.js';
import { loadServeConfig } from '../../services/serve-config.js';
import { temporaryFolder } from './temporary-folder.js';

/** The whole platform in the test's process: all roles, free ports, a folder of its own. */
export interface EmbeddedPlatform {
  readonly url: string;
  readonly client: RestClient;
  /** For commands of the CLI; what they print is kept. */
  readonly context: CommandContext;
  readonly printed: string[];
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly partitions?: number;
  /** Read at the time of need; a temporary one when absent. */
  readonly dataDir?: string;
}

export async function startEmbeddedPlatform({ partitions = 1, dataDir = join(temporaryFolder(), 'data') }: EmbeddedOptions = {}): Promise<EmbeddedPlatform> {
  const config = loadServeConfig([], { THYME_REST_PORT: '0', THYME_GRPC_PORT: '0', THYME_DATA_DIR: dataDir, THYME_PARTITIONS: String(partitions), THYME_LOG_LEVEL: 'warn' });
  const logger = createLogger({ level: config.logLevel, clock: systemClock });
  const platform = await openPlatform(config, { clock: systemClock, logger, metrics: new MetricsRegistry(), events: new EventRing(systemClock) });
  await platform.start();
  return around(platform);
}

function around(platform: Platform): EmbeddedPlatform {
  const url = platform.restUrl ?? '';
  const printed: string[] = [];
  const terminal: Terminal = { out: (line) => void printed.push(line), err: (line) => void printed.push(line), progress: () => undefined };
  const client = new RestClient({ apiUrl: url });
  return { url, client, printed, context: { terminal, client, webUrl: undefined }, stop: () => platform.stop({ graceMs: 5_000 }) };
}
