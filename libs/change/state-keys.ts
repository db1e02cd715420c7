import { strict as assert } from 'node:assert';

/**
 * Every key of a partition's store. Big-endian; kinds and ids first, so a scan of one kind is a range.
 *
 *     META      00 | name                                         see META_* below
 *     TIMELINE  01 | slot u16 | timeline id u32 | key length u16 | group key      the head (libs/timeline)
 *               ... | suffix                                      the group's pages
 *     ROW       02 | slot u16 | reader id u32 | key length u16 | row key          what a row is now (S17)
 *
 * The slot leads, so that a partition can be split by slot one day (DESIGN 4). The length makes
 * head keys prefix-free: a page of one group can never be taken for another group's head.
 */
export const META_TAG = 0x00;
export const TIMELINE_TAG = 0x01;
export const ROW_TAG = 0x02;
export const GROUP_KEY_BYTES_MAX = 1_024;

/** The group's head key. `slot` is `slotOf(groupKey)`. */
export function headKey(slot: number, timelineId: number, groupKey: Uint8Array): Uint8Array {
  return slotKey(TIMELINE_TAG, slot, { id: timelineId, name: groupKey });
}

/** What a reader keeps of a row. `slot` is `slotOf(rowKey)`. */
export function rowKeyOf(slot: number, readerId: number, rowKey: Uint8Array): Uint8Array {
  return slotKey(ROW_TAG, slot, { id: readerId, name: rowKey });
}

/** The group key of a head's key. */
export function groupOfHeadKey(key: Uint8Array): Uint8Array {
  return Buffer.from(key).subarray(9, headKeyLength(key));
}

/** All keys of a timeline, or of the rows of a reader, in one slot. */
export function slotRange(what: 'timeline' | 'row', slot: number, id: number): { readonly from: Uint8Array; readonly to: Uint8Array } {
  const begin = (of: number): Uint8Array => {
    const key = Buffer.alloc(7, what === 'timeline' ? TIMELINE_TAG : ROW_TAG);
    key.writeUInt16BE(slot, 1);
    key.writeUInt32BE(of, 3);
    return key;
  };
  return { from: begin(id), to: begin(id + 1) };
}

/** What `rowKeyOf` was made of. */
export function rowOfKey(key: Uint8Array): { readonly readerId: number; readonly rowKey: Uint8Array } {
  assert(key[0] === ROW_TAG);
  const bytes = Buffer.from(key);
  return { readerId: bytes.readUInt32BE(3), rowKey: bytes.subarray(9) };
}

function slotKey(tag: number, slot: number, { id, name }: { readonly id: number; readonly name: Uint8Array }): Uint8Array {
  assert(slot >= 0 && slot < 1_024 && name.length <= GROUP_KEY_BYTES_MAX);
  // Byte by byte, and from the pool: this is done for every group of every tick and every lookup.
  const key = Buffer.allocUnsafe(9 + name.length);
  key[0] = tag;
  key[1] = slot >>> 8;
  key[2] = slot;
  key[3] = id >>> 24;
  key[4] = id >>> 16;
  key[5] = id >>> 8;
  key[6] = id;
  key[7] = name.length >>> 8;
  key[8] = name.length;
  key.set(name, 9);
  return key;
}

/** Where the head's key ends within a TIMELINE key, the head's or any page's. */
export function headKeyLength(key: Uint8Array): number {
  return 9 + ((key[7] ?? 0) << 8) + (key[8] ?? 0);
}

function meta(name: string): Uint8Array {
  return Buffer.concat([Buffer.of(META_TAG), Buffer.from(name, 'utf8')]);
}

/** The range of all META keys whose name starts with `prefix`, which is ASCII. */
export function metaRange(prefix: string): { readonly from: Uint8Array; readonly to: Uint8Array } {
  return { from: meta(prefix), to: meta(`${prefix}\x7f`) };
}

/** The name of a META key. */
export function metaName(key: Uint8Array): string {
  assert(key[0] === META_TAG);
  return Buffer.from(key.buffer, key.byteOffset + 1, key.length - 1).toString('utf8');
}

/** The commit record of the last batch applied. */
export const COMMIT_KEY = meta('commit');

/**
 * Present, with BASES_MARK, where the first timeline was trimmed by a release that reads bases right (S20). One that did not
 * wrote wrong counts and sums into them; what was trimmed without this mark is built anew.
 */
export const BASES_KEY = meta('sound-bases'); // behind COMMIT_KEY, as all are: a snapshot begins there
export const BASES_MARK = '1';

export const REVISION_PREFIX = 'revision/';
export const READY_PREFIX = 'ready/';
export const HORIZON_PREFIX = 'horizon/';

/** The content of an adopted revision. */
export function revisionKey(revision: number): Uint8Array {
  return meta(`${REVISION_PREFIX}${String(revision).padStart(16, '0')}`);
}

/** Present once the timeline is ready (S18). */
export function readyKey(timelineId: number): Uint8Array {
  return meta(`${READY_PREFIX}${String(timelineId)}`);
}

/** The timeline's horizon in µs (S20), as text. */
export function horizonKey(timelineId: number): Uint8Array {
  return meta(`${HORIZON_PREFIX}${String(timelineId)}`);
}

/** What a reader has seen of a producer (S13): the high-water mark as f64, then the bitmap. */
export function seenKey(readerId: number, partition: number, producerId: string): Uint8Array {
  return meta(`seen/${String(readerId)}/${String(partition)}/${producerId}`);
}

/** A lane's watermark (S10), as text. */
export function laneKey(readerId: number, partition: number, lane: string): Uint8Array {
  return meta(`lane/${String(readerId)}/${String(partition)}/${lane}`);
}
