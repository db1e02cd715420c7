import assert from 'node:assert/strict';
import { ExactSum } from './exact-sum.js';
import { InnerPage } from './inner-page.js';
import type { Layout } from './layout.js';
import { aligned, HEADER_BYTES, PageKind, readHeader, writeHeader } from './page-header.js';

// The base: one entry, whose child is no page, and for each column of numbers its sum without any loss, since
// the rows that a lossy one would be added again from are gone (S8). All words f64:
//
//   | header 16, count = 1, a = words of sums | entry | parts n | part ... (n) | parts n | ...

export class BasePage {
  private constructor(readonly entry: InnerPage, /** By column; of no use for columns of bytes. */ readonly sums: readonly ExactSum[]) {}

  static empty(layout: Layout): BasePage {
    return new BasePage(InnerPage.empty(layout, 0, 1), layout.isNumber.map(() => new ExactSum()));
  }

  /** A copy, which may be changed. */
  static decode(value: Uint8Array, layout: Layout): BasePage {
    const page = aligned(value);
    const header = readHeader(page, PageKind.base, layout.columnCount);
    assert.equal(page.length, HEADER_BYTES + (layout.entryWords + header.a) * 8, 'a base has not the length that its header says');
    const words = new Float64Array(page.slice(HEADER_BYTES).buffer);
    const base = BasePage.empty(layout);
    base.entry.words.set(words.subarray(0, layout.entryWords));
    base.entry.count = header.count;
    let at = layout.entryWords;
    layout.isNumber.forEach((isNumber, column) => {
      if (!isNumber) return;
      const length = words[at++]!;
      for (const part of words.subarray(at, at + length)) base.sums[column]!.add(part);
      at += length;
    });
    return base;
  }

  encode(): Uint8Array {
    const { layout } = this.entry;
    const sums = layout.isNumber.flatMap((isNumber, column) => (isNumber ? [this.sums[column]!.parts.length, ...this.sums[column]!.parts] : []));
    const page = new Uint8Array(HEADER_BYTES + (layout.entryWords + sums.length) * 8);
    writeHeader(page, { kind: PageKind.base, columnCount: layout.columnCount, count: this.entry.count, a: sums.length, b: 0 });
    const words = new Float64Array(page.buffer, HEADER_BYTES);
    words.set(this.entry.words.subarray(0, layout.entryWords));
    words.set(sums, layout.entryWords);
    return page;
  }
}
