import { create } from '@bufbuild/protobuf';
import { DigestResponseSchema, ScanResponseSchema, StateServiceGetResponseSchema, type StateService } from '../../gen/thyme/v1/state_pb.js';
import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import type { Replica } from '../../libs/replica/replica.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';

/** Entries that one scan gives; a caller goes on from the last key. */
export const SCAN_LENGTH_MAX = 10_000;
const SCAN_LENGTH_DEFAULT = 1_000;

/** The RPCs of StateService: raw reads of the partitions that this process follows. */
export function stateHandlers(replicas: readonly Replica[]): ServiceHandlers<typeof StateService> {
  const byPartition = new Map(replicas.map((replica) => [replica.view.partition, replica]));
  const replicaOf = (partition: number): Replica => {
    const replica = byPartition.get(partition);
    if (replica === undefined)
      throw new ThymeError('THYME_PARTITION_ELSEWHERE', 'FAILED_PRECONDITION', `partition ${partition} is not held by this process`);
    return replica;
  };
  return {
    get({ partition, key }) {
      const value = replicaOf(partition).view.tick().get(key);
      return create(StateServiceGetResponseSchema, value === undefined ? {} : { value });
    },
    async *scan({ partition, from, limit }, { signal }) {
      if (limit < 0 || limit > SCAN_LENGTH_MAX)
        throw invalidArgument('limit', `send 1 to ${SCAN_LENGTH_MAX}, or 0 for ${SCAN_LENGTH_DEFAULT}`);
      for await (const [key, value] of replicaOf(partition).entries({ from, limit: limit === 0 ? SCAN_LENGTH_DEFAULT : limit })) {
        signal.throwIfAborted();
        yield create(ScanResponseSchema, { key, value });
      }
    },
    async digest({ partition }) {
      const { seq, sha256 } = await replicaOf(partition).digest();
      return create(DigestResponseSchema, { seq: BigInt(seq), sha256 });
    },
  };
}
