import { create } from '@bufbuild/protobuf';
import {
  type ReplicationService,
  SnapshotResponseSchema,
  SubscribeResponseSchema,
  type SubscribeResponse,
} from '../../gen/thyme/v1/replication_pb.js';
import { decodeCommit } from '../../libs/change/commit-codec.js';
import type { ReplicationSource, SnapshotEntry, StreamMessage } from '../../libs/replica/replication-source.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import { safeNumber } from '../../libs/wire/integers.js';
import type { PartitionOwner } from './partition-owner.js';

/** The owners of this process as what replicas follow; `ownerOf` throws for a partition that is another's. */
export function ownersAsSource(ownerOf: (partition: number) => PartitionOwner): ReplicationSource {
  return {
    subscribe: (partition, position, signal) => ownerOf(partition).stream.subscribe(position, signal),
    snapshot: (partition, signal) => ownerOf(partition).stream.snapshot(signal),
  };
}

/** The RPCs of ReplicationService over any source: an owner's, or a replica's that passes it on. */
export function replicationHandlers(source: ReplicationSource): ServiceHandlers<typeof ReplicationService> {
  return {
    async *subscribe({ partition, epoch, fromSeq }, { signal }) {
      const position = { epoch: safeNumber(epoch, 'epoch'), fromSeq: Math.max(1, safeNumber(fromSeq, 'from_seq')) };
      for await (const message of source.subscribe(partition, position, signal)) yield messageToProto(message);
    },
    async *snapshot({ partition }, { signal }) {
      let total = 0;
      for await (const entries of source.snapshot(partition, signal)) {
        const first: SnapshotEntry | undefined = total === 0 ? entries[0] : undefined;
        total += entries.length;
        yield create(SnapshotResponseSchema, {
          entries: entries.map(({ key, value }) => ({ key, value })),
          ...(first === undefined ? {} : { seq: BigInt(decodeCommit(first.value).seq) }),
        });
      }
      yield create(SnapshotResponseSchema, { total: BigInt(total) });
    },
  };
}

function messageToProto(message: StreamMessage): SubscribeResponse {
  if (message.kind === 'heartbeat') {
    const { epoch, headSeq, clockUs } = message;
    return create(SubscribeResponseSchema, {
      kind: { case: 'heartbeat', value: { epoch: BigInt(epoch), headSeq: BigInt(headSeq), clockUs: BigInt(clockUs) } },
    });
  }
  const { epoch, seq, prevSeq, bytes } = message.batch;
  return create(SubscribeResponseSchema, {
    kind: { case: 'batch', value: { epoch: BigInt(epoch), seq: BigInt(seq), prevSeq: BigInt(prevSeq), payload: bytes } },
  });
}
