import { systemClock, type Clock } from '../../time/clock.js';
import { KafkaCluster } from './cluster.js';
import type { KafkaConnectOptions } from './driver.js';
import { toThymeError, type KafkaFailure } from './errors.js';
import { KafkaGroup } from './group.js';
import { retrying } from './retry.js';
import type { PartitionOwner, PartitionOwners } from '../membership.js';

export interface KafkaOwnersOptions {
  readonly connect: KafkaConnectOptions;
  /** The group of kafka-membership.ts. */
  readonly group: string;
  readonly clock?: Clock;
}

/** A new cluster makes its group topic at the first question, which takes a second. */
const ASK_MS_MAX = 10_000;

/** Asks the group's coordinator. While the group changes, the answer is what it was before. */
export function openKafkaOwners({ connect, group: name, clock = systemClock }: KafkaOwnersOptions): PartitionOwners {
  const cluster = new KafkaCluster(connect, clock);
  const group = new KafkaGroup(cluster, name);
  const closing = new AbortController();
  const onFailure = (failure: KafkaFailure): void => {
    group.forgetCoordinator();
    if (failure === 'connection') cluster.forgetConnections();
  };
  let known: readonly PartitionOwner[] = [];
  return {
    async owners() {
      try {
        return (known =
          (await retrying(() => group.owners(), {
            clock,
            msMax: ASK_MS_MAX,
            retriable: ['stale', 'busy', 'connection'],
            signal: closing.signal,
            onFailure,
          })) ?? known);
      } catch (error) {
        throw toThymeError(error, connect.brokers);
      }
    },
    async close() {
      closing.abort();
      await cluster.close();
    },
  };
}
