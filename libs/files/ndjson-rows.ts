import { isUtf8 } from 'node:buffer';
import { parseExactJson, type ExactJson, type ExactObject } from '../codec/exact-json.js';
import { FileError, REFUSED_TEXT_LENGTH_MAX, ROW_BYTES_MAX, type FileRow, type RowFile, type RowOrigin } from './row-file.js';
import { splitLines, type TextLine } from './split-lines.js';
import { checkByteOrder } from './utf8-lines.js';

const BYTE_ORDER_MARK = '\uFEFF';

/** One JSON object a line, LF between them; numbers keep their text. A line that is none is refused alone. */
export function openNdjson(bytes: AsyncIterable<Uint8Array>, path: string, isRejected: boolean): RowFile {
  const readObject = isRejected ? rejectedRow : plainRow;
  return { format: 'ndjson', unit: 'line', isText: isRejected, columns: undefined, rows: () => ndjsonRows(bytes, path, readObject) };
}

type ReadObject = (line: number, object: ExactObject, text: string) => FileRow;

async function* ndjsonRows(bytes: AsyncIterable<Uint8Array>, path: string, readObject: ReadObject): AsyncIterable<FileRow> {
  for await (const line of splitLines(bytes)) {
    if (line.number === 1) checkByteOrder(line.bytes, path);
    const row = readLine(line, path, readObject);
    if (row !== undefined) yield row;
  }
}

/** Undefined for a line of blanks. */
function readLine(line: TextLine, path: string, read: ReadObject): FileRow | undefined {
  const text = textOf(line);
  if (line.number === 1 && text.trimStart().startsWith('['))
    throw new FileError(path, 'is a JSON array, expected one JSON object a line: call it .json, or write it so', 1);
  if (text.trim() === '' && !line.isCut && isUtf8(line.bytes)) return undefined;
  return readObject(line, text, 'expected one JSON object a line', read);
}

/** Without the mark that a file may begin with. */
export function textOf({ number, bytes }: TextLine): string {
  const text = bytes.toString('utf8');
  return number === 1 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

/** One JSON text as a row; refused, with the reason, where it is none. `expected` says what it should have been. */
export function readObject({ number: line, bytes, isCut }: TextLine, text: string, expected: string, read: ReadObject = plainRow): FileRow {
  const refused = (reason: string): FileRow => ({ kind: 'refused', line, reason, text: text.slice(0, REFUSED_TEXT_LENGTH_MAX) });
  if (isCut) return refused(`is longer than the limit of ${ROW_BYTES_MAX} bytes`);
  if (!isUtf8(bytes)) return refused('is not UTF-8: convert the file, for example by iconv -f LATIN1 -t UTF-8');
  try {
    const value = parseExactJson(text);
    return isObject(value) ? read(line, value, text) : refused(expected);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return refused(`${expected}: it ${error.message}`);
  }
}

function plainRow(line: number, row: ExactObject): FileRow {
  return { kind: 'row', line, row };
}

/** A line of a file of refused rows: the row is a member of it, beside its place and the reason. */
function rejectedRow(line: number, entry: ExactObject, text: string): FileRow {
  const { row } = entry;
  if (!isObject(row)) return { kind: 'refused', line, reason: "has no member 'row': write the mended row there, as an object", text };
  const origin = originOf(entry);
  return origin === undefined ? { kind: 'row', line, row } : { kind: 'row', line, row, origin };
}

function originOf({ producer_id: producerId, sequence }: ExactObject): RowOrigin | undefined {
  if (typeof producerId !== 'string' || typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 0) return undefined;
  return { producerId, sequence };
}

function isObject(value: ExactJson | undefined): value is ExactObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.getPrototypeOf(value) === Object.prototype;
}
