import { compileRowCodec, type RowCodec } from '../../libs/codec/row-codec.js';
import { checksumOfRow, statedChangeTimeUs, type DatasetRecord } from '../../libs/codec/dataset-record.js';
import { murmur3, slotOfHash } from '../../libs/codec/slot.js';
import { ByteWriter } from '../../libs/codec/byte-writer.js';
import type { Change } from '../../libs/change/change.js';
import { KeyFilter } from '../../libs/change/key-filter.js';
import { ROW_TAG, rowKeyOf, rowOfKey } from '../../libs/change/state-keys.js';
import type { LogRecord } from '../../libs/log/log.js';
import type { Field, Row } from '../../libs/schema/value-type.js';
import type { Store } from '../../libs/store/store.js';
import { type CurrentRow, decodeCurrentRow, encodeCurrentRows } from './current-row.js';
import { KeyTable } from './key-table.js';
import { RowCache } from './row-cache.js';

/** What it needs of the partition's store. */
type RowStore = Pick<Store, 'get' | 'entries'>;

/** A row that this tick has changed. */
interface ChangedRow {
  readonly key: Uint8Array;
  readonly hash: number;
  /** Undefined where it was erased, and has not come again. */
  current: CurrentRow | undefined;
}

/** A version that was not deleted. */
export type LivingRow = CurrentRow & { readonly row: Row };

/** What a change comes to. */
export type RowVerdict =
  /** It is older than what the row is now: it comes too late for it. */
  | { readonly kind: 'outdated' }
  /** The row is that already, from the same instant on. */
  | { readonly kind: 'repeat' }
  | {
      readonly kind: 'changed';
      readonly changeTimeUs: number;
      /** When the change was known (S22). */
      readonly knownUs: number;
      /** The version that ends; undefined where there was none, or it was deleted. */
      readonly ended: LivingRow | undefined;
      /** When the new version begins to count; undefined: from its event time on. */
      readonly startUs: number | undefined;
    };

/**
 * The step by row of one reader in its partition (S17): the current version of each row of a dataset whose records are changes.
 * Changes of a row are ordered by (change time, place in the topic); one that is older than the row's current version changes nothing.
 */
export class RowStep {
  readonly #readerId: number;
  readonly #store: RowStore;
  #codec: RowCodec;
  /** Of what was committed. */
  readonly #cache = new RowCache();
  #changed = new KeyTable<ChangedRow>();
  /** Undefined where rows of an earlier life of the reader are in the store. */
  readonly #asked: KeyFilter | undefined;

  /** `isFresh`: the reader has committed nothing yet. */
  constructor(readerId: number, fields: readonly Field[], { store, isFresh }: { readonly store: RowStore; readonly isFresh: boolean }) {
    this.#readerId = readerId;
    this.#store = store;
    this.#codec = compileRowCodec(fields);
    this.#asked = isFresh ? new KeyFilter() : undefined;
  }

  /** Another revision's fields: more of them, at most (S19). Between two ticks. */
  follow(fields: readonly Field[]): void {
    this.#codec = compileRowCodec(fields);
  }

  /** Judges a change, as its topic holds it and as it is decoded, and remembers what the row is now. */
  observe({ key: rowKey, offset: orderOffset, value }: LogRecord, record: DatasetRecord): RowVerdict {
    const hash = murmur3(rowKey);
    const changed = this.#changed.find(rowKey, hash);
    const before = changed === undefined ? this.#committed(rowKey, hash) : changed.current;
    const statedUs = statedChangeTimeUs(record);
    const isStated = record.change?.timeUs !== undefined;
    if (before !== undefined && isStated && statedUs < before.changeTimeUs) return { kind: 'outdated' };
    // One that names no time is newer than what the log took in before it, whatever the clocks of who took it in.
    const changeTimeUs = before === undefined ? statedUs : Math.max(statedUs, before.changeTimeUs);
    const { eventTimeUs, appendTimeUs, historical } = record;
    const row = record.change?.deleted === true ? undefined : record.row;
    const checksum = row === undefined ? 0 : checksumOfRow(value);
    const now: CurrentRow = { changeTimeUs, eventTimeUs, appendTimeUs, historical, orderOffset, checksum, row };
    if (before !== undefined && this.#isRepeat(before, now, isStated)) return { kind: 'repeat' };
    if (changed === undefined) this.#changed.open(hash, { key: rowKey, hash, current: now });
    else changed.current = now;
    return {
      kind: 'changed',
      changeTimeUs,
      // S22: history counts as known when it happened; the first version, as it counts, at its event time.
      knownUs: !historical ? appendTimeUs : before === undefined ? eventTimeUs : changeTimeUs,
      ended: before !== undefined && isLiving(before) ? before : undefined,
      startUs: before !== undefined && changeTimeUs > eventTimeUs ? changeTimeUs : undefined,
    };
  }

  /**
   * Forgets the rows that this entity has now (S26): the next change of each is its first. A look at every row of the
   * partition: erasures are rare. A row that was deleted stays as a mark where that names the row and no entity.
   */
  async forget(isOfEntity: (rowKey: Uint8Array, row: Row | undefined) => boolean): Promise<void> {
    const isGone = (rowKey: Uint8Array, current: CurrentRow | undefined): boolean =>
      current !== undefined && isOfEntity(rowKey, current.row);
    for (const changed of this.#changed.entries) if (isGone(changed.key, changed.current)) changed.current = undefined;
    for await (const [key, value] of this.#store.entries({ from: Buffer.of(ROW_TAG), to: Buffer.of(ROW_TAG + 1) })) {
      const { readerId, rowKey } = rowOfKey(key);
      if (readerId !== this.#readerId) continue;
      const hash = murmur3(rowKey);
      // What this tick has is newer than what the store has.
      if (this.#changed.find(rowKey, hash) !== undefined || !isGone(rowKey, decodeCurrentRow(value, this.#codec))) continue;
      this.#changed.open(hash, { key: rowKey, hash, current: undefined });
    }
  }

  /** What this tick changed, from here on as good as committed: a task whose commit fails is thrown away. */
  takeChanges(): Change[] {
    const { entries } = this.#changed;
    if (entries.length === 0) return [];
    this.#changed = new KeyTable();
    const kept = encodeCurrentRows(
      entries.flatMap(({ current }) => current ?? []),
      this.#codec,
    );
    let at = 0;
    return entries.map(({ key: rowKey, hash, current }) => {
      const value = current && kept[at++];
      if (value === undefined) this.#cache.delete(rowKey, hash);
      else this.#cache.put(rowKey, hash, value);
      const readerId = this.#readerId;
      return value === undefined ? { kind: 'forgotten', readerId, rowKey } : { kind: 'current', readerId, rowKey, value };
    });
  }

  #committed(rowKey: Uint8Array, hash: number): CurrentRow | undefined {
    const cached = this.#cache.get(rowKey, hash);
    if (cached !== undefined) return decodeCurrentRow(cached, this.#codec);
    if (this.#asked?.takeNew(rowKey, hash) === true) return undefined;
    const stored = this.#store.get(rowKeyOf(slotOfHash(hash), this.#readerId, rowKey));
    return stored && decodeCurrentRow(stored, this.#codec);
  }

  /** What is deleted already stays so from when it was: else the tombstone behind a delete would make changes of its source outdated. */
  #isRepeat(before: CurrentRow, now: CurrentRow, isStated: boolean): boolean {
    return isStated ? this.#isSame(before, now) : before.row === undefined && now.row === undefined;
  }

  #isSame(before: CurrentRow, now: CurrentRow): boolean {
    if (before.changeTimeUs !== now.changeTimeUs) return false;
    if (before.row === undefined || now.row === undefined) return before.row === now.row;
    // Of fields that this reader does not decode as well: what is a repeat is one to all, in the books of each.
    if (before.checksum !== undefined && before.checksum !== now.checksum) return false;
    return before.eventTimeUs === now.eventTimeUs && Buffer.compare(this.#bytesOf(before.row), this.#bytesOf(now.row)) === 0;
  }

  #bytesOf(row: Row): Uint8Array {
    const into = new ByteWriter();
    this.#codec.encode(row, into);
    return into.copy();
  }
}

function isLiving(row: CurrentRow): row is LivingRow {
  return row.row !== undefined;
}
