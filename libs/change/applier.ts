import assert from 'node:assert';
import { ThymeError } from '../errors/errors.js';
import { slotOf } from '../codec/slot.js';
import type { Store, StoreBatch, StoreReader, StoreSnapshot } from '../store/store.js';
import type { PageReader } from '../timeline/page-access.js';
import type { TimelineShape } from '../timeline/timeline.js';
import { eraseRows, type ErasedRange } from '../timeline/erase-rows.js';
import { writeChanges, writeRows } from '../timeline/write-rows.js';
import { encodeRevision } from '../wire/revisions.js';
import { type AppliedState, loadState, withHorizon, withReady, withRevision } from './applied-state.js';
import type { Change, CommitRecord } from './change.js';
import { encodeCommit } from './commit-codec.js';
import { crashPoint } from '../lifecycle/crash-point.js';
import { HEAD_CACHE_BYTES, HeadCache } from './head-cache.js';
import { NewGroups } from './new-groups.js';
import { Overlay } from './overlay.js';
import { SharedSnapshot } from './shared-snapshot.js';
import { CachedReader, SHELF_CACHE_BYTES, ShelfCache } from './shelf-cache.js';
import { BASES_KEY, BASES_MARK, COMMIT_KEY, headKey, horizonKey, laneKey, readyKey, revisionKey, rowKeyOf, seenKey } from './state-keys.js';

type PendingRows = Pick<Extract<Change, { kind: 'rows' }>, 'timelineId' | 'groupKey' | 'rows'>;

/** Keys of erased entities that wait for somebody to ask for them. */
const ERASED_KEYS_MAX = 10_000;

/**
 * Folds changes into a store, tick by tick: the owner's like any replica's, so both write the same
 * bytes (C2). Nothing is written before `commit`, and then all of it at once (C1).
 */
export class Applier {
  readonly #store: Store;
  readonly #overlay: Overlay;
  readonly #heads = new HeadCache(HEAD_CACHE_BYTES);
  readonly #shelves = new ShelfCache(SHELF_CACHE_BYTES);
  readonly #newGroups = new NewGroups();
  readonly #cached: PageReader;
  #state: AppliedState;
  /** The state as it will be after `commit`. */
  #next: AppliedState;
  /** Rows that are folded with what comes next: ends of the same group, most often, so that its pages are written once. */
  #pending: PendingRows | undefined;
  #missedEnds = 0;
  #erasedRows = 0;
  #erasedKeys: Uint8Array[] = [];
  /** What `prepare` has copied for `commit` to write. */
  #prepared: { readonly commit: CommitRecord; readonly batch: StoreBatch } | undefined;
  #damage: Error | undefined;
  /** What readers see while a batch is being written: it shows the tick before (S15). */
  #before: { readonly shared: SharedSnapshot; readonly reader: PageReader } | undefined;

  private constructor(store: Store, state: AppliedState) {
    this.#store = store;
    this.#overlay = new Overlay(store, this.#heads, this.#newGroups);
    this.#cached = this.#reading(store);
    this.#state = state;
    this.#next = state;
  }

  static async open(store: Store): Promise<Applier> {
    return new Applier(store, await loadState(store));
  }

  /** As of the last commit. */
  get state(): AppliedState {
    return this.#state;
  }

  get store(): Store {
    return this.#store;
  }

  /** What has shown that the store is to be built anew, once something has: a call of its own, or a page that nobody can decode. */
  get damage(): Error | undefined {
    return this.#damage ?? this.#store.damage;
  }

  foundDamage(cause: Error): void {
    this.#damage ??= cause;
  }

  /** The seq of the last batch applied; 0 before the first. */
  get seq(): number {
    return this.#state.commit?.seq ?? 0;
  }

  /** The store with what was folded since the last commit. */
  get pages(): PageReader {
    this.#settle();
    return this.#overlay;
  }

  /** Throws on what it does not know (C3); the fold is then of no use, and is discarded. */
  fold(change: Change): void {
    if (change.kind === 'ended') return this.#foldEnds(change);
    this.#settle();
    switch (change.kind) {
      case 'rows':
        return this.#foldRows(change);
      case 'erased':
        this.#erasedRows += this.#foldErased(change.timelineId, change.groupKey, change);
        return;
      case 'forgotten':
        return this.#overlay.writeUnread(rowKeyOf(slotOf(change.rowKey), change.readerId, change.rowKey), undefined);
      case 'erasedOf':
      case 'forgottenOf':
        throw unresolved(change.kind);
      case 'current':
        return this.#overlay.writeUnread(rowKeyOf(slotOf(change.rowKey), change.readerId, change.rowKey), change.value);
      case 'seen':
        return this.#overlay.put(seenKey(change.readerId, change.partition, change.producerId), seenBytes(change.highest, change.bitmap));
      case 'lane':
        return this.#overlay.put(laneKey(change.readerId, change.partition, change.lane), text(String(change.watermarkUs)));
      case 'revision':
        for (const { id } of change.revision.timelines) if (!this.#next.shapes.has(id)) this.#newGroups.addTimeline(id);
        this.#next = withRevision(this.#next, change.revision);
        return this.#overlay.put(revisionKey(change.revision.number), encodeRevision(change.revision));
      case 'ready':
        this.#next = withReady(this.#next, change.timelineId);
        return this.#overlay.put(readyKey(change.timelineId), text('1'));
      case 'trimmed':
        if (this.#next.horizons.size === 0) this.#overlay.put(BASES_KEY, text(BASES_MARK));
        this.#next = withHorizon(this.#next, change.timelineId, change.horizonUs);
        return this.#overlay.put(horizonKey(change.timelineId), text(String(change.horizonUs)));
      default:
        throw unknownChange(change);
    }
  }

  /**
   * Copies what was folded, and the record, into a batch that `commit` then writes. For who has to wait until it may be
   * written; nothing is folded in between.
   */
  async prepare(commit: CommitRecord): Promise<void> {
    assert(this.#prepared === undefined, 'one batch is prepared at a time');
    assert(commit.prevSeq === this.seq, 'a batch follows the one before (C4)');
    this.#settle();
    this.#overlay.put(COMMIT_KEY, encodeCommit(commit));
    const batch = this.#store.batch();
    this.#prepared = { commit, batch };
    await this.#overlay.writeTo(batch);
  }

  /**
   * Writes what was folded and the record as one batch, without sync: the changelog is what lasts,
   * and a store that lost its tail is replayed from it. After an error this applier is of no use.
   */
  async commit(commit: CommitRecord): Promise<void> {
    assert(this.#before === undefined, 'one batch is written at a time');
    if (this.#prepared === undefined) await this.prepare(commit);
    assert(this.#prepared?.commit === commit, 'another batch was prepared');
    const { batch } = this.#prepared;
    this.#prepared = undefined;
    const shared = new SharedSnapshot(this.#store.snapshot());
    const before = shared.hold();
    this.#before = { shared, reader: this.#reading(before) };
    try {
      const writing = batch.write({ sync: false });
      crashPoint('applier.duringWrite');
      await writing;
    } finally {
      this.#before = undefined;
      before.close();
    }
    this.#overlay.committed(this.#shelves);
    this.#state = { ...this.#next, commit };
    this.#next = this.#state;
  }

  /** Forgets what was folded since the last commit. */
  discard(): void {
    this.#pending = undefined;
    this.#overlay.discard();
    this.#prepared?.batch.discard?.();
    this.#prepared = undefined;
    this.#next = this.#state;
  }

  /** Whole ticks only (S15). For one synchronous block. */
  reader(): PageReader {
    return this.#before?.reader ?? this.#cached;
  }

  /** One tick for as long as the caller needs; it closes it. */
  snapshot(): StoreSnapshot {
    return this.#before?.shared.hold() ?? this.#store.snapshot();
  }

  /** Ends of rows that were not there, since it was opened: a step was not the same function when it ran again. */
  get missedEnds(): number {
    return this.#missedEnds;
  }

  /** Rows that went with erased entities (S26), since it was opened. */
  get erasedRows(): number {
    return this.#erasedRows;
  }

  /** The entities that were erased since this was asked last: of more than it keeps the newest. */
  takeErasedKeys(): readonly Uint8Array[] {
    const keys = this.#erasedKeys;
    this.#erasedKeys = [];
    return keys;
  }

  /** The timeline's columns; FAILED_PRECONDITION for one that no adopted revision names (C3). */
  shape(timelineId: number): TimelineShape {
    const shape = this.#next.shapes.get(timelineId);
    if (shape === undefined) throw unknownTimeline(timelineId);
    return shape;
  }

  #reading(below: StoreReader): PageReader {
    return new CachedReader(below, this.#heads, this.#shelves, (cause) => this.foundDamage(cause));
  }

  #foldRows({ timelineId, groupKey, rows }: PendingRows): void {
    const shape = this.shape(timelineId);
    if (shape.retractable === true) {
      this.#pending = { timelineId, groupKey, rows };
      return;
    }
    writeRows(shape, this.#overlay, headKey(slotOf(groupKey), timelineId, groupKey), rows, this.#horizonOf(timelineId));
  }

  #foldEnds({ timelineId, groupKey, ends }: Extract<Change, { kind: 'ended' }>): void {
    const before = this.#pending;
    const isSameGroup = before?.timelineId === timelineId && Buffer.compare(before.groupKey, groupKey) === 0;
    const rows = isSameGroup ? before.rows : [];
    if (isSameGroup) this.#pending = undefined;
    else this.#settle();
    const place = headKey(slotOf(groupKey), timelineId, groupKey);
    const found = writeChanges(this.shape(timelineId), this.#overlay, place, { rows, ends, horizonUs: this.#horizonOf(timelineId) });
    this.#missedEnds += ends.length - found;
  }

  /** Not of an index: its newest row at an instant is asked for however old it is. */
  #horizonOf(timelineId: number): number | undefined {
    return this.#next.indexes.has(timelineId) ? undefined : this.#next.horizons.get(timelineId);
  }

  /** Writes the rows that wait for ends of their group. */
  #settle(): void {
    if (this.#pending === undefined) return;
    const { timelineId, groupKey, rows } = this.#pending;
    this.#pending = undefined;
    writeRows(this.shape(timelineId), this.#overlay, headKey(slotOf(groupKey), timelineId, groupKey), rows);
  }

  #foldErased(timelineId: number, groupKey: Uint8Array, range: ErasedRange): number {
    if (range.fromOffset === Number.NEGATIVE_INFINITY && this.#erasedKeys.push(groupKey) > ERASED_KEYS_MAX) this.#erasedKeys.shift();
    return eraseRows(this.shape(timelineId), this.#overlay, headKey(slotOf(groupKey), timelineId, groupKey), range);
  }
}

function seenBytes(highest: number, bitmap: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(8 + bitmap.length);
  bytes.writeDoubleLE(highest);
  bytes.set(bitmap, 8);
  return bytes;
}

function text(value: string): Uint8Array {
  return Buffer.from(value, 'latin1');
}

function unknownChange(change: never): ThymeError {
  const { kind } = change as { readonly kind: string }; // never for the compiler; a newer process may send more
  return new ThymeError(
    'THYME_CHANGE_UNKNOWN',
    'FAILED_PRECONDITION',
    `a change of kind '${kind}' is not known to this process, and nothing is skipped (C3): upgrade it`,
    [],
    { disposition: 'stop' },
  );
}

function unresolved(kind: string): ThymeError {
  return new ThymeError(
    'THYME_CHANGE_UNRESOLVED',
    'INTERNAL',
    `a change of kind '${kind}' is folded by applyBatch alone, which finds what it names`,
  );
}

function unknownTimeline(timelineId: number): ThymeError {
  return new ThymeError(
    'THYME_TIMELINE_UNKNOWN',
    'FAILED_PRECONDITION',
    `a change is for timeline ${timelineId}, which no adopted revision names: nothing is skipped (C3)`,
    [],
    { disposition: 'stop' },
  );
}
