import type { Layout } from './layout.js';
import { aligned, HEADER_BYTES, PageKind, readHeader, requirePage, writeHeader } from './page-header.js';

// Values that came late to a sealed page and are not in its digest yet: a list for each column that keeps digests, in
// the order of the columns, and within it in the order in which they came; all words f64:
//
//   | header 16, count = words | values n | value ... (n) | values n | ...

export function encodeLate(lists: readonly ArrayLike<number>[], layout: Layout): Uint8Array {
  const wordCount = lists.reduce((sum, { length }) => sum + 1 + length, 0);
  const page = new Uint8Array(HEADER_BYTES + wordCount * 8);
  writeHeader(page, { kind: PageKind.late, columnCount: layout.columnCount, count: wordCount, a: 0, b: 0 });
  const words = new Float64Array(page.buffer, HEADER_BYTES);
  let at = 0;
  for (const list of lists) {
    words[at++] = list.length;
    words.set(list, at);
    at += list.length;
  }
  return page;
}

/** The lists as views of the page. */
export function decodeLate(value: Uint8Array, layout: Layout): Float64Array[] {
  const page = aligned(value);
  const { count } = readHeader(page, PageKind.late, layout.columnCount);
  requirePage(page.length === HEADER_BYTES + count * 8, 'a page of late values has not the length that its header says');
  const words = new Float64Array(page.buffer, page.byteOffset + HEADER_BYTES, count);
  let at = 0;
  return layout.digestColumns.map(() => {
    const length = words[at++]!;
    const list = words.subarray(at, at + length);
    at += length;
    requirePage(list.length === length, 'a page of late values is cut short');
    return list;
  });
}
