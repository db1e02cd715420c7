import type { RowOrigin } from '../files/row-file.js';

/**
 * Rows of a file that share one producer. A reader remembers the 4,096 sequences below a producer's highest (S13), and what
 * lies further below goes to the dead letters, so a file that is pushed again would lose all but its end. Each block of rows
 * has a producer of its own instead, and a reader remembers every row of every block for good: half a kilobyte per 4,096 rows.
 */
export const BLOCK_ROWS = 4_096;

/** What a block adds to the producer's id: `#` and up to 13 digits. */
const BLOCK_SUFFIX_BYTES = 14;
const PRODUCER_ID_BYTES_MAX = 128;

/** Bytes of an id that is given for a file. */
export const FILE_PRODUCER_ID_BYTES_MAX = PRODUCER_ID_BYTES_MAX - BLOCK_SUFFIX_BYTES;

/** The row's number in its file, from 0, is its sequence; the first block's producer is the file's own. Undefined without a producer. */
export function sequenceOfRow(producerId: string | undefined, index: number): RowOrigin | undefined {
  if (producerId === undefined) return undefined;
  const block = Math.floor(index / BLOCK_ROWS);
  return { producerId: block === 0 ? producerId : `${producerId}#${block}`, sequence: index };
}
