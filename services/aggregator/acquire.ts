import { Applier } from '../../libs/change/applier.js';
import { applyBatch } from '../../libs/change/apply-batch.js';
import type { EncodedBatch } from '../../libs/change/batch-codec.js';
import { readBatches } from '../../libs/change/changelog.js';
import { crashPoint } from '../../libs/lifecycle/crash-point.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { isInHistory, offsetAt } from '../../libs/pipeline/record-place.js';
import { aggregatorWriterId, changesTopic, historyOf, rekeyTopic } from '../../libs/pipeline/topics.js';
import { ErasureBook } from '../../libs/erasure/erasure-book.js';
import { MaskedLog } from '../../libs/erasure/masked-log.js';
import type { Store } from '../../libs/store/store.js';
import { misplacedReaders } from './misplaced-readers.js';
import { PartitionTask } from './partition-task.js';
import type { TaskEnvironment } from './task-environment.js';

/** Who wants to know how an acquisition goes. */
export interface AcquireEvents {
  /** Before anything is replayed: reads go through this applier from now on. */
  readonly onApplier: (applier: Applier) => void;
  /** Each batch that the store now holds, replayed or new. */
  readonly onBatch: (batch: EncodedBatch) => void;
  /** Gives up between two steps, or two batches, with the signal's reason: a long replay is not waited for by who must go. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes the partition over (DESIGN 4), after a start, a rebalance or an error alike: fences whoever had
 * it, brings the store to the end of the changelog, and writes that it is here. There is no other
 * recovery code.
 */
export async function acquire(environment: TaskEnvironment, store: Store, events: AcquireEvents): Promise<PartitionTask> {
  const { deployment, partition, partitionCount, log } = environment;
  await log.createTopic(changesTopic(deployment), partitionCount);
  await log.createTopic(rekeyTopic(deployment), partitionCount * partitionCount);
  crashPoint('acquire.beforeFence');
  const writer = await log.writer(aggregatorWriterId(deployment, partition));
  try {
    crashPoint('acquire.afterFence');
    const applier = await Applier.open(store);
    events.onApplier(applier);
    await replay(environment, applier, events);
    await checkInputs(environment, applier);
    crashPoint('acquire.afterReplay');
    events.signal?.throwIfAborted();
    const epoch = (applier.state.commit?.epoch ?? 0) + 1;
    const erasures = new ErasureBook(log, deployment);
    await erasures.refresh();
    const masked = { ...environment, log: new MaskedLog(log, erasures) };
    const task = new PartitionTask({ environment: masked, erasures, writer, applier, epoch, onBatch: events.onBatch });
    await task.writeOwnership();
    crashPoint('acquire.afterOwnership');
    return task;
  } catch (error) {
    await writer.close().catch(() => undefined); // the failure before it is the one to report
    throw error;
  }
}

/** From the store's own seq, whose batch must be there: a store ahead of its changelog belongs to another log. */
async function replay(
  { deployment, partition, log }: TaskEnvironment,
  applier: Applier,
  { onBatch, signal }: AcquireEvents,
): Promise<void> {
  const stored = applier.seq;
  let found = stored === 0;
  for await (const batch of readBatches(log, { topic: changesTopic(deployment), partition }, Math.max(1, stored))) {
    signal?.throwIfAborted();
    found = true;
    if ((await applyBatch(applier, batch)) === 'applied') onBatch(batch);
    crashPoint('acquire.duringReplay');
  }
  if (!found) {
    throw new ThymeError(
      'THYME_STORE_AHEAD',
      'FAILED_PRECONDITION',
      `the store of partition ${partition} is at seq ${stored}, which its changelog does not reach: it belongs to another log; give it its own, or remove the store`,
      [],
      { disposition: 'stop' },
    );
  }
}

/**
 * A topic that was made anew, or lost its end, begins to fill below where this state has read to: what is pushed
 * there would be accepted and never read.
 */
async function checkInputs({ log }: TaskEnvironment, { state: { commit, revisions } }: Applier): Promise<void> {
  const misplaced = misplacedReaders(revisions);
  await Promise.all(
    (commit?.cursors ?? []).map(async (cursor) => {
      if (misplaced.has(cursor.readerId)) return; // it counts another topic's records, and reads no more
      const { partition } = cursor;
      const topic = isInHistory(cursor.nextOffset) ? historyOf(cursor.topic) : cursor.topic;
      const nextOffset = offsetAt(cursor.nextOffset);
      const end = nextOffset === 0 ? 0 : await log.endOffset({ topic, partition });
      if (end >= nextOffset) return;
      throw new ThymeError(
        'THYME_STORE_AHEAD',
        'FAILED_PRECONDITION',
        `partition ${partition} of '${topic}' ends at offset ${end}, and its records were read up to ${nextOffset}: the topic was made anew or has lost some; bring it back, or start over under another deployment name`,
        [],
        { disposition: 'stop' },
      );
    }),
  );
}
