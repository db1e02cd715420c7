import { corruptBytes } from '../codec/byte-writer.js';
import type { Revision } from '../definition/revision.js';
import { INDEX_PREFIX } from '../definition/timeline-topics.js';
import { ThymeError } from '../errors/errors.js';
import { shapeOf } from '../pipeline/measures.js';
import { isRetractable } from '../pipeline/retractable.js';
import type { Store } from '../store/store.js';
import type { TimelineShape } from '../timeline/timeline.js';
import { decodeRevision } from '../wire/revisions.js';
import type { CommitRecord } from './change.js';
import { decodeCommit } from './commit-codec.js';
import { BASES_KEY, COMMIT_KEY, HORIZON_PREFIX, metaName, metaRange, READY_PREFIX, REVISION_PREFIX } from './state-keys.js';

/** What a store says of itself as of one seq: all that is not a timeline, in memory. */
export interface AppliedState {
  /** Undefined before the first batch. */
  readonly commit: CommitRecord | undefined;
  /** Every adopted revision, newest first. */
  readonly revisions: readonly Revision[];
  /** The shapes of every timeline that a revision ever named: ids are never reused. */
  readonly shapes: ReadonlyMap<number, TimelineShape>;
  /** The timelines that index a dataset. */
  readonly indexes: ReadonlySet<number>;
  readonly ready: ReadonlySet<number>;
  readonly horizons: ReadonlyMap<number, number>;
}

/**
 * THYME_CORRUPT where its own records cannot be decoded, THYME_STORE_OUTDATED where they can and are not to be trusted:
 * both are built anew.
 */
export async function loadState(store: Store): Promise<AppliedState> {
  try {
    const state = await decodeState(store);
    if (state.horizons.size > 0 && store.get(BASES_KEY) === undefined) throw basesMiscounted();
    return state;
  } catch (cause) {
    if (cause instanceof ThymeError) throw cause;
    throw corruptBytes('what a store says of itself', { cause });
  }
}

async function decodeState(store: Store): Promise<AppliedState> {
  const commit = store.get(COMMIT_KEY);
  let state: AppliedState = {
    commit: commit && decodeCommit(commit),
    revisions: [],
    shapes: new Map(),
    indexes: new Set(),
    ready: new Set(),
    horizons: new Map(),
  };
  for await (const [, value] of store.entries(metaRange(REVISION_PREFIX))) state = withRevision(state, decodeRevision(value));
  for await (const [key] of store.entries(metaRange(READY_PREFIX)))
    state = withReady(state, Number(metaName(key).slice(READY_PREFIX.length)));
  for await (const [key, value] of store.entries(metaRange(HORIZON_PREFIX))) {
    state = withHorizon(state, Number(metaName(key).slice(HORIZON_PREFIX.length)), Number(Buffer.from(value).toString('latin1')));
  }
  return state;
}

export function withRevision(state: AppliedState, revision: Revision): AppliedState {
  const shapes = new Map(state.shapes);
  const indexes = new Set(state.indexes);
  for (const timeline of revision.timelines) {
    const { id, name, measures } = timeline;
    if (name.startsWith(INDEX_PREFIX)) indexes.add(id);
    // The same object for a timeline that is known: libs/timeline keeps its layout by it.
    if (!shapes.has(id)) shapes.set(id, shapeOf(measures, isRetractable(revision.definitions, timeline)));
  }
  return { ...state, shapes, indexes, revisions: [revision, ...state.revisions] };
}

export function withReady(state: AppliedState, timelineId: number): AppliedState {
  return { ...state, ready: new Set(state.ready).add(timelineId) };
}

export function withHorizon(state: AppliedState, timelineId: number, horizonUs: number): AppliedState {
  return { ...state, horizons: new Map(state.horizons).set(timelineId, horizonUs) };
}

function basesMiscounted(): ThymeError {
  return new ThymeError(
    'THYME_STORE_OUTDATED',
    'UNAVAILABLE',
    'the store was trimmed by a release that miscounted what it had trimmed: it is built anew',
    [],
    { disposition: 'rebuild' },
  );
}
