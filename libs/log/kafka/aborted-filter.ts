import { isAbortMarker, type FetchedBatch } from './record-batch.js';

/** An aborted transaction that overlaps what was fetched, as the broker names it. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/**
 * The batches that readers may see (L3): no control batch, and none of an aborted transaction. The broker
 * holds back what is undecided, but sends aborted records, and beside them the list of who aborted where.
 *
 * A producer's batches are dropped from the transaction's first offset to its abort marker. The list is
 * not always sorted; several transactions begin before one batch where producers interleave; and a marker
 * is a control batch, not any record whose key has four zero bytes.
 */
export function committedBatches(batches: readonly FetchedBatch[], aborted: readonly AbortedTransaction[]): FetchedBatch[] {
  const pending = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  const aborting = new Set<number>();
  let next = 0;
  return batches.filter((batch) => {
    for (
      let transaction = pending[next];
      transaction !== undefined && transaction.firstOffset <= batch.lastOffset;
      transaction = pending[++next]
    ) {
      aborting.add(transaction.producerId);
    }
    if (batch.control) {
      if (isAbortMarker(batch)) aborting.delete(batch.producerId);
      return false;
    }
    return !(batch.transactional && aborting.has(batch.producerId));
  });
}
