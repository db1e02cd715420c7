import { ExactSum } from './exact-sum.js';
import { InnerPage } from './inner-page.js';
import type { Layout } from './layout.js';
import {
  aligned,
  HEADER_BYTES,
  PAGE_VERSION,
  PageKind,
  readHeader,
  requirePage,
  VERSION_WITH_SCALED_SUMS,
  writeHeader,
} from './page-header.js';

// The base: one entry, whose child is no page, and for each column of numbers its sum without any loss, since
// the rows that a lossy one would be added again from are gone (S8). One that might overflow goes on scaled, so that
// the mean stays known; its n is then negative, and the page has version 4. All words f64:
//
//   | header 16, count = 1, a = words of sums | entry | parts n | part ... (n) | parts n | ...

export class BasePage {
  private constructor(
    readonly entry: InnerPage,
    /** By column; of no use for columns of bytes. */ private readonly exactSums: ExactSum[],
  ) {}

  get sums(): readonly ExactSum[] {
    return this.exactSums;
  }

  addTo(column: number, value: number): void {
    let sum = this.exactSums[column]!;
    if (!sum.hasRoomFor(value)) this.exactSums[column] = sum = sum.scaled();
    sum.add(value);
  }

  static empty(layout: Layout): BasePage {
    return new BasePage(
      InnerPage.empty(layout, 0, 1),
      layout.isNumber.map(() => new ExactSum()),
    );
  }

  /** A copy, which may be changed. */
  static decode(value: Uint8Array, layout: Layout): BasePage {
    const page = aligned(value);
    const header = readHeader(page, PageKind.base, layout.columnCount);
    requirePage(page.length === HEADER_BYTES + (layout.entryWords + header.a) * 8, 'a base has not the length that its header says');
    requirePage(header.count <= 1, 'a base has one entry');
    const words = new Float64Array(page.buffer, page.byteOffset + HEADER_BYTES, layout.entryWords + header.a);
    const base = BasePage.empty(layout);
    base.entry.words.set(words.subarray(0, layout.entryWords));
    base.entry.count = header.count;
    let at = layout.entryWords;
    layout.isNumber.forEach((isNumber, column) => {
      if (!isNumber) return;
      const count = words[at++]!;
      const [isScaled, length] = [count < 0, Math.abs(count)];
      requirePage(at + length <= words.length, 'a base is cut short');
      const sum = new ExactSum({ scaled: isScaled });
      sum.addSum({ parts: [...words.subarray(at, at + length)], isScaled });
      base.exactSums[column] = sum;
      at += length;
    });
    return base;
  }

  encode(): Uint8Array {
    const { layout } = this.entry;
    const sums = layout.isNumber.flatMap((isNumber, column) => {
      const { parts, isScaled } = this.sums[column]!;
      return isNumber ? [isScaled ? -parts.length : parts.length, ...parts] : [];
    });
    const page = new Uint8Array(HEADER_BYTES + (layout.entryWords + sums.length) * 8);
    const version = this.sums.some(({ isScaled }) => isScaled) ? VERSION_WITH_SCALED_SUMS : PAGE_VERSION;
    writeHeader(page, { kind: PageKind.base, columnCount: layout.columnCount, count: this.entry.count, a: sums.length, b: 0 }, version);
    const words = new Float64Array(page.buffer, HEADER_BYTES);
    words.set(this.entry.words.subarray(0, layout.entryWords));
    words.set(sums, layout.entryWords);
    return page;
  }
}
