import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type AggregatorService, JobSchema, ListJobsResponseSchema, TaskSchema } from '../../gen/thyme/v1/jobs_pb.js';
import type { Log } from '../../libs/log/log.js';
import { isInHistory, offsetAt } from '../../libs/pipeline/record-place.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import type { Aggregator } from './aggregator.js';
import type { PartitionOwner } from './partition-owner.js';
import type { TimelineFeed } from './timeline-feed.js';
import type { UpgradeReader } from './upgrade-reader.js';

/** The RPCs of AggregatorService. A partition that is being acquired is not listed. */
export function jobHandlers(
  aggregator: Pick<Aggregator, 'owners' | 'partitionCount'>,
  log: Log,
): ServiceHandlers<typeof AggregatorService> {
  return {
    async listJobs() {
      const tasks: MessageInitShape<typeof TaskSchema>[] = [];
      for (const owner of aggregator.owners) {
        const { task, view } = owner;
        const commit = view.applied();
        if (task === undefined || commit === undefined) continue;
        const jobs = await Promise.all([
          ...task.readers.map((reader) => jobOf(reader, owner, log)),
          ...task.upgrades.map((upgrade) => upgradeJobOf(upgrade, owner)),
        ]);
        tasks.push({
          partition: view.partition,
          epoch: BigInt(commit.epoch),
          seq: BigInt(commit.seq),
          revision: BigInt(commit.revision),
          jobs,
        });
      }
      return create(ListJobsResponseSchema, { tasks, partitionCount: aggregator.partitionCount });
    },
  };
}

/** The books as of the last commit; what went to other partitions is in theirs. */
async function jobOf(reader: TimelineFeed, { view }: PartitionOwner, log: Log): Promise<MessageInitShape<typeof JobSchema>> {
  const { id, name, version, topic, history } = reader.plan;
  const counters = view.applied()?.counters.find(({ readerId }) => readerId === id);
  const end = await log.endOffset({ topic, partition: view.partition });
  const inHistory =
    history === undefined || !isInHistory(reader.nextOffset) ? 0 : await log.endOffset({ topic: history.topic, partition: view.partition });
  const watermarkUs = counters?.watermarkUs ?? Number.NEGATIVE_INFINITY;
  return {
    name,
    version,
    lag: BigInt(Math.max(0, inHistory + end - offsetAt(reader.nextOffset))),
    caughtUp: view.isReady(id),
    paused: reader.paused,
    read: BigInt((counters?.read ?? 0) + (counters?.received ?? 0) - (counters?.sent ?? 0)),
    applied: BigInt(counters?.applied ?? 0),
    filtered: BigInt(counters?.filtered ?? 0),
    lateDropped: BigInt(counters?.late ?? 0),
    duplicate: BigInt(counters?.duplicate ?? 0),
    dead: BigInt(counters?.dead ?? 0),
    failed: BigInt(counters?.failed ?? 0),
    lateRight: BigInt(counters?.lateRight ?? 0),
    outdated: BigInt(counters?.outdated ?? 0),
    erased: BigInt(counters?.erased ?? 0),
    watermarkUs: Number.isFinite(watermarkUs) ? BigInt(watermarkUs) : 0n,
  };
}

/** A carry-over as the job that it is: what it has carried into this partition. */
async function upgradeJobOf(upgrade: UpgradeReader, { view }: PartitionOwner): Promise<MessageInitShape<typeof JobSchema>> {
  const { id, name, to } = upgrade.plan;
  const counters = view.applied()?.counters.find(({ readerId }) => readerId === id);
  return {
    name,
    version: to.version,
    lag: BigInt(await upgrade.lag()),
    caughtUp: view.isReady(id),
    paused: upgrade.paused,
    read: BigInt(counters?.read ?? 0),
    applied: BigInt(counters?.applied ?? 0),
    dead: BigInt(counters?.dead ?? 0),
    failed: BigInt(counters?.failed ?? 0),
  };
}
