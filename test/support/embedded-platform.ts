import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandContext, Terminal } from '../../libs/cli/command.js';
import { RestClient } from '../../libs/client/rest-client.js';
import { EventRing } from '../../libs/telemetry/event-ring.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import { systemClock } from '../../libs/time/clock.js';
import { openPlatform, type Platform } from '../../services/platform.js';
import { loadServeConfig } from '../../services/serve-config.js';

/** The whole platform in the test's process: all roles, free ports, a folder of its own. */
export interface EmbeddedPlatform {
  readonly url: string;
  /** `host:port` of gRPC. */
  readonly grpcTarget: string;
  readonly client: RestClient;
  /** For commands of the CLI; what they print is kept. */
  readonly context: CommandContext;
  readonly printed: string[];
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly partitions?: number;
  /** Left as it is by `stop`; a temporary one, which `stop` removes, when absent. */
  readonly dataDir?: string;
  /** Records a second that backfills read, of each partition. */
  readonly backfillRecordsPerS?: number;
  /** Takes what is logged; standard error where absent. */
  readonly log?: (line: string) => void;
}

export async function startEmbeddedPlatform({ dataDir, ...options }: EmbeddedOptions = {}): Promise<EmbeddedPlatform> {
  if (dataDir !== undefined) return startIn(dataDir, options);
  // Not one that goes with the running test: a suite may start its platform once, in `before`.
  const folder = mkdtempSync(join(tmpdir(), 'thyme-platform-'));
  const platform = await startIn(join(folder, 'data'), options);
  return {
    ...platform,
    async stop() {
      await platform.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startIn(dataDir: string, { partitions = 1, backfillRecordsPerS, log }: EmbeddedOptions): Promise<EmbeddedPlatform> {
  const backfill = backfillRecordsPerS === undefined ? {} : { THYME_BACKFILL_RECORDS_PER_S: String(backfillRecordsPerS) };
  const config = loadServeConfig([], { THYME_REST_PORT: '0', THYME_GRPC_PORT: '0', THYME_DATA_DIR: dataDir, THYME_PARTITIONS: String(partitions), THYME_LOG_LEVEL: 'warn', ...backfill });
  const logger = createLogger({ level: config.logLevel, clock: systemClock, ...(log === undefined ? {} : { write: log }) });
  const platform = await openPlatform(config, { clock: systemClock, logger, metrics: new MetricsRegistry(), events: new EventRing(systemClock) });
  await platform.start();
  return around(platform);
}

function around(platform: Platform): EmbeddedPlatform {
  const url = platform.restUrl ?? '';
  const printed: string[] = [];
  const terminal: Terminal = { out: (line) => void printed.push(line), err: (line) => void printed.push(line), progress: () => undefined };
  const client = new RestClient({ apiUrl: url });
  return { url, grpcTarget: platform.grpcTarget, client, printed, context: { terminal, client, webUrl: undefined }, stop: () => platform.stop({ graceMs: 5_000 }) };
}
