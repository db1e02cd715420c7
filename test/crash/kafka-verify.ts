import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import type { Log } from '../../libs/log/log.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { findHanging, readHistory } from './kafka-end.js';
import { WORKERS, type Fleet } from './kafka-fleet.js';
import type { PublishedReader } from './kafka-published.js';
import { report } from './questions.js';
import { askRest, askRestBatch, restClient } from './rest.js';
import { compareAll, compareNow, type Asking } from './round.js';
import { compareDigests, settle } from './settle.js';
import { askStores, compareCopies, currentStore, type Copy } from './stores.js';

export interface FleetVerified extends Omit<Asking, 'nowUs'> {
  readonly fleet: Fleet;
  readonly published: PublishedReader;
}

/** Books and REST while it runs, digests of replicas, published rows; then, stopped, every store and the brokers. */
export async function verifyFleet({ fleet, published, ...verified }: FleetVerified): Promise<number> {
  const { findings } = verified;
  const log = await openKafkaLog({ brokers: fleet.brokers, clientId: 'crash-suite' });
  try {
    // First: of what is wrong, only so much is told, and this says the most.
    await readHistory(log, fleet, findings);
    return await verifyEverywhere(log, { fleet, published, ...verified });
  } finally {
    await log.close();
  }
}

async function verifyEverywhere(log: Log, { fleet, published, ...verified }: FleetVerified): Promise<number> {
  const { expected, extras, findings } = verified;
  await settle(fleet, expected, extras, findings);
  const client = restClient(fleet.restUrl);
  const asking: Asking = { ...verified, nowUs: Date.now() * 1_000 };
  await compareAll('REST', askRest(client), asking);
  await compareNow('REST batch', askRestBatch(client), asking);
  const digests = await compareDigests(fleet, findings);
  await published.check(log, expected, findings);
  await published.checkPeaks(log, { recount: expected, versions: extras.versions, findings });
  for (const late of await fleet.stopAll()) report(findings, late);
  const copies = await openCopies(fleet);
  try {
    for (let partition = 0; partition < fleet.partitions; partition++)
      await compareCopies({ log, deployment: fleet.deployment, partition }, copies, findings);
    for (const { place, stores } of withOwners(copies, fleet.partitions))
      await compareAll(place, await askStores(stores.filter((store) => store !== undefined)), asking);
  } finally {
    for (const { stores } of copies) for (const store of stores) await store?.close();
  }
  await findHanging(fleet, findings);
  return digests + copies.reduce((sum, { stores }) => sum + stores.filter((store) => store !== undefined).length, 0);
}

/** What each process has: a worker what it owned at any time, a replica all. */
async function openCopies(fleet: Fleet): Promise<readonly Copy[]> {
  const folders = [
    ...WORKERS.map((name) => ({ name, folder: 'store' })),
    ...(['reader', 'standby'] as const).map((name) => ({ name, folder: 'replica' })),
  ];
  return Promise.all(
    folders.map(async ({ name, folder }) => ({
      place: name,
      stores: await Promise.all(
        Array.from({ length: fleet.partitions }, async (_, partition) => {
          const path = join(fleet.folderOf(name), folder, `p${partition}`);
          const isThere = await access(join(path, 'current')).then(
            () => true,
            () => false,
          );
          return isThere ? openLevelStore(await currentStore(path)) : undefined;
        }),
      ),
    })),
  );
}

/** Sets that can answer: the workers together, since all stores now stand at the changelog's end, and each replica. */
function withOwners(copies: readonly Copy[], partitions: number): readonly Copy[] {
  const workers = copies.filter(({ place }) => WORKERS.some((name) => name === place));
  const stores = Array.from({ length: partitions }, (_, partition) =>
    workers.map((worker) => worker.stores[partition]).find((store) => store !== undefined),
  );
  return [{ place: 'the owners', stores }, ...copies.filter((copy) => !workers.includes(copy))];
}
