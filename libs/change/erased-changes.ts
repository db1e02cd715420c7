import { createHash } from 'node:crypto';
import { slotOf } from '../codec/slot.js';
import type { Store } from '../store/store.js';
import { isWithin } from '../timeline/erase-rows.js';
import type { Change } from './change.js';
import { isHeadKey, keyText } from './head-cache.js';
import { groupOfHeadKey, rowOfKey, slotRange } from './state-keys.js';

// What is left of changes when the changelog is rewritten (S26). The rows of erased entities are not in it any more, and an
// erasure names its group by a hash: who folds it finds the group among those that his store has. So a replica that was away
// while the changelog was rewritten still erases what it has, and one that folds from the beginning meets nothing to erase.

type Erased = Extract<Change, { kind: 'erased' }>;
type OrderedRow = { readonly orderSource: number; readonly orderOffset: number };

const HASH_BYTES = 16;

/** What a partition's changelog says was erased, up to some batch. */
export class ErasedChanges {
  readonly #groups = new Map<string, { readonly seq: number; readonly range: Erased }[]>();
  readonly #forgotten = new Map<string, number>();
  readonly #isErasedRow: (readerId: number, value: Uint8Array) => boolean;

  /** `isErasedRow` tells of what a step by row kept whether that was of an erased entity. */
  constructor(isErasedRow: (readerId: number, value: Uint8Array) => boolean) {
    this.#isErasedRow = isErasedRow;
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0 && this.#forgotten.size === 0;
  }

  note(change: Change, seq: number): void {
    if (change.kind === 'forgotten') this.#forgotten.set(nameOf(change.readerId, change.rowKey), seq);
    if (change.kind !== 'erased') return;
    const name = nameOf(change.timelineId, change.groupKey);
    const ranges = this.#groups.get(name);
    if (ranges === undefined) this.#groups.set(name, [{ seq, range: change }]);
    else ranges.push({ seq, range: change });
  }

  /** The changes of a batch without what was erased by it or later; undefined where all stay. */
  without(changes: readonly Change[], seq: number): readonly Change[] | undefined {
    const kept = changes.flatMap((change) => this.#left(change, seq));
    return kept.length === changes.length && kept.every((change, i) => change === changes[i]) ? undefined : kept;
  }

  #left(change: Change, seq: number): readonly Change[] {
    switch (change.kind) {
      case 'rows': {
        const rows = this.#keep(change.timelineId, change.groupKey, change.rows, seq);
        return rows.length === change.rows.length ? [change] : rows.length === 0 ? [] : [{ ...change, rows }];
      }
      case 'ended': {
        const ends = this.#keep(change.timelineId, change.groupKey, change.ends, seq);
        return ends.length === change.ends.length ? [change] : ends.length === 0 ? [] : [{ ...change, ends }];
      }
      case 'current': {
        const isForgotten = seq <= (this.#forgotten.get(nameOf(change.readerId, change.rowKey)) ?? -1);
        return isForgotten || this.#isErasedRow(change.readerId, change.value) ? [] : [change];
      }
      case 'erased': {
        const { timelineId, groupKey, orderSource, fromOffset, beforeOffset } = change;
        const named = { slot: slotOf(groupKey), keyHash: hashOf(groupKey) };
        return [{ kind: 'erasedOf', timelineId, ...named, orderSource, fromOffset, beforeOffset }];
      }
      case 'forgotten':
        return [{ kind: 'forgottenOf', readerId: change.readerId, slot: slotOf(change.rowKey), keyHash: hashOf(change.rowKey) }];
      default:
        return [change];
    }
  }

  #keep<R extends OrderedRow>(timelineId: number, groupKey: Uint8Array, rows: readonly R[], seq: number): readonly R[] {
    const ranges = this.#groups.get(nameOf(timelineId, groupKey));
    if (ranges === undefined) return rows;
    return rows.filter((row) => !ranges.some(({ seq: erasedAt, range }) => seq <= erasedAt && isWithin(range, row)));
  }
}

/** A change that names a group, or a row, by its hash, as one that names it; undefined where the store has none of that hash. */
export async function resolved(change: Change, store: Pick<Store, 'entries'>): Promise<Change | undefined> {
  if (change.kind === 'erasedOf') {
    const { timelineId, orderSource, fromOffset, beforeOffset } = change;
    for await (const [key] of store.entries(slotRange('timeline', change.slot, timelineId))) {
      if (!isHeadKey(key)) continue;
      const groupKey = groupOfHeadKey(key);
      if (Buffer.compare(hashOf(groupKey), change.keyHash) !== 0) continue;
      return { kind: 'erased', timelineId, groupKey, orderSource, fromOffset, beforeOffset };
    }
    return undefined;
  }
  if (change.kind !== 'forgottenOf') return change;
  for await (const [key] of store.entries(slotRange('row', change.slot, change.readerId))) {
    const { readerId, rowKey } = rowOfKey(key);
    if (Buffer.compare(hashOf(rowKey), change.keyHash) === 0) return { kind: 'forgotten', readerId, rowKey };
  }
  return undefined;
}

function hashOf(key: Uint8Array): Uint8Array {
  return createHash('sha256').update(key).digest().subarray(0, HASH_BYTES);
}

function nameOf(id: number, key: Uint8Array): string {
  return `${id}/${keyText(key)}`;
}
