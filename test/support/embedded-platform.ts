import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandContext, Terminal } from '../../libs/cli/command.js';
import { RestClient } from '../../libs/client/rest-client.js';
import { EventRing } from '../../libs/telemetry/event-ring.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import { systemClock } from '../../libs/time/clock.js';
import { openPlatform, type Platform } from '../../services/program/platform.js';
import { loadServeConfig } from '../../services/program/serve-config.js';
import { TEST_INTERNAL_KEY } from './test-keys.js';

/** The whole platform in the test's process: all roles, free ports, a folder of its own. */
export interface EmbeddedPlatform {
  readonly url: string;
  /** `host:port` of gRPC. */
  readonly grpcTarget: string;
  /** With the folder's admin key. */
  readonly client: RestClient;
  readonly adminKey: string;
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
  /** Such as `0s`: how long the bytes of what was erased may be there (S26). */
  readonly eraseWithin?: string;
  /** Whether reads and pushes need a key; they do not when absent. */
  readonly keysRequired?: boolean;
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

async function startIn(
  dataDir: string,
  { partitions = 1, backfillRecordsPerS, eraseWithin, keysRequired = false, log }: EmbeddedOptions,
): Promise<EmbeddedPlatform> {
  const backfill = backfillRecordsPerS === undefined ? {} : { THYME_BACKFILL_RECORDS_PER_S: String(backfillRecordsPerS) };
  const config = loadServeConfig([], {
    THYME_REST_PORT: '0',
    THYME_GRPC_PORT: '0',
    THYME_DATA_DIR: dataDir,
    THYME_PARTITIONS: String(partitions),
    THYME_LOG_LEVEL: 'warn',
    THYME_INTERNAL_KEY: TEST_INTERNAL_KEY,
    THYME_KEYS: keysRequired ? 'required' : 'open',
    ...backfill,
    ...(eraseWithin === undefined ? {} : { THYME_ERASE_WITHIN: eraseWithin }),
  });
  const logger = createLogger({ level: config.logLevel, clock: systemClock, ...(log === undefined ? {} : { write: log }) });
  const platform = await openPlatform(config, {
    clock: systemClock,
    logger,
    metrics: new MetricsRegistry(),
    events: new EventRing(systemClock),
  });
  await platform.start();
  return around(platform);
}

function around(platform: Platform): EmbeddedPlatform {
  const url = platform.restUrl ?? '';
  const printed: string[] = [];
  const terminal: Terminal = { out: (line) => void printed.push(line), err: (line) => void printed.push(line), progress: () => undefined };
  const adminKey = platform.folderKey ?? '';
  const client = new RestClient({ apiUrl: url, apiKey: adminKey });
  return {
    url,
    grpcTarget: platform.grpcTarget,
    client,
    adminKey,
    printed,
    context: { terminal, client, webUrl: undefined },
    stop: () => platform.stop({ graceMs: 5_000 }),
  };
}
