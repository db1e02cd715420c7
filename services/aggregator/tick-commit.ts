import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Applier } from '../../libs/change/applier.js';
import { encodeBatch, type EncodedBatch } from '../../libs/change/batch-codec.js';
import type { CommitRecord, Cursor, ReaderCounters } from '../../libs/change/change.js';
import { toPieces } from '../../libs/change/changelog.js';
import type { ErasureBook } from '../../libs/erasure/erasure-book.js';
import { crashPoint } from '../../libs/lifecycle/crash-point.js';
import type { TransactionalWriter, TransactionRecords } from '../../libs/log/log.js';
import { changesTopic } from '../../libs/pipeline/topics.js';
import type { TimelineFeed } from './timeline-feed.js';
import type { StageThrough } from './rekey-message.js';
import type { TaskEnvironment } from './task-environment.js';
import type { TickOutput } from './tick-output.js';

/** What a task needs to have been handed over: see acquire.ts. */
export interface Acquired {
  /** Its log shows what erasures have left (S26). */
  readonly environment: TaskEnvironment;
  readonly erasures: ErasureBook;
  readonly writer: TransactionalWriter;
  readonly applier: Applier;
  readonly epoch: number;
  /** Told of each batch once the store holds it. */
  readonly onBatch: (batch: EncodedBatch) => void;
}

/** What a tick has come to. */
export interface Tick {
  readonly revision: number;
  readonly readers: readonly TimelineFeed[];
  /** Cursors that belong to the task as a whole. */
  readonly cursors: readonly Cursor[];
  /** The counters of what reads for no timeline. */
  readonly counters: readonly ReaderCounters[];
  readonly output: TickOutput;
  readonly told: readonly StageThrough[];
}

/** Steps 2 to 6 of a tick (DESIGN 4): all that it has come to is there together, or nothing of it. */
export async function commitTick(acquired: Acquired, tick: Tick): Promise<void> {
  const {
    environment: { deployment, partition },
    applier,
    onBatch,
  } = acquired;
  const commit = commitRecord(acquired, tick);
  const batch = encodeBatch(tick.output.changes, commit);
  crashPoint('aggregator.beforeTransaction');
  const changelog = { target: { topic: changesTopic(deployment), partition }, records: toPieces(batch) };
  await decide(acquired, [changelog, ...tick.output.toTransaction(tick.told)], commit);
  crashPoint('aggregator.afterCommit');
  await applier.commit(commit);
  crashPoint('aggregator.afterApply');
  onBatch(batch);
  crashPoint('aggregator.afterStream');
}

/**
 * While the log decides, the store's batch is made ready; nothing of it is written before. The log goes first: it has
 * to wait for a disk, or for brokers.
 */
async function decide({ writer, applier }: Acquired, transaction: readonly TransactionRecords[], commit: CommitRecord): Promise<void> {
  const results = await Promise.allSettled([writer.commit(transaction), nextTurn().then(() => applier.prepare(commit))]);
  for (const result of results) {
    if (result.status === 'fulfilled') continue;
    applier.discard();
    throw result.reason;
  }
}

function commitRecord({ environment, applier, epoch }: Acquired, { revision, readers, cursors, counters }: Tick): CommitRecord {
  return {
    epoch,
    seq: applier.seq + 1,
    prevSeq: applier.seq,
    revision,
    clockUs: environment.clock.nowUs(),
    positions: readers.flatMap((reader) => reader.positions()),
    cursors: [...readers.map((reader) => reader.cursor()), ...cursors],
    hops: readers.flatMap((reader) => reader.hops.toHops(reader.plan.id)),
    counters: [...readers.map((reader) => ({ ...reader.counters })), ...counters],
  };
}
