import assert from 'node:assert';

/** Every key has one of these for ever; partitions are made of whole slots, so they can be split without a rehash (DESIGN 4). */
export const SLOT_COUNT = 1_024;

/** The slot of an entity key's bytes: the low ten bits of their MurmurHash3. */
export function slotOf(key: Uint8Array): number {
  return slotOfHash(murmur3(key));
}

/** For who has the key's murmur3 already. */
export function slotOfHash(hash: number): number {
  return hash & (SLOT_COUNT - 1);
}

/**
 * The partition of a slot. Contiguous: partition p has the slots from ceil(p · 1024 / n), so that each
 * partition is one range of the store's keys, which the slot leads, and doubling n halves every range.
 */
export function partitionOf(slot: number, partitions: number): number {
  assert(Number.isInteger(slot) && slot >= 0 && slot < SLOT_COUNT);
  assert(Number.isInteger(partitions) && partitions >= 1 && partitions <= SLOT_COUNT);
  return Math.floor((slot * partitions) / SLOT_COUNT);
}

/**
 * MurmurHash3_x86_32 with seed 0, from its public description: blocks of four bytes, little-endian,
 * then the tail, then the length, and a final mix. Not for adversaries; slots need balance only.
 */
export function murmur3(bytes: Uint8Array): number {
  const blocksEnd = bytes.length & ~3;
  let hash = 0;
  for (let i = 0; i < blocksEnd; i += 4) {
    hash ^= scrambled((bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16) | ((bytes[i + 3] ?? 0) << 24));
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = bytes.length - 1; i >= blocksEnd; i--) tail = (tail << 8) | (bytes[i] ?? 0);
  hash ^= scrambled(tail);
  return finallyMixed(hash ^ bytes.length);
}

function scrambled(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

function finallyMixed(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
