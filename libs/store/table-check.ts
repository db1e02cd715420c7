import { crc32c } from '../codec/crc32c.js';
import { Turns } from '../time/turns.js';
import { requireIntact } from './file-damage.js';
import { littleEndian, readVarint, unsnappy } from './snappy.js';

// A table (.ldb) of LevelDB (doc/table_format.md there), all integers little-endian:
//
//   | data block ... | filter block | metaindex block | index block | footer 48 |
//   block  = | contents | type u8: 0 plain, 1 snappy | masked crc32c of both u32 |
//   footer = | metaindex handle | index handle | padding | magic u64 |      handle = | offset varint | size varint |
//
// The index and the metaindex name all blocks before them.

const FOOTER_BYTES = 48;
const TRAILER_BYTES = 5;
const MAGIC = [0x8b80_fb57, 0xdb47_7524] as const;
const SNAPPY = 1;
const MASK_DELTA = 0xa282_ead8;
/** Blocks of some 4 KB between two turns of others: a millisecond. */
const BLOCKS_PER_TURN = 128;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** Compares the checksum of every block, and that the blocks fill the file; FileDamage where one does not. */
export async function checkTable(file: Uint8Array): Promise<void> {
  requireIntact(file.length >= FOOTER_BYTES, 'a table is shorter than its footer');
  const footer = file.length - FOOTER_BYTES;
  MAGIC.forEach((word, i) => requireIntact(littleEndian(file, file.length - 8 + 4 * i, 4) === word, 'a table has no footer'));
  const metaindex = readHandle(file, footer);
  const index = readHandle(file, metaindex.next);
  const handles = [
    ...handlesIn(readBlock(file, index.handle)),
    ...handlesIn(readBlock(file, metaindex.handle)),
    metaindex.handle,
    index.handle,
  ];
  const turns = new Turns(BLOCKS_PER_TURN);
  let at = 0;
  for (const handle of handles.sort((a, b) => a.offset - b.offset)) {
    requireIntact(handle.offset === at, 'blocks of a table overlap, or leave room between them');
    checkBlock(file, handle);
    at += handle.size + TRAILER_BYTES;
    if (turns.step()) await turns.next();
  }
  requireIntact(at === footer, 'a table has bytes that belong to no block');
}

/** LevelDB stores checksums masked, since files of it may hold each other's. */
export function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

function checkBlock(file: Uint8Array, { offset, size }: Handle): void {
  requireIntact(offset + size + TRAILER_BYTES <= file.length, 'a block lies beyond the end of its table');
  const stored = littleEndian(file, offset + size + 1, 4);
  requireIntact(masked(crc32c(file.subarray(offset, offset + size + 1))) === stored, 'the checksum of a block differs');
}

function readBlock(file: Uint8Array, handle: Handle): Uint8Array {
  checkBlock(file, handle);
  const contents = file.subarray(handle.offset, handle.offset + handle.size);
  return file[handle.offset + handle.size] === SNAPPY ? unsnappy(contents) : contents;
}

/**
 * The values of an index block: | shared varint | unshared varint | value length varint | key | value | ... | restarts
 * u32 ... | count u32 |.
 */
function handlesIn(block: Uint8Array): Handle[] {
  requireIntact(block.length >= 4, 'an index is cut short');
  const end = block.length - 4 - 4 * littleEndian(block, block.length - 4, 4);
  const handles: Handle[] = [];
  let at = 0;
  while (at < end) {
    const shared = readVarint(block, at);
    const unshared = readVarint(block, shared.next);
    const length = readVarint(block, unshared.next);
    const valueAt = length.next + unshared.value;
    handles.push(readHandle(block, valueAt).handle);
    at = valueAt + length.value;
  }
  return handles;
}

function readHandle(bytes: Uint8Array, at: number): { readonly handle: Handle; readonly next: number } {
  const offset = readVarint(bytes, at);
  const size = readVarint(bytes, offset.next);
  return { handle: { offset: offset.value, size: size.value }, next: size.next };
}
