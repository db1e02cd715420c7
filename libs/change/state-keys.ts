import { strict as assert } from 'node:assert';

/**
 * Every key of a partition's store. Big-endian; kinds and ids first, so a scan of one kind is a range.
 *
 *     META      00 | name                                         see META_* below
 *     TIMELINE  01 | slot u16 | timeline id u32 | key length u16 | group key      the head (libs/timeline)
 *               ... | suffix                                      the group's pages
 *
 * The slot leads, so that a partition can be split by slot one day (DESIGN 4). The length makes
 * head keys prefix-free: a page of one group can never be taken for another group's head.
 */
export const META_TAG = 0x00;
export const TIMELINE_TAG = 0x01;
export const GROUP_KEY_BYTES_MAX = 1_024;

/** The group's head key. `slot` is `slotOf(groupKey)`. */
export function headKey(slot: number, timelineId: number, groupKey: Uint8Array): Uint8Array {
  assert(slot >= 0 && slot < 1_024 && groupKey.length <= GROUP_KEY_BYTES_MAX);
  // Byte by byte, and from the pool: this is done for every group of every tick and every lookup.
  const key = Buffer.allocUnsafe(9 + groupKey.length);
  key[0] = TIMELINE_TAG;
  key[1] = slot >>> 8;
  key[2] = slot;
  key[3] = timelineId >>> 24;
  key[4] = timelineId >>> 16;
  key[5] = timelineId >>> 8;
  key[6] = timelineId;
  key[7] = groupKey.length >>> 8;
  key[8] = groupKey.length;
  key.set(groupKey, 9);
  return key;
}

/** Of a TIMELINE key, the head's or any page's: where the head's ends. */
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
