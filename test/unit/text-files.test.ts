import { expect } from 'chai';
import fc from 'fast-check';
import { ExactNumber } from '../../libs/codec/exact-json.js';
import { openCsv } from '../../libs/files/csv-rows.js';
import { openNdjson } from '../../libs/files/ndjson-rows.js';
import { FileError, type FileRow, type RowFile } from '../../libs/files/row-file.js';

async function* chunksOf(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield await Promise.resolve(bytes.subarray(at, at + length));
}

/** The rows until the file ends, by its end or by an error, which stands behind them (F2). */
async function read(opened: RowFile | Promise<RowFile>): Promise<{ readonly rows: readonly FileRow[]; readonly error?: FileError }> {
  const rows: FileRow[] = [];
  try {
    for await (const row of (await opened).rows()) rows.push(row);
    return { rows };
  } catch (error) {
    if (error instanceof FileError) return { rows, error };
    throw error;
  }
}

const csv = (text: string | Uint8Array, delimiter = ',', chunk = 65_536): ReturnType<typeof read> =>
  read(openCsv(chunksOf(Buffer.from(text), chunk), 'f.csv', delimiter));
const ndjson = (text: string | Uint8Array, chunk = 65_536): ReturnType<typeof read> =>
  read(openNdjson(chunksOf(Buffer.from(text), chunk), 'f.ndjson', false));
const rowsOf = (rows: readonly FileRow[]): unknown[] => rows.map((row) => (row.kind === 'row' ? row.row : row.reason));

describe('CSV', () => {
  const cell = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 6 }),
    fc.string({ unit: fc.constantFrom('"', ',', ';', '\t', '\r', '\n', ' ', 'a'), maxLength: 6 }),
  );

  it('F1: gives the cells that RFC 4180 wrote, whatever they hold, however lines end and the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          rows: fc.array(fc.tuple(cell, cell, cell), { maxLength: 5 }),
          delimiter: fc.constantFrom(',', '\t'),
          lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
          begin: fc.constantFrom('', '\uFEFF'),
          hasLastEnd: fc.boolean(),
          chunk: fc.integer({ min: 1, max: 30 }),
        }),
        async ({ rows, delimiter, lineEnd, begin, hasLastEnd, chunk }) => {
          const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
          const lines = [['x', 'y', 'z'], ...rows].map((cells) => cells.map(quoted).join(delimiter));
          const { rows: found, error } = await csv(begin + lines.join(lineEnd) + (hasLastEnd ? lineEnd : ''), delimiter, chunk);
          expect(error).to.equal(undefined);
          // An empty cell is an absent one.
          const wanted = rows.map(([x, y, z]) => Object.fromEntries(Object.entries({ x, y, z }).filter(([, text]) => text !== '')));
          expect(rowsOf(found)).to.deep.equal(wanted);
        },
      ),
    );
  });

  it('counts the lines of a file as an editor does, also behind quoted breaks', async () => {
    const { rows } = await csv('a,b\r\n1,"x\r\ny\r\nz"\r\n\r\n2,"p\nq"\r\n3,4,5\r\n6,7\r\n');
    expect(rows.map(({ line, kind }) => `${kind} ${line}`)).to.deep.equal(['row 2', 'row 6', 'refused 8', 'row 9']);
  });

  it('refuses a row of another length alone, and one that is not UTF-8', async () => {
    const text = Buffer.concat([Buffer.from('a,b\n1,2\n3\n'), Buffer.from([0x34, 0x2c, 0xe9, 0x0a]), Buffer.from('5,6\n')]);
    const { rows, error } = await csv(text);
    expect(error).to.equal(undefined);
    expect(rowsOf(rows)).to.deep.equal([
      { a: '1', b: '2' },
      '1 fields, but the header has 2: quote fields that hold a comma',
      'is not UTF-8: convert the file, for example by iconv -f LATIN1 -t UTF-8',
      { a: '5', b: '6' },
    ]);
  });

  it('takes what pandas writes: an index without a name, empty first cells, CR alone', async () => {
    expect(rowsOf((await csv(',a\r0,x\r1,\r')).rows)).to.deep.equal([{ a: 'x' }, {}]);
    expect(rowsOf((await csv('a,b\n,x\n')).rows)).to.deep.equal([{ b: 'x' }]);
    expect(rowsOf((await csv('__proto__,b\nx,y\n')).rows)).to.deep.equal([JSON.parse('{"__proto__":"x","b":"y"}')]);
  });

  const BROKEN: readonly (readonly [title: string, text: string | Uint8Array, words: RegExp, rows: number])[] = [
    ['text behind a closing quote', 'a,b\n1,2\n"x"y,3\n4,5\n', /^f\.csv:3: has text behind a field's closing quote/, 1],
    ['a quote within a bare field', 'a,b\n1,2\nx"y,3\n', /^f\.csv:3: has a quote in a field that does not begin with one/, 1],
    ['a quote that is never closed', 'a,b\n1,2\n"x,3\n4,5\n', /^f\.csv:3: begins a row whose quoted field is never closed/, 1],
    ['a column that is named twice', 'a,b,a\n1,2,3\n', /^f\.csv:1: names the column 'a' twice/, 0],
    ['an empty file', '', /is empty: expected a header/, 0],
    ['UTF-16', Buffer.from('\uFEFFa,b\n1,2\n', 'utf16le'), /is UTF-16: convert it/, 0],
  ];
  for (const [title, text, words, before] of BROKEN)
    it(`F2: ends at ${title}, with its line, and gives the rows before it`, async () => {
      const { rows, error } = await csv(text);
      expect(error?.message).to.match(words);
      expect(rows).to.have.lengthOf(before);
    });
});

describe('NDJSON', () => {
  it('F1: gives the objects that JSON wrote, whatever texts they hold, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { noNullPrototype: true }), {
          maxLength: 5,
        }),
        fc.constantFrom('\n', '\r\n', '\n\n'),
        fc.constantFrom('', '\uFEFF'),
        fc.integer({ min: 1, max: 20 }),
        async (objects, lineEnd, begin, chunk) => {
          const { rows } = await ndjson(begin + objects.map((one) => JSON.stringify(one)).join(lineEnd), chunk);
          expect(rowsOf(rows).map((row) => JSON.stringify(row))).to.deep.equal(objects.map((one) => JSON.stringify(one)));
        },
      ),
    );
  });

  it('splits lines at LF only: other line separators of Unicode stand in texts', async () => {
    expect(rowsOf((await ndjson('{"a":"x\u2028y\u2029z\u0085"}\n{"a":"\u000b"}\n')).rows)).to.deep.equal([
      { a: 'x\u2028y\u2029z\u0085' },
      'expected one JSON object a line: it has a bare control character, or a backslash that begins no escape, in the string at character 6',
    ]);
  });

  it('keeps the text of numbers that a double does not hold', async () => {
    const { rows } = await ndjson('{"a":9007199254740993,"b":0.1000000000000000055,"c":1e400,"d":1.50,"e":-0}\n');
    const [row] = rows;
    const values = row?.kind === 'row' ? row.row : {};
    expect(Object.values(values).map(String)).to.deep.equal(['9007199254740993', '0.1000000000000000055', '1e400', '1.5', '0']);
    expect(values['a']).to.be.instanceOf(ExactNumber);
    expect(Object.is(values['e'], -0)).to.equal(true);
  });

  it('refuses alone what is no object, no JSON or no UTF-8, each with its line', async () => {
    const text = Buffer.concat([
      Buffer.from('{"a":1}\n[1]\n\n{"a":NaN}\n{"a":1,"a":2}\n'),
      Buffer.from([0x7b, 0x22, 0xe9, 0x22, 0x7d, 0x0a]),
      Buffer.from('{"a":2}'),
    ]);
    const { rows } = await ndjson(text);
    expect(rows.map(({ line, kind }) => `${kind} ${line}`)).to.deep.equal([
      'row 1',
      'refused 2',
      'refused 4',
      'refused 5',
      'refused 6',
      'row 7',
    ]);
  });

  it('says so where it is an array, or UTF-16', async () => {
    expect((await ndjson('[{"a":1}]')).error?.message).to.match(/^f\.ndjson:1: is a JSON array/);
    expect((await ndjson(Buffer.from('\uFEFF{"a":1}', 'utf16le'))).error?.message).to.match(/is UTF-16: convert it/);
  });
});
