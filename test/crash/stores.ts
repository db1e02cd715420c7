// After everything has stopped: the owner's stores and every replica's, opened and compared with a store that
// is folded here from the changelog alone (C1, C2), and asked the questions that REST was asked.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Applier } from '../../libs/change/applier.js';
import { applyBatch } from '../../libs/change/apply-batch.js';
import { readBatches } from '../../libs/change/changelog.js';
import { digestStore } from '../../libs/change/digest.js';
import { decodeEntry } from '../../libs/erasure/erasure-entry.js';
import { AuthorModules } from '../../libs/feature/author-module.js';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import type { Log } from '../../libs/log/log.js';
import { readToEnd } from '../../libs/log/read-to-end.js';
import { changesTopic, erasuresTopic } from '../../libs/pipeline/topics.js';
import { PartitionView } from '../../libs/replica/partition-view.js';
import { createReplicaViews } from '../../libs/replica/replica-views.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { Store } from '../../libs/store/store.js';
import { systemClock } from '../../libs/time/clock.js';
import { QueryEngine } from '../../services/query/engine.js';
import type { Cluster } from './cluster.js';
import { report, type Ask, type Findings } from './questions.js';
import type { Features } from './recount.js';
import { TEST_TOKEN_KEY } from '../support/test-keys.js';

const DEPLOYMENT = 'thyme';

/** A set of stores, one for each partition; undefined where a process never had it. */
export interface Copy {
  readonly place: string;
  readonly stores: readonly (Store | undefined)[];
}

/** Calls `check` with each copy's answers; resolves to how many digests were compared. */
export async function withStores(cluster: Cluster, findings: Findings, check: (place: string, ask: Ask) => Promise<void>): Promise<number> {
  const logStore = await openLevelStore(join(cluster.ownerFolder, 'log'));
  const log = await openLevelLog(logStore);
  const copies = await openCopies(cluster);
  try {
    for (let partition = 0; partition < cluster.partitions; partition++)
      await compareCopies({ log, deployment: DEPLOYMENT, partition }, copies, findings);
    findings.rewritten += await settledErasures(log, cluster.partitions);
    for (const { place, stores } of copies) await check(place, await askStores(stores.filter((store) => store !== undefined)));
    return copies.length * cluster.partitions;
  } finally {
    for (const { stores } of copies) for (const store of stores) await store?.close();
    await log.close();
    await logStore.close();
  }
}

async function settledErasures(log: Log, partitions: number): Promise<number> {
  if ((await log.partitionCount(erasuresTopic(DEPLOYMENT))) === undefined) return 0;
  let settled = 0;
  for (let partition = 0; partition < partitions; partition++)
    for await (const { records } of readToEnd(log, { topic: erasuresTopic(DEPLOYMENT), partition }))
      settled += records.filter(({ value }) => decodeEntry(value)?.kind === 'settled').length;
  return settled;
}

async function openCopies(cluster: Cluster): Promise<readonly Copy[]> {
  const partitions = Array.from({ length: cluster.partitions }, (_, partition) => `p${partition}`);
  const copies: Copy[] = [
    { place: 'the owner', stores: await Promise.all(partitions.map((name) => openLevelStore(join(cluster.ownerFolder, 'store', name)))) },
  ];
  for (const folder of cluster.replicaFolders) {
    const stores = await Promise.all(partitions.map(async (name) => openLevelStore(await currentStore(join(folder, 'replica', name)))));
    copies.push({ place: `the replica in ${folder.split('/').at(-1) ?? folder}`, stores });
  }
  return copies;
}

/** The folder that `current` names (libs/replica/replica-stores.ts). */
export async function currentStore(folder: string): Promise<string> {
  return join(folder, (await readFile(join(folder, 'current'), 'utf8')).trim());
}

/** Stores that a bootstrap has left behind. */
export async function storesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('store-'));
}

export interface Changelog {
  readonly log: Log;
  readonly deployment: string;
  readonly partition: number;
}

/** All of them against the fold of the changelog; a replica that stopped a batch early is first given the rest. */
export async function compareCopies({ log, deployment, partition }: Changelog, copies: readonly Copy[], findings: Findings): Promise<void> {
  const source = { topic: changesTopic(deployment), partition };
  const folded = await Applier.open(new MemoryStore());
  for await (const batch of readBatches(log, source, 1)) await applyBatch(folded, batch);
  const expected = await digestStore(folded.store);
  for (const { place, stores } of copies) {
    const store = stores[partition];
    if (store === undefined) continue;
    const applier = await Applier.open(store);
    for await (const batch of readBatches(log, source, Math.max(1, applier.seq))) await applyBatch(applier, batch);
    const actual = await digestStore(store);
    if (actual.seq !== expected.seq || Buffer.compare(actual.sha256, expected.sha256) !== 0) {
      report(findings, `partition ${partition}: ${place} at seq ${actual.seq} is not what the changelog gives at seq ${expected.seq} (C2)`);
    }
  }
}

/** The engine of the query service over stores that nobody writes. */
export async function askStores(stores: readonly Store[]): Promise<Ask> {
  const views = await Promise.all(
    stores.map(async (store, partition) => {
      const view = new PartitionView(partition, () => 0);
      view.attach(await Applier.open(store));
      return view;
    }),
  );
  const engine = new QueryEngine({
    views: createReplicaViews(stores.length, views),
    clock: systemClock,
    runs: { newId: () => 'none', record: () => undefined },
    tokenKey: TEST_TOKEN_KEY,
    evaluate: new AuthorModules().evaluate,
  });
  return async (featureset, questions) => {
    async function* asked() {
      for (let start = 0; start < questions.length; start += 500)
        yield questions.slice(start, start + 500).map(({ entity, atUs }) => ({ entity, timestampUs: atUs }));
    }
    const { columns, rows } = engine.queryOffline({ featureset }, asked(), { signal: new AbortController().signal });
    const answers: Features[] = [];
    for await (const chunk of rows)
      for (const { row } of chunk) answers.push(Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
    return answers;
  };
}
