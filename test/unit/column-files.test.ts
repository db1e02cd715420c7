import { expect } from 'chai';
import { gzipSync } from 'node:zlib';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRows } from '../../libs/files/open-rows.js';
import { FileError, type FileRow } from '../../libs/files/row-file.js';
import { temporaryFolder } from '../support/temporary-folder.js';

// The files are what pyarrow wrote (test/fixtures/files/make.py); what stands here was written by hand from that script.

const fixture = (name: string): string => join('test/fixtures/files', name);

async function rowsOf(path: string, wanted?: ReadonlySet<string>): Promise<FileRow[]> {
  const rows: FileRow[] = [];
  for await (const row of (await openRows(path)).rows(wanted)) rows.push(row);
  return rows;
}

/** As a push would send them: exact numbers as their digits, bytes as hex. */
async function plainRows(name: string): Promise<unknown[]> {
  const rows = await rowsOf(fixture(name));
  return rows.map(
    (row) =>
      JSON.parse(
        JSON.stringify(row.kind === 'row' ? row.row : row, (_name, value: unknown) =>
          value instanceof Uint8Array ? `hex ${Buffer.from(value).toString('hex')}` : value,
        ),
      ) as unknown,
  );
}

const EVERY: readonly Readonly<Record<string, unknown>>[] = [
  {
    text: 'a',
    large: 'l',
    coded: 'x',
    flag: true,
    tiny: -1,
    u32: 4_294_967_295,
    u64: '18446744073709551615',
    i64: '9007199254740993',
    half: 1.5,
    single: 0.5,
    double: 0.1,
    dec9: '1234567.89',
    dec38: '0.100000000000000001',
    dec76: `${'1'.repeat(60)}.05`,
    raw: 'hex 61626364',
    fixed: 'hex 010203',
    day: '2026-10-31',
    s: '1970-01-01T00:00:01Z',
    ms: '1970-01-01T00:00:01.5Z',
    us: '2026-10-26T07:33:20.000001Z',
    ns: '2026-10-26T07:33:20Z',
    ints: [1, '9007199254740993'],
    nested: [[1], null, []],
    place: { x: 1, y: '1.1' },
    places: [{ n: 'a', v: '9007199254740993' }],
    counts: { a: 1, b: null },
  },
  {
    text: 'é\u2028',
    coded: 'y',
    flag: false,
    tiny: 2,
    u32: 0,
    u64: 1,
    i64: -5,
    half: -0.25,
    single: 1e10,
    double: -1e-300,
    dec9: '-0.01',
    dec38: '-12345678901234567890.123456789012345678',
    dec76: '-2',
    raw: 'hex 00ff',
    fixed: 'hex ff007f',
    day: '1969-12-31',
    s: '1969-12-31T23:59:59Z',
    ms: '1969-12-31T23:59:59.999Z',
    us: '1969-12-31T23:59:59.999999Z',
    ns: '2026-10-26T07:33:20.000001Z',
    ints: [],
    places: [],
    counts: {},
  },
  { large: '', coded: 'x', nested: [[2, null]], place: { x: null, y: null } },
];
/** What only the Arrow files hold. */
const ARROW = [
  { view: 'short', blob: 'hex 00', pair: [1, 2], far: [1], noon: '1970-01-01' },
  { view: 'longer than twelve bytes', blob: `hex ${'ff'.repeat(20)}`, far: [], noon: '1969-12-31' },
  { pair: [3, null] },
];

function only(names: readonly string[]): unknown[] {
  return EVERY.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => names.includes(name))));
}

describe('files that are kept by columns', () => {
  for (const codec of ['none', 'snappy', 'gzip', 'brotli', 'zstd', 'lz4'])
    it(`F1: give every type's values exactly, from parquet with ${codec}`, async () => {
      expect(await plainRows(`every-${codec}.parquet`)).to.deep.equal(EVERY);
    });

  for (const name of ['every.arrow', 'every.arrows'])
    it(`F1: give every type's values exactly, from ${name}`, async () => {
      expect(await plainRows(name)).to.deep.equal(EVERY.map((row, i) => ({ ...row, ...ARROW[i] })));
    });

  it('F1: are read in other encodings, with old timestamps, compressed as Arrow compresses, and empty', async () => {
    expect(await plainRows('v2-pages.parquet')).to.deep.equal(only(['text', 'dec9', 'ns', 'ints', 'place']));
    expect(await plainRows('int96.parquet')).to.deep.equal(only(['text', 'ns']));
    for (const name of ['lz4.feather', 'zstd.feather'])
      expect(await plainRows(name), name).to.deep.equal(only(['text', 'i64', 'dec38', 'ns', 'places']));
    expect(await plainRows('empty.parquet')).to.deep.equal([]);
    const blocks = (await rowsOf(fixture('blocks.feather'))).map((row) => row.row?.['n']);
    expect(blocks).to.deep.equal(Array.from({ length: 30_000 }, (_, i) => i % 1_000));
  });

  for (const name of ['edge.parquet', 'edge.feather'])
    it(`F1: refuse by name what no field holds, and keep what stood there: ${name}`, async () => {
      const rows = await rowsOf(fixture(name), new Set(['k', 'f']));
      expect(rows).to.deep.equal([
        ...['Infinity', '-Infinity', 'NaN'].map((f, i) => ({
          kind: 'refused',
          line: i + 1,
          reason: `f: is ${f}, which no field holds: make it a finite number, or null`,
          text: JSON.stringify({ k: ['plus', 'minus', 'none'][i], f }),
          row: { k: ['plus', 'minus', 'none'][i], f },
        })),
        { kind: 'row', line: 4, row: { k: 'fine', f: 1 } },
      ]);
      const [first] = await rowsOf(fixture(name), new Set(['k', 'clock']));
      expect(first).to.include({ kind: 'refused', line: 1 }).and.to.not.have.property('row');
      expect(first)
        .to.have.property('reason')
        .that.matches(/^clock: is .*cast it in the file$/);
    });

  for (const name of ['days.parquet', 'days.feather'])
    it(`hold every date that a field holds, and refuse others by name: ${name}`, async () => {
      expect(await plainRows(name)).to.deep.equal([
        { k: 'first', d: '0001-01-01' },
        { k: 'before', d: '1677-09-20' },
        { k: 'last', d: '9999-12-31' },
        {
          kind: 'refused',
          line: 4,
          reason: 'd: is a date out of range (2932897 days since 1970): dates are those of the years 0000 to 9999',
          text: '{"k":"beyond","d":"2932897 days since 1970"}',
          row: { k: 'beyond', d: '2932897 days since 1970' },
        },
      ]);
    });

  it('are refused where two columns have one name, and where they are cut or no such file', async () => {
    const folder = temporaryFolder();
    const whole = readFileSync(fixture('every-none.parquet'));
    const at = (name: string, bytes: Uint8Array): string => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const broken = [
      [fixture('twice.parquet'), /names the column 'f' twice/],
      [at('cut.parquet', whole.subarray(0, whole.length - 20)), /cut\.parquet/],
      [at('none.parquet', Buffer.from('a,b\n1,2\n')), /none\.parquet/],
      [at('none.arrow', Buffer.from('a,b\n1,2\n')), /none\.arrow/],
    ] as const;
    for (const [path, words] of broken) {
      const failure: unknown = await rowsOf(path).catch((error: unknown) => error);
      expect(failure, path).to.be.instanceOf(FileError);
      expect((failure as FileError).message).to.match(words);
    }
  });

  it('are read compressed as a whole, and leave nothing behind', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'EVERY.PARQUET.GZ');
    writeFileSync(path, gzipSync(readFileSync(fixture('every-snappy.parquet'))));
    expect((await rowsOf(path)).map(({ line }) => line)).to.deep.equal([1, 2, 3]);
  });
});
