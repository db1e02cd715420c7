import { expect } from 'chai';
import { LATE_VALUES_MAX } from '../../libs/timeline/geometry.js';
import { baseKey, digestKey, lateKey, pageKey } from '../../libs/timeline/page-keys.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import { TimelineWriter } from '../../libs/timeline/timeline-writer.js';
import type { PageReader } from '../../libs/timeline/page-access.js';
import type { TimelineShape } from '../../libs/timeline/timeline.js';
import { writeRows } from '../../libs/timeline/write-rows.js';
import { MemoryPages } from './timeline-oracle.js';

const HEAD_KEY = Uint8Array.of(0xaa, 0xbb);
const SHAPE: TimelineShape = { columns: [{ kind: 'number', digest: true }, { kind: 'bytes' }] };
const ASK = { asOfUs: 1_000_000, knownAtUs: Number.POSITIVE_INFINITY };

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}

function f64(...values: number[]): string {
  return hex(new Uint8Array(Float64Array.from(values).buffer));
}

function write(count: number, trimUs = 0): MemoryPages {
  const pages = new MemoryPages();
  const writer = new TimelineWriter(SHAPE, pages, HEAD_KEY);
  for (let index = 0; index < count; index++) {
    writer.insert({
      eventTimeUs: 100 + index,
      orderSource: 7,
      orderOffset: 2 ** 40 + index,
      knownUs: 200 + index,
      values: [index / 2, index % 2 === 0 ? Uint8Array.of(index, 0xff) : null],
    });
  }
  if (trimUs > 0) writer.trim(trimUs);
  writer.flush();
  return pages;
}

/** The first inner page of 16 leaves: sealed, with rows 0 to 2047. */
const SEALED = 3;

/** Rows that come late, to the first inner page: the first of them halves it, since appends have filled it. */
function addLate(pages: MemoryPages, values: readonly (number | null)[]): void {
  const writer = new TimelineWriter(SHAPE, pages, HEAD_KEY);
  values.forEach((value, index) =>
    writer.insert({ eventTimeUs: 500, orderSource: 8, orderOffset: pages.values.size + index, knownUs: 9_000, values: [value, null] }),
  );
  writer.flush();
}

function headOf(pages: MemoryPages): Uint8Array {
  return pages.values.get(hex(HEAD_KEY)) ?? new Uint8Array(0);
}

/** The page as it was before rows lost their end, which had been behind the time they were known. */
function asOlder(page: Uint8Array, version: number): Uint8Array {
  const [kind, columns, count] = [page[1], page[2] ?? 0, (page[4] ?? 0) + 256 * (page[5] ?? 0)];
  const older = Uint8Array.from(page);
  older[0] = version;
  if (kind !== 1 && kind !== 2) return older;
  const [header, rowBytes] = [kind === 1 ? 56 : 16, (4 + columns) * 8];
  const end = new Uint8Array(Float64Array.of(Number.POSITIVE_INFINITY).buffer);
  const rows = Array.from({ length: count }, (_, row) => {
    const at = header + row * rowBytes;
    return [older.subarray(at, at + 32), end, older.subarray(at + 32, at + rowBytes)];
  });
  return Uint8Array.from(Buffer.concat([older.subarray(0, header), ...rows.flat(), older.subarray(header + count * rowBytes)]));
}

describe('timeline keys', () => {
  it('lie behind the head key, pages in order of their ids', () => {
    expect(
      [pageKey(HEAD_KEY, 0x0102_0304), digestKey(HEAD_KEY, 5), baseKey(HEAD_KEY), lateKey(HEAD_KEY, 5), pageKey(HEAD_KEY, 0xffff_ffff)].map(
        hex,
      ),
    ).to.deep.equal(['aabb0001020304', 'aabb0100000005', 'aabb02', 'aabb0300000005', 'aabb00ffffffff']);
    expect(() => pageKey(HEAD_KEY, 0)).to.throw();
    expect(() => pageKey(HEAD_KEY, 2 ** 32)).to.throw();
  });
});

describe('timeline pages', () => {
  it('are laid out to the byte: a head', () => {
    const none = Number.NEGATIVE_INFINITY;
    expect(hex(headOf(write(2)))).to.equal(
      [
        '03010200',
        '02000000',
        '02000000',
        '00000000', // version 3, head, 2 columns; 2 rows; heap of 2 bytes; height 0
        '00000000',
        '01000000',
        f64(none, 0, 0, none), // no root, next id 1; boundary, horizon
        f64(100, 7, 2 ** 40, 200, 0),
        '00000000',
        '02000000',
        f64(101, 7, 2 ** 40 + 1, 201, 0.5),
        'ffffffff',
        '00000000',
        '00ff',
      ].join(''),
    );
  });

  it('are laid out to the byte: an inner page', () => {
    const pages = write(192); // leaves of 128 and 64 rows
    expect(headOf(pages).length).to.equal(56);
    const inner = hex(pages.values.get(hex(pageKey(HEAD_KEY, 3))));
    const entry = (child: string, numbers: readonly number[]): string => `${child}00000000${f64(...numbers)}`;
    expect(inner).to.equal(
      [
        '03030200',
        '02000000',
        '01000000',
        '00000000',
        entry('01000000', [
          128,
          128,
          100,
          227,
          7,
          2 ** 40 + 127,
          Number.NEGATIVE_INFINITY,
          200,
          327,
          128,
          (127 * 128) / 4,
          0,
          0,
          0,
          63.5,
          64,
        ]),
        entry('02000000', [
          64,
          64,
          228,
          291,
          7,
          2 ** 40 + 191,
          Number.NEGATIVE_INFINITY,
          328,
          391,
          64,
          (191 * 192 - 127 * 128) / 4,
          0,
          0,
          64,
          95.5,
          32,
        ]),
      ].join(''),
    );
    expect(hex(pages.values.get(hex(pageKey(HEAD_KEY, 1)))).slice(0, 32)).to.equal('03020200800000008000000000000000');
  });

  it('are laid out to the byte: what came late to a sealed page', () => {
    const pages = write(6_000);
    addLate(pages, [1, 7, -0, null]);
    expect(hex(pages.values.get(hex(lateKey(HEAD_KEY, SEALED))))).to.equal(
      ['03060200', '03000000', '00000000', '00000000', f64(2, 7, 0)].join(''),
    );
  });

  it('take up what came late when it is too much to wait beside a digest', () => {
    const pages = write(6_000);
    addLate(
      pages,
      Array.from({ length: LATE_VALUES_MAX + 1 }, () => 1e6),
    );
    const before = hex(pages.values.get(hex(digestKey(HEAD_KEY, SEALED))));
    expect(pages.values.has(hex(lateKey(HEAD_KEY, SEALED)))).to.equal(true);
    addLate(pages, [null]);
    expect(hex(pages.values.get(hex(digestKey(HEAD_KEY, SEALED))))).to.equal(before);
    addLate(pages, [1e6]);
    expect(hex(pages.values.get(hex(digestKey(HEAD_KEY, SEALED))))).to.not.equal(before);
    expect(pages.values.has(hex(lateKey(HEAD_KEY, SEALED)))).to.equal(false);
    const questions = [99, 98].map((pct) => ({ kind: 'percentile', column: 0, windowUs: null, pct }) as const);
    expect(readWindows(SHAPE, pages, HEAD_KEY, ASK, questions)[0]).to.equal(1e6);
    expect(readWindows(SHAPE, pages, HEAD_KEY, ASK, questions)[1]).to.be.lessThan(3_000);
  });

  for (const version of [1, 2]) {
    it(`of version ${version} are read, and written on`, () => {
      const [pages, older] = [write(6_000), write(6_000)];
      for (const [key, value] of older.values) older.values.set(key, asOlder(value, version));
      for (const each of [pages, older]) {
        addLate(each, [5, 6]);
        writeRows(
          SHAPE,
          each,
          HEAD_KEY,
          [{ eventTimeUs: 9_000, orderSource: 7, orderOffset: 2 ** 41, knownUs: 9_100, values: [3, Uint8Array.of(9)] }],
          undefined,
        );
      }
      const questions = [
        { kind: 'sum', column: 0, windowUs: null },
        { kind: 'percentile', column: 0, windowUs: null, pct: 50 },
        { kind: 'lastK', column: 1, windowUs: null, k: 6_000, dedup: false, dropNull: false },
      ] as const;
      expect(readWindows(SHAPE, older, HEAD_KEY, ASK, questions)).to.deep.equal(readWindows(SHAPE, pages, HEAD_KEY, ASK, questions));
    });
  }

  it('of version 2 are read before rows are put behind theirs', () => {
    const numbers: TimelineShape = { columns: [{ kind: 'number', digest: false }] };
    const rows = Array.from({ length: 5 }, (_, index) => ({
      eventTimeUs: 100 + index,
      orderSource: 7,
      orderOffset: index,
      knownUs: 200,
      values: [index],
    }));
    const pages = new MemoryPages();
    writeRows(numbers, pages, HEAD_KEY, rows.slice(0, 3), undefined);
    pages.values.set(hex(HEAD_KEY), asOlder(headOf(pages), 2));
    writeRows(numbers, pages, HEAD_KEY, rows.slice(3), undefined);
    expect(
      readWindows(numbers, pages, HEAD_KEY, ASK, [{ kind: 'lastK', column: 0, windowUs: null, k: 9, dedup: false, dropNull: false }]),
    ).to.deep.equal([[4, 3, 2, 1, 0]]);
  });

  it('are refused when a newer release wrote them', () => {
    const pages = write(6_000, 400);
    addLate(pages, [1]);
    const kinds = new Set<number>();
    for (const [key, value] of pages.values) {
      kinds.add(value[1] ?? 0);
      const newer = Uint8Array.from(value);
      newer[0] = 5;
      const reader: PageReader = { get: (asked) => (hex(asked) === key ? newer : pages.values.get(hex(asked))) };
      const questions = [
        { kind: 'lastK', column: 0, windowUs: null, k: 1e6, dedup: false, dropNull: false },
        { kind: 'percentile', column: 0, windowUs: null, pct: 50 },
        { kind: 'percentile', column: 0, windowUs: 999_900 - 2_200, pct: 50 },
      ] as const;
      expect(() => readWindows(SHAPE, reader, HEAD_KEY, ASK, questions), key)
        .to.throw(/newer than [34]/)
        .with.property('code', 'THYME_TIMELINE_FORMAT');
    }
    expect([...kinds].sort()).to.deep.equal([1, 2, 3, 4, 5, 6]);
  });

  it('are refused when they are cut short, of another kind, or of another shape', () => {
    const pages = write(10);
    const head = headOf(pages);
    const [short, kind] = [head.subarray(0, head.length - 1), Uint8Array.from(head)];
    kind[1] = 2;
    for (const value of [short, kind, new Uint8Array(3)]) {
      expect(() => readWindows(SHAPE, { get: () => value }, HEAD_KEY, ASK, [{ kind: 'count', windowUs: null }])).to.throw();
    }
    expect(() => readWindows({ columns: [] }, pages, HEAD_KEY, ASK, [{ kind: 'count', windowUs: null }])).to.throw('columns');
  });

  it('are read wherever a value begins in memory', () => {
    const pages = write(3_000);
    const shifted: PageReader = {
      get(key) {
        const value = pages.values.get(hex(key));
        if (value === undefined) return undefined;
        const room = new Uint8Array(value.length + 3);
        room.set(value, 3);
        return room.subarray(3);
      },
    };
    const questions = [
      { kind: 'sum', column: 0, windowUs: null },
      { kind: 'percentile', column: 0, windowUs: null, pct: 50 },
      { kind: 'lastK', column: 1, windowUs: null, k: 9, dedup: true, dropNull: true },
    ] as const;
    expect(readWindows(SHAPE, shifted, HEAD_KEY, ASK, questions)).to.deep.equal(readWindows(SHAPE, pages, HEAD_KEY, ASK, questions));
  });

  it('are the same bytes however often they were flushed (S14)', () => {
    const flushed = [1, 7, 10_000].map((every) => {
      const pages = new MemoryPages();
      const writer = new TimelineWriter(SHAPE, pages, HEAD_KEY);
      for (let index = 0; index < 5_000; index++) {
        writer.insert({
          eventTimeUs: index % 11 === 0 ? (index * 37) % 5_000 : index,
          orderSource: 0,
          orderOffset: index,
          knownUs: index,
          values: [index % 100, Uint8Array.of(index)],
        });
        if (index % every === 0) writer.flush();
      }
      writer.flush();
      return new Map([...pages.values].map(([key, value]) => [key, hex(value)]));
    });
    expect(flushed[1]).to.deep.equal(flushed[0]);
    expect(flushed[2]).to.deep.equal(flushed[0]);
  });
});
