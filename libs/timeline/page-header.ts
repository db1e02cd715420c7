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
//   4 digest     words      0             0
//   5 base       1          0             0
//   6 late       words      0             0
//
// Version 2 is 1 with late pages and the flag that tells of them: whoever did not know of these would miscount.
// Version 3 has rows of one word less (row-page.ts): without an end, which was infinite in all of them.

export const PAGE_VERSION = 3;
const PAGE_VERSION_MIN = 1;
/** The first whose rows have no end. */
export const VERSION_WITHOUT_END = 3;
export const HEADER_BYTES = 16;

export const PageKind = { head: 1, leaf: 2, inner: 3, digest: 4, base: 5, late: 6 } as const;
export type PageKind = (typeof PageKind)[keyof typeof PageKind];

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

/** Refuses what a newer release wrote, and what is no page of this kind and shape. */
export function readHeader(page: Uint8Array, kind: PageKind, columnCount: number): PageHeader {
  assert(page.length >= HEADER_BYTES, 'a page is shorter than its header');
  if (page[0]! > PAGE_VERSION) {
    throw new ThymeError('THYME_TIMELINE_FORMAT', 'FAILED_PRECONDITION',
      `a timeline page has format ${page[0]}, newer than ${PAGE_VERSION}: run the release that wrote it`);
  }
  assert(page[0]! >= PAGE_VERSION_MIN, 'a page has an unknown format');
  assert.equal(page[1], kind, 'a page is of another kind than its key says');
  assert.equal(page[2]! | (page[3]! << 8), columnCount, 'a page has another number of columns than its timeline');
  return { version: page[0]!, kind, columnCount, count: uint32(page, 4), a: uint32(page, 8), b: uint32(page, 12) };
}

export function writeHeader(page: Uint8Array, header: Omit<PageHeader, 'version'>): void {
  page[0] = PAGE_VERSION;
  page[1] = header.kind;
  page[2] = header.columnCount;
  page[3] = header.columnCount >>> 8;
  setUint32(page, 4, header.count);
  setUint32(page, 8, header.a);
  setUint32(page, 12, header.b);
}

/** Of a page that this process has made itself. */
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
