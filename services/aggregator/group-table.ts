import { murmur3 } from '../../libs/codec/slot.js';
import type { RowEnd, TimelineRow } from '../../libs/timeline/timeline.js';
import { KeyTable } from './key-table.js';

export interface Group {
  readonly key: Uint8Array;
  readonly rows: TimelineRow[];
  /** Absent where no row of it ends in this tick (S17). */
  ends: RowEnd[] | undefined;
}

/** The groups that a tick has rows for, in the order in which they came. */
export class GroupTable extends KeyTable<Group> {
  /** Adds a row to the group with this key, which is kept, and must not change. */
  add(key: Uint8Array, row: TimelineRow): void {
    const hash = murmur3(key);
    const group = this.find(key, hash);
    if (group === undefined)
      this.open(hash, { key, rows: [row], ends: undefined }); // of its size: most groups of a tick have one
    else group.rows.push(row);
  }

  /** The row may be one of this tick. */
  addEnd(key: Uint8Array, end: RowEnd): void {
    const hash = murmur3(key);
    const group = this.find(key, hash);
    if (group === undefined) this.open(hash, { key, rows: [], ends: [end] });
    else (group.ends ??= []).push(end);
  }
}
