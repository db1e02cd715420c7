import type { CommitRecord, Position } from '../../libs/change/change.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Token, TokenMark } from '../../libs/feature/token.js';
import type { ReplicaView, ReplicaViews } from '../../libs/replica/replica-view.js';

/**
 * Resolves once every replica partition shows the records behind the token to the readers that the
 * query's timelines have (S21). Topics that no such reader reads are not waited for: at most a chained
 * pipeline brings them here later (S25). DEADLINE_EXCEEDED when the caller's deadline comes first.
 */
export async function awaitToken(views: ReplicaViews, token: Token, timelineIds: ReadonlySet<number>, signal: AbortSignal): Promise<void> {
  const waits: Promise<void>[] = [];
  for (const partition of views.partitions) {
    const view = views.view(partition);
    const reached = (applied: CommitRecord): boolean => token.marks.every((mark) => hasReached(applied, mark, timelineIds));
    const applied = view.applied();
    if (applied === undefined || !reached(applied)) waits.push(waitFor(view, reached, signal));
  }
  if (waits.length > 0) await Promise.all(waits);
}

/** A reader has a position for each partition whose records can reach it here: its own, or all where records are re-keyed. */
function hasReached(applied: CommitRecord, mark: TokenMark, timelineIds: ReadonlySet<number>): boolean {
  return applied.positions.every((position) => !isFor(position, mark, timelineIds) || position.nextOffset >= mark.nextOffset);
}

function isFor(position: Position, mark: TokenMark, timelineIds: ReadonlySet<number>): boolean {
  return position.topic === mark.topic && position.partition === mark.partition && timelineIds.has(position.readerId);
}

async function waitFor(view: ReplicaView, reached: (applied: CommitRecord) => boolean, signal: AbortSignal): Promise<void> {
  try {
    await view.waitFor(reached, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new ThymeError(
      'THYME_DEADLINE_EXCEEDED',
      'DEADLINE_EXCEEDED',
      `the records behind 'after' have not reached partition ${view.partition} of this replica within the deadline: ask again`,
      [],
      { cause: error },
    );
  }
}

/** Resolves to true once any partition shows another tick, and to false when the signal aborts before. */
export async function anotherTick(views: ReplicaViews, signal: AbortSignal): Promise<boolean> {
  const others = new AbortController();
  const either = AbortSignal.any([signal, others.signal]);
  const seen = views.partitions.map((partition) => {
    const view = views.view(partition);
    const seq = view.applied()?.seq;
    return view.waitFor((applied) => applied.seq !== seq, either);
  });
  try {
    await Promise.any(seen);
    return true;
  } catch {
    return false;
  } finally {
    others.abort();
  }
}
