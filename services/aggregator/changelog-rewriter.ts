import { decodeBatch, encodeBatch } from '../../libs/change/batch-codec.js';
import { readPlacedBatches, toPieces } from '../../libs/change/changelog.js';
import { ErasedChanges } from '../../libs/change/erased-changes.js';
import type { NewRecord, RewritableLog } from '../../libs/log/log.js';
import { changesTopic } from '../../libs/pipeline/topics.js';
import type { ErasedRecords } from './erasure-records.js';

/** Bytes of rewritten batches that are held before they are written. */
const HELD_BYTES_MAX = 16 * 1_048_576;

/** Takes out of a partition's changelog what it says was erased: two looks at all of it, since an erasure stands behind what it erases. */
export async function rewriteChangelog(log: RewritableLog, deployment: string, partition: number, records: ErasedRecords): Promise<void> {
  const source = { topic: changesTopic(deployment), partition };
  const end = await log.endOffset(source);
  const erased = new ErasedChanges((readerId, value) => records.isErasedRow(readerId, value));
  for await (const { batch } of readPlacedBatches(log, source, end))
    for (const change of decodeBatch(batch.bytes).changes) erased.note(change, batch.seq);
  if (erased.isEmpty) return;
  let held = new Map<number, NewRecord>();
  let bytes = 0;
  const write = async (): Promise<void> => {
    const pieces = held;
    held = new Map();
    bytes = 0;
    if (pieces.size > 0) await log.rewrite(source, Math.max(...pieces.keys()) + 1, ({ offset }) => pieces.get(offset));
  };
  for await (const { batch, offsets } of readPlacedBatches(log, source, end)) {
    const { changes, commit } = decodeBatch(batch.bytes);
    const left = erased.without(changes, batch.seq);
    if (left === undefined) continue;
    for (const [i, piece] of toPieces(encodeBatch(left, commit), offsets.length).entries()) {
      held.set(offsets[i] ?? 0, piece);
      bytes += piece.value.length;
    }
    if (bytes > HELD_BYTES_MAX) await write();
  }
  await write();
}
