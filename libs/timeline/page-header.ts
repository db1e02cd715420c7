import assert from 'node:assert/strict';
import { endianness } from 'node:os';
import { ThymeError } from '../errors/errors.js';

// Every page begins with
//
//   | version u8 | kind u8 | columns u16 | count u32 | a u32 | b u32 |        (16 bytes, little-endian)
//
//   kind         count      a             b
//   1 head       rows       heap bytes    height of the tree
//   2 leaf       rows       heap bytes    0
//   3 inner      entries    level         0
//   4 digest     words      taken out     0
//   5 base       1          0             0
//   6 late       words      0             0
//
// Version 2 is 1 with late pages and the flag that tells of them: whoever did not know of these would miscount.
// Version 3 has rows of one word less (row-page.ts): without an end, which was infinite in all of them.
// Version 4 is written for heads and leaves of timelines that rows may be taken back from (S17): their rows have a start. And for a base
// with a sum that is scaled, since it might overflow otherwise (S8).
// A digest's `a` is how many of the values that it was made of have been taken out since.

export const PAGE_VERSION = 3;
export const VERSION_WITH_START = 4;
export const VERSION_WITH_SCALED_SUMS = 4;
const PAGE_VERSION_MIN = 1;
/** The first whose rows have no end. */
export const VERSION_WITHOUT_END = 3;
export const HEADER_BYTES = 16;

export const PageKind = { head: 1, leaf: 2, inner: 3, digest: 4, base: 5, late: 6 } as const;
export type PageKind = (typeof PageKind)[keyof typeof PageKind];

const NEWEST: ReadonlyMap<PageKind, number> = new Map([
  [PageKind.head, VERSION_WITH_START],
  [PageKind.leaf, VERSION_WITH_START],
  [PageKind.base, VERSION_WITH_SCALED_SUMS],
]);

export interface PageHeader {
  readonly version: number;
  readonly kind: PageKind;
  readonly columnCount: number;
  readonly count: number;
  readonly a: number;
  readonly b: number;
}

assert(endianness() === 'LE', 'pages are read through typed views, which need a little-endian machine');

/** A stored value as bytes that typed views may lie on: what LevelDB returns may begin anywhere. */
export function aligned(value: Uint8Array): Uint8Array {
  return value.byteOffset % 8 === 0 ? value : Uint8Array.from(value);
}

/** What is read of a page says whether it can be one; where it cannot, the store that it lies in is damaged, and built anew. */
export function requirePage(isOne: boolean, what: string): asserts isOne {
  if (!isOne)
    throw new ThymeError('THYME_PAGE_DAMAGED', 'UNAVAILABLE', `a timeline page is damaged: ${what}`, [], { disposition: 'rebuild' });
}

/** Refuses what a newer release wrote, and what is no page of this kind and shape. */
export function readHeader(page: Uint8Array, kind: PageKind, columnCount: number): PageHeader {
  requirePage(page.length >= HEADER_BYTES, 'it is shorter than its header');
  const newest = NEWEST.get(kind) ?? PAGE_VERSION;
  if (page[0]! > newest) {
    throw new ThymeError(
      'THYME_TIMELINE_FORMAT',
      'FAILED_PRECONDITION',
      `a timeline page has format ${page[0]}, newer than ${newest}: run the release that wrote it`,
      [],
      { disposition: 'stop' },
    );
  }
  requirePage(page[0]! >= PAGE_VERSION_MIN, 'its format is unknown');
  requirePage(page[1] === kind, 'it is of another kind than its key says');
  requirePage((page[2]! | (page[3]! << 8)) === columnCount, 'it has another number of columns than its timeline');
  return { version: page[0]!, kind, columnCount, count: uint32(page, 4), a: uint32(page, 8), b: uint32(page, 12) };
}

export function writeHeader(page: Uint8Array, header: Omit<PageHeader, 'version'>, version = PAGE_VERSION): void {
  page[0] = version;
  page[1] = header.kind;
  page[2] = header.columnCount;
  page[3] = header.columnCount >>> 8;
  setUint32(page, 4, header.count);
  setUint32(page, 8, header.a);
  setUint32(page, 12, header.b);
}

/** Reads a page that this process has made itself, without a check. */
export function pageSize(page: Uint8Array): { readonly kind: number; readonly count: number } {
  return { kind: page[1]!, count: uint32(page, 4) };
}

export function setCount(page: Uint8Array, count: number): void {
  setUint32(page, 4, count);
}

function uint32(page: Uint8Array, at: number): number {
  return (page[at]! | (page[at + 1]! << 8) | (page[at + 2]! << 16) | (page[at + 3]! << 24)) >>> 0;
}

function setUint32(page: Uint8Array, at: number, value: number): void {
  page[at] = value;
  page[at + 1] = value >>> 8;
  page[at + 2] = value >>> 16;
  page[at + 3] = value >>> 24;
}
