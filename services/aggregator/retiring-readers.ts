import type { AppliedState } from '../../libs/change/applied-state.js';
import type { Revision } from '../../libs/definition/revision.js';
import type { ReaderPlan, RevisionPlan } from './reader-plan.js';

// A changed pipeline is built from history under another timeline, and until that is ready in every partition the
// revision before answers (S18). What it answers from must not stand still meanwhile: readers that are replaced go on
// beside those that replace them (S19). A partition does not know how far the others are, so they go on until the first
// revision after their successor is ready here. A pipeline that publishes has none: its rows would come twice (S25).

/** Of the readers before a revision those that it does not have, and that are answered from until it is ready. */
export function retiringReaders(before: readonly ReaderPlan[], next: RevisionPlan, ready: ReadonlySet<number>): ReaderPlan[] {
  return before.filter((reader) => {
    if (next.readers.some(({ id }) => id === reader.id)) return false;
    if (!ready.has(reader.id) || reader.publish !== undefined) return false;
    if (!reader.joins.every((dataset) => next.indexOf.has(dataset))) return false;
    return next.readers.some(({ id, name }) => name === reader.name && !ready.has(id));
  });
}

/** Those that were going on at the last commit: they have a place in it, and are of a revision before the one in force. */
export function resumedReaders({ commit, revisions }: AppliedState, inForce: RevisionPlan, planOf: (revision: Revision) => RevisionPlan): ReaderPlan[] {
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
