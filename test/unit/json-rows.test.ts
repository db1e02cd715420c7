import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { encodeExactJson } from '../../libs/codec/exact-json.js';
import { openJson } from '../../libs/files/json-rows.js';
import { openRows } from '../../libs/files/open-rows.js';
import { FileError, ROW_BYTES_MAX, type FileRow } from '../../libs/files/row-file.js';
import { ZstdStream } from '../../libs/files/zstd-stream.js';
import { temporaryFolder } from '../support/temporary-folder.js';

async function rowsOf(text: string | Uint8Array, chunkLength = 65_536): Promise<FileRow[]> {
  const bytes = Buffer.from(text);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunkLength) yield await Promise.resolve(bytes.subarray(at, at + chunkLength));
  }
  const rows: FileRow[] = [];
  for await (const row of (await openJson(chunks(), 'f.json')).rows()) rows.push(row);
  return rows;
}

const good = (rows: readonly FileRow[]): unknown[] => rows.flatMap((row) => (row.kind === 'row' ? [row.row] : []));

/** The rows before the error, and the error. */
async function broken(text: string): Promise<{ readonly rows: number; readonly error: FileError }> {
  let rows = 0;
  try {
    const file = await openJson(
      (async function* () {
        yield await Promise.resolve(Buffer.from(text));
      })(),
      'f.json',
    );
    for await (const row of file.rows()) rows += row.kind === 'row' ? 1 : 0;
  } catch (error) {
    if (error instanceof FileError) return { rows, error };
    throw error;
  }
  throw new Error('it did not break');
}

describe('files of JSON', () => {
  // Never empty: its first line says how the rest is written.
  const plain = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true, minKeys: 1 });

  it('are read as JSON.parse reads them: an array or values one behind another, however they are written and cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(plain, { maxLength: 6 }),
        fc.constantFrom(undefined, 1, '\t', '  '),
        fc.boolean(),
        fc.constantFrom('', '\uFEFF', ' \n\r\n'),
        fc.integer({ min: 1, max: 40 }),
        async (objects, indent, isArray, before, chunkLength) => {
          const text = isArray ? JSON.stringify(objects, null, indent) : objects.map((one) => JSON.stringify(one, null, indent)).join('\n');
          const rows = good(await rowsOf(before + text, chunkLength));
          expect(rows.map((row) => JSON.parse(encodeExactJson(row)) as unknown)).to.deep.equal(JSON.parse(JSON.stringify(objects)));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('tell the line that a row begins in', async () => {
    const rows = await rowsOf('[\n  {"a": 1},\n  {\n    "a": 2\n  }, {"a": 3}\n]\n');
    expect(rows.map(({ line }) => line)).to.deep.equal([2, 3, 5]);
  });

  it('refuse alone what is no object, or no JSON inside its braces', async () => {
    const rows = await rowsOf('[{"a": 1}, 7, "x", [{"a": 2}], {"a": tru}, null, {"a": 3}]');
    expect(rows.map(({ kind }) => kind)).to.deep.equal(['row', 'refused', 'refused', 'refused', 'refused', 'refused', 'row']);
    expect(rows[4]).to.have.property('reason').that.contains('expected an object: it has "t"');
  });

  it('keep the lines of one object a line, and refuse a broken one alone', async () => {
    const rows = await rowsOf('{"a": 1}\n{"a": {\n{"a": 3}\n');
    expect(rows.map(({ kind, line }) => [kind, line])).to.deep.equal([
      ['row', 1],
      ['refused', 2],
      ['row', 3],
    ]);
  });

  it('end where nobody can say what follows, with the rows before', async () => {
    for (const [text, rows, line, reason] of [
      ['[{"a": 1},\n{"a": 2}', 2, 2, 'ends inside its array'],
      ['[{"a": 1},\n{"a": ', 1, 2, 'ends inside the value that begins there'],
      ['[{"a": 1}\n{"a": 2}]', 1, 2, 'lacks a comma'],
      ['[{"a": 1},]', 1, 1, "has ']' where a value should begin"],
      ['[{"a": 1}]\n[{"a": 2}]', 1, 2, 'has text behind its array'],
      ['[{"a": 1}, {"a": "x\n"}]', 1, 1, 'breaks a line inside a string'],
      ['{\n"a": 1}\n{\n"a": 2', 1, 3, 'ends inside the value'],
    ] as const) {
      const found = await broken(text);
      expect(found, text).to.include({ rows });
      expect(found.error.line, text).to.equal(line);
      expect(found.error.reason, text).to.contain(reason);
    }
  });

  it('pass over an element that is longer than a row may be', async () => {
    const rows = await rowsOf(`[{"a": 1}, {"a": "${'x'.repeat(ROW_BYTES_MAX)}"}, {"a": 2}]`);
    expect(good(rows)).to.deep.equal([{ a: 1 }, { a: 2 }]);
    expect(rows[1]).to.have.property('reason').that.contains('is longer than the limit');
  });

  it('are empty where nothing is in them', async () => {
    for (const text of ['', ' \n', '[]', ' [ \n ] ']) expect(await rowsOf(text), text).to.deep.equal([]);
  });
});

describe('zstd', () => {
  /** Two frames, one with a checksum, as the program zstd 1.5 writes them: 60 rows of one object a line. */
  const COMPRESSED = Buffer.from(
    'KLUv/WQmBp0EAMKHFBGw63krUOd4SZKEyDQ7kLjnBGjPmi1Lduzu16uLfm5eTj6+/3098rFxMfHw+rbVi35stBRCxtj9bRBzqSbVZCuvsIpyfa' +
      'Z8LIOmdBlSW6ZsCQMyqBGQ+f1/A7AzSgcR2Ijw/yPCMaEfK6NZKpFZyShVzAgryoigoZFQKYgBbT/crfKT5tWfNK9+ZBGGQsJWAXkaBXQotS/9' +
      'YJgCHQMAUgUQEqC7AYGCwsX/sM22v3tJ4cfBEWaLkuxzD96hm3pO89KEe/AO3dRng4fpP//JRLkiL1qveLApDB8HGQbkhQcXuieoEdCv/2/gNw' +
      'MROIDh/2eE+8NCl4VxDWahJX04cqkK',
    'base64',
  );

  it('is read by its ending, or by its first bytes', async () => {
    for (const name of ['rows.ndjson.zst', 'rows.ndjson']) {
      const path = join(temporaryFolder(), name);
      writeFileSync(path, COMPRESSED);
      const numbers: unknown[] = [];
      for await (const row of (await openRows(path)).rows()) if (row.kind === 'row') numbers.push(row.row['n']);
      expect(numbers, name).to.deep.equal(Array.from({ length: 60 }, (_, n) => n));
    }
  });

  it('is decompressed in JavaScript, however it is cut, and fails where it ends early', async () => {
    const whole = await decoded(COMPRESSED, COMPRESSED.length);
    expect(whole.toString().trimEnd().split('\n')).to.have.lengthOf(60);
    for (const chunkLength of [1, 3, 17, 64])
      expect((await decoded(COMPRESSED, chunkLength)).equals(whole), `${chunkLength}`).to.equal(true);
    for (const length of [30, COMPRESSED.length - 3]) {
      const failure: unknown = await decoded(COMPRESSED.subarray(0, length), 16).catch((error: unknown) => error);
      expect(failure, `${length} bytes`).to.be.instanceOf(Error);
    }
  });

  async function decoded(bytes: Uint8Array, chunkLength: number): Promise<Buffer> {
    const stream = new ZstdStream();
    for (let at = 0; at < bytes.length; at += chunkLength) stream.write(bytes.subarray(at, at + chunkLength));
    stream.end();
    const parts: Uint8Array[] = [];
    for await (const part of stream) parts.push(part as Uint8Array);
    return Buffer.concat(parts);
  }
});
