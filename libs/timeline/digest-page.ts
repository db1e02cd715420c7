import type { Digest } from './digest.js';
import type { Layout } from './layout.js';
import { aligned, HEADER_BYTES, PageKind, readHeader, requirePage, writeHeader } from './page-header.js';

// A page of digests, one for each column that keeps them, in the order of the columns; all words f64:
//
//   | header 16, count = words | buckets n | low ... (n) | high ... (n) | up to ... (n) | buckets n | ...

/** `takenOut`: how many values have been taken out of them since they were made. */
export function encodeDigests(digests: readonly Digest[], layout: Layout, takenOut = 0): Uint8Array {
  const wordCount = digests.reduce((sum, { low }) => sum + 1 + 3 * low.length, 0);
  const page = new Uint8Array(HEADER_BYTES + wordCount * 8);
  writeHeader(page, { kind: PageKind.digest, columnCount: layout.columnCount, count: wordCount, a: takenOut, b: 0 });
  const words = new Float64Array(page.buffer, HEADER_BYTES);
  let at = 0;
  for (const { low, high, upTo } of digests) {
    words[at++] = low.length;
    for (const list of [low, high, upTo]) {
      words.set(list, at);
      at += list.length;
    }
  }
  return page;
}

export function takenOutOf(value: Uint8Array, layout: Layout): number {
  return readHeader(value, PageKind.digest, layout.columnCount).a;
}

/** The digests as views of the page. */
export function decodeDigests(value: Uint8Array, layout: Layout): Digest[] {
  const page = aligned(value);
  const { count } = readHeader(page, PageKind.digest, layout.columnCount);
  requirePage(page.length === HEADER_BYTES + count * 8, 'a digest page has not the length that its header says');
  const words = new Float64Array(page.buffer, page.byteOffset + HEADER_BYTES, count);
  let at = 0;
  return layout.digestColumns.map(() => {
    const length = words[at]!;
    const [low, high, upTo] = [1, 1 + length, 1 + 2 * length].map((start) => words.subarray(at + start, at + start + length));
    at += 1 + 3 * length;
    requirePage(low !== undefined && high !== undefined && upTo?.length === length, 'a digest page is cut short');
    return { low, high, upTo };
  });
}
