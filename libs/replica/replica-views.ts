import { ThymeError } from '../errors/errors.js';
import type { ReplicaView, ReplicaViews } from './replica-view.js';

/** The partitions that this process holds; FAILED_PRECONDITION for another, which the caller asks elsewhere. */
export function createReplicaViews(partitionCount: number, views: readonly ReplicaView[]): ReplicaViews {
  const byPartition = new Map(views.map((view) => [view.partition, view]));
  return {
    partitionCount,
    partitions: [...byPartition.keys()].sort((a, b) => a - b),
    view(partition) {
      const view = byPartition.get(partition);
      if (view === undefined)
        throw new ThymeError('THYME_PARTITION_ELSEWHERE', 'FAILED_PRECONDITION', `partition ${partition} is not held by this process`);
      return view;
    },
  };
}
