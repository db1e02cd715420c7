import assert from 'node:assert/strict';

// The keys of one timeline. The head key is opaque and prefix-free among timelines, so a group's pages lie
// behind its head and one range delete erases it. All integers big-endian.
//
//   HEAD     | head key |                    the newest rows, and where the tree is
//   PAGE     | head key | 00 | id u32 |      a leaf or an inner page, in order of creation
//   DIGEST   | head key | 01 | id u32 |      the digests of a sealed inner page; of the base where id = 0
//   BASE     | head key | 02 |               the partial of what was trimmed (S20)
//   LATE     | head key | 03 | id u32 |      what came late to a sealed inner page, and is not in its digests
//   ENDED    | head key | 04 |               the head key of the timeline of ended rows (S17), and so the begin of its pages' keys

export const PageTag = { page: 0x00, digest: 0x01, base: 0x02, late: 0x03, ended: 0x04 } as const;
const PAGE_ID_MAX = 0xffff_ffff;

/** No page has this id: the base's digests have it, and the child of the base's entry. */
export const BASE_ID = 0;

export function pageKey(headKey: Uint8Array, id: number): Uint8Array {
  assert(id !== BASE_ID);
  return tagged(headKey, PageTag.page, id);
}

export function digestKey(headKey: Uint8Array, id: number): Uint8Array {
  return tagged(headKey, PageTag.digest, id);
}

export function lateKey(headKey: Uint8Array, id: number): Uint8Array {
  return tagged(headKey, PageTag.late, id);
}

export function baseKey(headKey: Uint8Array): Uint8Array {
  return withTag(headKey, PageTag.base);
}

/** The head key of a timeline's ended rows. */
export function endedKey(headKey: Uint8Array): Uint8Array {
  return withTag(headKey, PageTag.ended);
}

function withTag(headKey: Uint8Array, tag: number): Uint8Array {
  const key = new Uint8Array(headKey.length + 1);
  key.set(headKey);
  key[headKey.length] = tag;
  return key;
}

/** Whether a key of this timeline is a head's. */
export function isHeadKeyOf(key: Uint8Array, headKeyLength: number): boolean {
  return key.length === headKeyLength;
}

/** What lies under a key of a timeline that is not its head's. */
export function pageOfKey(key: Uint8Array, headKeyLength: number): { readonly tag: number; readonly id: number } {
  const at = headKeyLength;
  const tag = key[at]!;
  if (tag === PageTag.base || tag === PageTag.ended) return { tag, id: BASE_ID };
  return { tag, id: ((key[at + 1]! << 24) | (key[at + 2]! << 16) | (key[at + 3]! << 8) | key[at + 4]!) >>> 0 };
}

function tagged(headKey: Uint8Array, tag: number, id: number): Uint8Array {
  assert(Number.isInteger(id) && id >= 0 && id <= PAGE_ID_MAX);
  const key = new Uint8Array(headKey.length + 5);
  key.set(headKey);
  const at = headKey.length;
  key[at] = tag;
  key[at + 1] = id >>> 24;
  key[at + 2] = id >>> 16;
  key[at + 3] = id >>> 8;
  key[at + 4] = id;
  return key;
}
