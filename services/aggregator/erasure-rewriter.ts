// Takes the bytes of erased entities out of the embedded log and out of the stores (S26).
//
//   erasure-records.ts    which records go, of which topics
//   changelog-rewriter.ts the changelog without what was erased
//
// In this order, each step as good as new when it is done again: datasets' topics, dead letters, changelogs, messages that were read, the
// entries that name the entities; then the files, and then the receipts say so.

import type { Revision } from '../../libs/definition/revision.js';
import type { LogRecord, NewRecord, RewritableLog } from '../../libs/log/log.js';
import { decodeEntry, encodeEntry } from '../../libs/erasure/erasure-entry.js';
import { erasuresTopic, rekeyTopic } from '../../libs/pipeline/topics.js';
import type { Store } from '../../libs/store/store.js';
import type { Clock } from '../../libs/time/clock.js';
import { rewriteChangelog } from './changelog-rewriter.js';
import { ErasedRecords, knownTopics, type PassedErasures, passedErasures } from './erasure-records.js';
import type { PartitionTask } from './partition-task.js';

const MINUTE_MS = 60_000;
const LOOK_MS_MIN = 1_000;
const LOOK_MS_MAX = 60 * MINUTE_MS;
const NOTHING = { key: new Uint8Array(), value: new Uint8Array() };

/** A partition as its owner has it. */
export interface OwnedPartition {
  /** Undefined while it is being acquired. */
  readonly task: PartitionTask | undefined;
  readonly store: Store | undefined;
}

export interface RewriterOptions {
  readonly log: RewritableLog;
  readonly deployment: string;
  readonly clock: Pick<Clock, 'nowUs' | 'sleep'>;
  /** How long after an erasure its bytes may be there. */
  readonly eraseWithinUs: number;
  /** All partitions of the deployment. */
  readonly owners: () => readonly OwnedPartition[];
  /** The newest; undefined before the first. */
  readonly revision: () => Revision | undefined;
  /** Removes what lies beside the stores and nobody reads: folders that were set aside as damaged. */
  readonly removeAside: () => Promise<void>;
  readonly onFailure: (cause: unknown) => void;
}

export class ErasureRewriter {
  readonly #options: RewriterOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: RewriterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Looks four times in the time that there is, so that one failure, or a pipeline that is behind, does not make it late. */
  async #run(): Promise<void> {
    const { clock, eraseWithinUs, onFailure } = this.#options;
    const lookMs = Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, eraseWithinUs / 4_000));
    while (!this.#stopping.signal.aborted) {
      await clock.sleep(lookMs, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      await this.rewrite(clock.nowUs() - eraseWithinUs / 2).catch(onFailure);
    }
  }

  /** Rewrites where an erasure is due that was asked for before this instant. Returns how many were finished. */
  async rewrite(askedBeforeUs: number): Promise<number> {
    const { log, deployment, owners, revision } = this.#options;
    if ((await log.partitionCount(erasuresTopic(deployment))) === undefined) return 0;
    const owned = owners();
    const tasks = owned.flatMap(({ task }) => task ?? []);
    if (tasks.length === 0 || tasks.length < owned.length) return 0; // how far one is cannot be told
    const known = knownTopics(deployment, revision());
    const passed = await passedErasures(log, { deployment, known }, tasks);
    const due = passed.open.filter(({ atUs, entity }) => entity !== '' && atUs <= askedBeforeUs);
    if (due.length > 0) await this.#take(passed, new ErasedRecords(passed, known, tasks), owned);
    return this.#settle(passed, due.length > 0);
  }

  async #take(passed: PassedErasures, records: ErasedRecords, owned: readonly OwnedPartition[]): Promise<void> {
    const { log, deployment, removeAside } = this.#options;
    const tasks = owned.flatMap(({ task }) => task ?? []);
    for (const source of await records.sources(log))
      await log.rewrite(source, records.endOf(source), (record) => records.left(source, record));
    for (const { partition } of tasks) await rewriteChangelog(log, deployment, partition, records);
    await this.#emptyRekeyed(tasks);
    for (const source of records.markSources())
      await log.rewrite(source, records.endOf(source), (record) => records.markLeft(source, record));
    const topic = erasuresTopic(deployment);
    for (let partition = 0; partition < tasks.length; partition++)
      await log.rewrite({ topic, partition }, Number.POSITIVE_INFINITY, (record) => entryLeft(record, passed));
    await removeAside();
    for (const { store } of owned) await store?.compact?.();
    await log.compact();
  }

  /** Messages that were read are never read again: the changelog has what came of them. */
  async #emptyRekeyed(tasks: readonly PartitionTask[]): Promise<void> {
    const { log, deployment } = this.#options;
    const topic = rekeyTopic(deployment);
    for (const { commit } of tasks)
      for (const { nextOffset, ...source } of commit?.cursors ?? [])
        if (source.topic === topic) await log.rewrite(source, nextOffset, ({ value }) => (value.length === 0 ? undefined : NOTHING));
  }

  /** Says of erasures of which nothing is left that they are done. */
  async #settle({ open, pendingIds }: PassedErasures, isTaken: boolean): Promise<number> {
    const { log, deployment, clock } = this.#options;
    const done = open.filter(({ id, entity }) => !pendingIds.has(id) && (isTaken || entity === ''));
    if (done.length === 0) return 0;
    const records = done.map(({ id }) => ({ key: NOTHING.key, value: encodeEntry({ kind: 'settled', id, atUs: clock.nowUs() }) }));
    await log.append({ topic: erasuresTopic(deployment), partition: 0 }, records);
    return done.length;
  }
}

/** The entry without the entity's name. */
function entryLeft({ key, value }: LogRecord, { passed, pendingIds }: PassedErasures): NewRecord | undefined {
  const entry = decodeEntry(value);
  if (entry?.kind === 'begun' && entry.entityKey !== '' && passed.has(`${entry.id} ${entry.topic} ${entry.partition}`))
    return { key, value: encodeEntry({ ...entry, entityKey: '' }) };
  if (entry?.kind === 'asked' && entry.entity !== '' && !pendingIds.has(entry.id))
    return { key, value: encodeEntry({ ...entry, entity: '' }) };
  return undefined;
}
