import { ThymeError } from '../errors/errors.js';
import { Turns } from '../time/turns.js';
import type { Applier } from './applier.js';
import { resolved } from './erased-changes.js';
import { decodeBatch, type EncodedBatch } from './batch-codec.js';

/** Changes folded between two turns of others: some half a millisecond. */
const CHANGES_PER_TURN = 64;

/** What became of a batch that was offered (C4). */
export type Applied = 'applied' | 'repeat';

/**
 * Folds a batch of the stream or the changelog into a store. A gap is UNAVAILABLE with THYME_CHANGES_GAP:
 * ask for what is missing.
 */
export async function applyBatch(applier: Applier, { seq, prevSeq, bytes }: EncodedBatch): Promise<Applied> {
  if (seq <= applier.seq) return 'repeat';
  if (prevSeq !== applier.seq) {
    throw new ThymeError(
      'THYME_CHANGES_GAP',
      'UNAVAILABLE',
      `a batch follows seq ${prevSeq}, and seq ${applier.seq} was applied last: ask for the ones between`,
    );
  }
  const { changes, commit } = decodeBatch(bytes);
  const turns = new Turns(CHANGES_PER_TURN); // reads go on: they see the batch before until this one is committed
  try {
    for (const change of changes) {
      const named = change.kind === 'erasedOf' || change.kind === 'forgottenOf' ? await resolved(change, applier.store) : change;
      if (named !== undefined) applier.fold(named);
      if (turns.step()) await turns.next();
    }
    await applier.commit(commit);
  } catch (error) {
    applier.discard();
    throw error;
  }
  return 'applied';
}
