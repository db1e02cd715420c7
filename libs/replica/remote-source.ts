import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  SnapshotRequestSchema,
  SubscribeRequestSchema,
  type SnapshotRequest,
  type SnapshotResponse,
  type SubscribeRequest,
  type SubscribeResponse,
} from '../../gen/thyme/v1/replication_pb.js';
import { checkBatch } from '../change/batch-codec.js';
import { corruptBytes } from '../codec/byte-writer.js';
import { dispositionOf, ThymeError } from '../errors/errors.js';
import { safeNumber } from '../wire/integers.js';
import type { ReplicationSource, SnapshotEntry, StreamMessage } from './replication-source.js';

/** ReplicationService as a client has it; libs/rpc gives one. */
export interface ReplicationCalls {
  subscribe(request: SubscribeRequest, context: { readonly signal: AbortSignal }): AsyncIterable<SubscribeResponse>;
  snapshot(request: SnapshotRequest, context: { readonly signal: AbortSignal }): AsyncIterable<SnapshotResponse>;
}

/**
 * An owner, or another replica, over the network. Every batch's crc is checked; a snapshot that ends early is an error. What
 * breaks on its way, or over there, says nothing of what is stored here, and is asked for again.
 */
export function remoteSource(calls: ReplicationCalls): ReplicationSource {
  return {
    async *subscribe(partition, { epoch, fromSeq }, signal) {
      const request: MessageInitShape<typeof SubscribeRequestSchema> = { partition, epoch: BigInt(epoch), fromSeq: BigInt(fromSeq) };
      try {
        for await (const response of calls.subscribe(create(SubscribeRequestSchema, request), { signal })) {
          const message = messageFromProto(response);
          if (message !== undefined) yield message;
        }
      } catch (cause) {
        throw asHeard(cause);
      }
    },
    async *snapshot(partition, signal) {
      let received = 0;
      for await (const { entries, total } of calls.snapshot(create(SnapshotRequestSchema, { partition }), { signal })) {
        received += entries.length;
        if (entries.length > 0) yield entries.map(({ key, value }): SnapshotEntry => ({ key, value }));
        if (total === undefined) continue;
        if (safeNumber(total, 'total') !== received) throw corruptBytes('a snapshot');
        return;
      }
      throw new ThymeError('THYME_SNAPSHOT_CUT', 'UNAVAILABLE', `the snapshot of partition ${partition} ended early: take it again`);
    },
  };
}

/** The contract's one answer that only a snapshot helps against is OUT_OF_RANGE: what was asked for is no longer kept. */
function asHeard(cause: unknown): unknown {
  if (!(cause instanceof ThymeError)) return cause;
  const { code, status, message, violations } = cause;
  if (status === 'OUT_OF_RANGE') return new ThymeError(code, status, message, violations, { cause, disposition: 'rebuild' });
  return dispositionOf(cause) === 'rebuild' ? new ThymeError(code, status, message, violations, { cause }) : cause;
}

function messageFromProto({ kind }: SubscribeResponse): StreamMessage | undefined {
  switch (kind.case) {
    case 'batch': {
      const batch = checkBatch(kind.value.payload);
      if (BigInt(batch.seq) !== kind.value.seq || BigInt(batch.prevSeq) !== kind.value.prevSeq) throw corruptBytes('a change batch');
      return { kind: 'batch', batch };
    }
    case 'heartbeat': {
      const { epoch, headSeq, clockUs } = kind.value;
      return {
        kind: 'heartbeat',
        epoch: safeNumber(epoch, 'epoch'),
        headSeq: safeNumber(headSeq, 'head_seq'),
        clockUs: safeNumber(clockUs, 'clock_us'),
      };
    }
    case undefined:
      return undefined; // a kind that this process does not know carries no batch: those are all known by the crc
  }
}
