import type { SourceDefinition } from '../../libs/definition/definitions.js';
import { rulesOf } from '../../libs/definition/connectors.js';
import type { Revision } from '../../libs/definition/revision.js';
import type { Log } from '../../libs/log/log.js';
import { SoloMembership } from '../../libs/log/solo-membership.js';
import { datasetTopic, deadLetterTopic } from '../../libs/pipeline/topics.js';
import { systemRandom } from '../../libs/time/backoff.js';
import { systemClock } from '../../libs/time/clock.js';
import { EventRing } from '../../libs/telemetry/event-ring.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { RevisionList } from '../../services/aggregator/revision-feed.js';
import { DatasetDoors } from '../../services/ingest/dataset-doors.js';
import { SOURCE_PARTS, Sources } from '../../services/ingest/sources/sources.js';
import { DEPLOYMENT } from './fraud-owner.js';
import type { PreparedSource, SourceKind } from './source-kinds/source-kind.js';
import { ORDERS } from './source-rows.js';

/** How long a poll waits for the next: what a source that must keep up would be given. */
const EVERY_US = 100_000;

/** The sources of an ingest process with one source, which fills ORDERS: from here on it reads. */
export async function startSource(log: Log, kind: SourceKind, { source: { config, cursor }, variables }: PreparedSource): Promise<Sources> {
  const built = kind.connector(systemClock);
  const connector = built.name;
  await log.createTopic(datasetTopic(DEPLOYMENT, ORDERS.name, ORDERS.version), 1);
  await log.createTopic(deadLetterTopic(DEPLOYMENT, ORDERS.name, ORDERS.version), 1);
  const source: SourceDefinition = {
    dataset: ORDERS.name,
    connector,
    config,
    ...(rulesOf({ connector, config })?.mode === 'push' ? {} : { everyUs: EVERY_US }),
    cdc: kind.dataset?.cdc?.mode ?? 'append',
    ...(cursor === undefined ? {} : { cursor }),
  };
  const revisions = new RevisionList();
  const definitions = { datasets: [{ ...ORDERS, ...kind.dataset }], sources: [source], pipelines: [], featuresets: [] };
  revisions.add({ number: 1, createdUs: 0, definitions, bundle: { sha256: '', code: '' }, timelines: [], carryOvers: [] });
  const sources = new Sources({
    log,
    deployment: DEPLOYMENT,
    clock: systemClock,
    random: systemRandom,
    revisions: {
      latest: (): Revision | undefined => revisions.after(0).at(-1),
      waitForNewer: (number, signal) => revisions.waitForNewer(number, signal),
    },
    doors: new DatasetDoors(log, DEPLOYMENT),
    connectors: new Map([[connector, built]]),
    environment: { variables, readFile: () => Promise.reject(new Error('the bench has no secret files')) },
    ownership: new SoloMembership(SOURCE_PARTS),
    address: () => '127.0.0.1:1',
    hasRoom: () => true,
    logger: createLogger({ level: 'warn', clock: systemClock, write: (line) => process.stderr.write(line) }),
    events: new EventRing(systemClock),
  });
  await sources.start();
  return sources;
}
