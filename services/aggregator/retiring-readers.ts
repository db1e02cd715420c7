import type { AppliedState } from '../../libs/change/applied-state.js';
import type { Revision } from '../../libs/definition/revision.js';
import type { ReaderPlan, RevisionPlan } from './reader-plan.js';

// A changed pipeline is built from history under another timeline, and until that is ready in every partition the revision
// before answers (S18). What it answers from must not stand still meanwhile: readers that are replaced go on beside those that
// replace them (S19, S19a), with the publishing readers and the indexes that they live on. A partition does not know how far
// the others are, so they go on until the first revision after their successor is ready here.

/** The readers that a revision does not have any more, and that are answered from until it is ready. */
export function retiringReaders(before: readonly ReaderPlan[], next: RevisionPlan, ready: ReadonlySet<number>): ReaderPlan[] {
  const staying = new Set(next.readers.map(({ id }) => id));
  const leaving = before.filter(({ id }) => !staying.has(id) && ready.has(id));
  const kept = new Set(leaving.filter((reader) => isReplaced(reader, next, ready) && !publishesTwice(reader, next)));
  // The set grows as it is walked: what feeds one that feeds one, too.
  for (const reader of kept) {
    for (const other of leaving) if (feeds(other, reader) && !publishesTwice(other, next)) kept.add(other);
  }
  const isWhole = ({ rights }: ReaderPlan): boolean =>
    [...rights.values()].every((right) => staying.has(right.id) || [...kept].some(({ id }) => id === right.id));
  return leaving.filter((reader) => kept.has(reader) && isWhole(reader));
}

/** What fills the same dataset, and is not ready yet. */
function isReplaced({ fills }: ReaderPlan, next: RevisionPlan, ready: ReadonlySet<number>): boolean {
  return next.readers.some((reader) => reader.fills === fills && !ready.has(reader.id));
}

/** Two readers may not fill one topic: its rows would come twice (S25a). */
function publishesTwice({ publish }: ReaderPlan, next: RevisionPlan): boolean {
  return publish !== undefined && next.readers.some((reader) => reader.publish?.topic === publish.topic);
}

function feeds(reader: ReaderPlan, other: ReaderPlan): boolean {
  return reader.publish?.topic === other.topic || [...other.rights.values()].some(({ id }) => id === reader.id);
}

/** Those that were going on at the last commit: they have a place in it, and are of a revision before the one in force. */
export function resumedReaders(
  { commit, revisions }: AppliedState,
  inForce: RevisionPlan,
  planOf: (revision: Revision) => RevisionPlan,
): ReaderPlan[] {
  const missing = new Set(commit?.cursors.map(({ readerId }) => readerId));
  for (const { id } of inForce.readers) missing.delete(id);
  const resumed: ReaderPlan[] = [];
  for (const revision of revisions.slice(1)) {
    if (missing.size === 0) break;
    for (const reader of revision.timelines.some(({ id }) => missing.has(id)) ? planOf(revision).readers : []) {
      if (missing.delete(reader.id)) resumed.push(reader);
    }
  }
  return resumed;
}
