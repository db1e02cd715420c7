import { compileRowCodec, type RowCodec } from '../../libs/codec/row-codec.js';
import { checksumOfRow, statedChangeTimeUs, type DatasetRecord } from '../../libs/codec/dataset-record.js';
import { slotOf } from '../../libs/codec/slot.js';
import { ByteWriter } from '../../libs/codec/byte-writer.js';
import type { Change } from '../../libs/change/change.js';
import { keyText } from '../../libs/change/head-cache.js';
import { KeyFilter } from '../../libs/change/key-filter.js';
import { ROW_TAG, rowKeyOf, rowOfKey } from '../../libs/change/state-keys.js';
import type { LogRecord } from '../../libs/log/log.js';
import type { Field, Row } from '../../libs/schema/value-type.js';
import type { Store } from '../../libs/store/store.js';
import { type CurrentRow, decodeCurrentRow, encodeCurrentRow } from './current-row.js';

/** Rows of a generation, some 300 bytes each; two are kept, and what is in neither is read from the store again. */
const GENERATION_ROWS_MAX = 25_000;

/** What it needs of the partition's store. */
type RowStore = Pick<Store, 'get' | 'entries'>;

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
  /** By row key as latin-1 text; undefined for a row that is not known. What this tick changed is among them. */
  #rows = new Map<string, CurrentRow | undefined>();
  /** The generation before: a row of it that is asked for moves to this one. */
  #older = new Map<string, CurrentRow | undefined>();
  /** Undefined where rows of an earlier life of the reader are in the store. */
  readonly #asked: KeyFilter | undefined;
  /** Rows that this tick has changed. */
  readonly #changed = new Map<string, Uint8Array>();
  /** Rows that were erased in this tick, by their keys' texts. */
  readonly #forgotten = new Map<string, Uint8Array>();

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
    this.#rows.clear();
    this.#older.clear();
  }

  /** Judges a change, as its topic holds it and as it is decoded, and remembers what the row is now. */
  observe({ key: rowKey, offset: orderOffset, value }: LogRecord, record: DatasetRecord): RowVerdict {
    const name = keyText(rowKey);
    const before = this.#current(name, rowKey);
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
    this.#rows.set(name, now);
    this.#changed.set(name, rowKey);
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
    const forget = (name: string, rowKey: Uint8Array, current: CurrentRow | undefined): void => {
      if (current === undefined || !isOfEntity(rowKey, current.row)) return;
      this.#rows.set(name, undefined);
      this.#changed.delete(name);
      this.#forgotten.set(name, rowKey);
    };
    for (const [name, rowKey] of [...this.#changed]) forget(name, rowKey, this.#rows.get(name));
    for await (const [key, value] of this.#store.entries({ from: Buffer.of(ROW_TAG), to: Buffer.of(ROW_TAG + 1) })) {
      const { readerId, rowKey } = rowOfKey(key);
      const name = keyText(rowKey);
      // What this tick has is newer than what the store has.
      if (readerId !== this.#readerId || this.#changed.has(name) || this.#forgotten.has(name)) continue;
      forget(name, rowKey, decodeCurrentRow(value, this.#codec));
    }
    this.#older.clear();
  }

  /** What this tick changed. */
  takeChanges(): Change[] {
    const changes: Change[] = [];
    for (const [name, rowKey] of this.#forgotten)
      if (!this.#changed.has(name)) changes.push({ kind: 'forgotten', readerId: this.#readerId, rowKey });
    this.#forgotten.clear();
    for (const [name, rowKey] of this.#changed) {
      const current = this.#rows.get(name);
      if (current === undefined) continue;
      changes.push({ kind: 'current', readerId: this.#readerId, rowKey, value: encodeCurrentRow(current, this.#codec) });
    }
    this.#changed.clear();
    return changes;
  }

  /** After a commit: what the store has can be read again. */
  trim(): void {
    if (this.#rows.size <= GENERATION_ROWS_MAX) return;
    this.#older = this.#rows;
    this.#rows = new Map();
  }

  #current(name: string, rowKey: Uint8Array): CurrentRow | undefined {
    const known = this.#rows.get(name);
    if (known !== undefined || this.#rows.has(name)) return known;
    const current = this.#older.get(name) ?? this.#stored(rowKey);
    this.#rows.set(name, current);
    return current;
  }

  #stored(rowKey: Uint8Array): CurrentRow | undefined {
    if (this.#asked?.takeNew(rowKey) === true) return undefined;
    const stored = this.#store.get(rowKeyOf(slotOf(rowKey), this.#readerId, rowKey));
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
