import type { EncodedBatch } from '../change/batch-codec.js';

// What a replica follows: the owner in the same process, or its ReplicationService over the network.

export type StreamMessage =
  | { readonly kind: 'batch'; readonly batch: EncodedBatch }
  /** The owner lives, and stands at `headSeq`. */
  | { readonly kind: 'heartbeat'; readonly epoch: number; readonly headSeq: number; readonly clockUs: number };

export interface SnapshotEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface ReplicationSource {
  /**
   * Change batches from `fromSeq` on, in order, with heartbeats between them. `epoch` is the highest
   * that the replica has seen: a source below it is stale, and ends with ABORTED. OUT_OF_RANGE with
   * THYME_CHANGES_TRIMMED when the batches are gone. Ends when the signal aborts.
   */
  subscribe(
    partition: number,
    position: { readonly epoch: number; readonly fromSeq: number },
    signal: AbortSignal,
  ): AsyncIterable<StreamMessage>;
  /** The partition's store as of one seq, in chunks, in key order; the commit record's entry is the first of all. */
  snapshot(partition: number, signal: AbortSignal): AsyncIterable<readonly SnapshotEntry[]>;
}
