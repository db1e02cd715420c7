import { invalidArgument } from '../../libs/errors/errors.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { systemClock } from '../../libs/time/clock.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { Ingest } from '../ingest/ingest.js';
import { QueryEngine } from '../query/engine.js';
import { createBaseTopics, createDatasetTopics } from '../registry/deployment-topics.js';
import { MemoryPartitions } from './memory-partitions.js';
import { MovedClock } from './test-clock.js';
import { MemoryPlatform, TEST_DEPLOYMENT } from './test-platform.js';
import type { TestPlatform } from './test-results.js';
import { commitClasses } from './test-revision.js';

/** How a test's deployment begins. */
export interface TestPlatformOptions {
  /** What the clock says first; the machine's time of the start where it is absent. A test with fixed times gives it. */
  readonly now?: Date | string;
  /** 1 to PARTITIONS_MAX; answers do not depend on it. */
  readonly partitions?: number;
}

const PARTITIONS_MAX = 16;
/** Tokens are not handed out, so nobody can forge one. */
const TOKEN_KEY = new Uint8Array(32);

/**
 * A deployment of these classes in memory, with everything that its pipelines read or fill. Resolves once it answers. Throws
 * THYME_DEFINITIONS_INVALID with all that is wrong with the classes, as `thyme commit` would. It holds nothing but memory:
 * there is nothing to be closed.
 */
export async function testPlatform(
  classes: Readonly<Record<string, unknown>> | readonly unknown[],
  { now, partitions = 1 }: TestPlatformOptions = {},
): Promise<TestPlatform> {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > PARTITIONS_MAX)
    throw invalidArgument('partitions', `${partitions} is none of 1 to ${PARTITIONS_MAX}`);
  const clock = new MovedClock(now ?? formatTimestamp(systemClock.nowUs()));
  const log = new MemoryLog();
  const { revision, functions, author } = commitClasses(classes, clock.manual.nowUs());
  const deployment = { name: TEST_DEPLOYMENT, partitions };
  await createBaseTopics(log, deployment);
  await createDatasetTopics(log, deployment, revision);
  const worked = await MemoryPartitions.open({
    deployment: TEST_DEPLOYMENT,
    partitionCount: partitions,
    log,
    clock: clock.manual,
    functions,
  });
  await worked.adopt(revision);
  const ingest = new Ingest({
    deployment: TEST_DEPLOYMENT,
    log,
    revisions: { latest: () => revision },
    clock: clock.manual,
    hasRoom: () => true,
    tokenKey: () => TOKEN_KEY,
    keysRequired: false,
  });
  let runs = 0;
  const recorder = { newId: () => `test-run-${++runs}`, record: () => undefined };
  const engine = new QueryEngine({
    views: worked.views,
    clock: clock.manual,
    runs: recorder,
    tokenKey: () => TOKEN_KEY,
    evaluate: () => author,
  });
  return new MemoryPlatform(clock, { log, revision, worked, ingest, engine });
}
