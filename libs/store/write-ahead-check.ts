import { crc32c } from '../codec/crc32c.js';
import { requireIntact } from './file-damage.js';
import { littleEndian } from './snappy.js';
import { masked } from './table-check.js';

// A log (.log) of LevelDB (doc/log_format.md there): blocks of 32 KB, each a row of records, the last 0 to 6 bytes unused.
//
//   record = | masked crc32c of type and data u32 | length u16 | type u8: 1 to 4 | data |

const BLOCK_BYTES = 32 * 1_024;
const HEADER_BYTES = 7;
const TYPE_MAX = 4;

/**
 * LevelDB passes over what is broken in its log and goes on with what follows: a batch would be missing between others, and nobody
 * would know. A torn end is what a power cut leaves; a broken record before sound ones, or in a log that is not the
 * newest, is damage.
 */
export function checkWriteAhead(file: Uint8Array, isNewest: boolean): void {
  let broken = false;
  for (let block = 0; block < file.length; block += BLOCK_BYTES) {
    const { records, isWhole } = readRecords(file.subarray(block, block + BLOCK_BYTES), block + BLOCK_BYTES >= file.length);
    requireIntact(!broken || records === 0, 'a record of the log is broken, and sound ones follow it');
    broken ||= !isWhole;
  }
  requireIntact(!broken || isNewest, 'a log that another follows has a broken end');
}

function readRecords(block: Uint8Array, isLast: boolean): { readonly records: number; readonly isWhole: boolean } {
  let [at, records] = [0, 0];
  while (at + HEADER_BYTES <= block.length) {
    const length = littleEndian(block, at + 4, 2);
    const type = block[at + 6]!;
    const isEmpty = type === 0 && length === 0 && block.subarray(at).every((byte) => byte === 0); // room that was never written
    if (isEmpty) return { records, isWhole: true };
    const end = at + HEADER_BYTES + length;
    const isSound =
      type >= 1 && type <= TYPE_MAX && end <= block.length && masked(crc32c(block.subarray(at + 6, end))) === littleEndian(block, at, 4);
    if (!isSound) return { records, isWhole: false };
    records++;
    at = end;
  }
  return { records, isWhole: !isLast || at === block.length || block.subarray(at).every((byte) => byte === 0) };
}
