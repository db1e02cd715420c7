import { openNdjson, readObject, textOf } from './ndjson-rows.js';
import { ROW_BYTES_MAX, type FileRow, type RowFile } from './row-file.js';
import { splitJson } from './split-json.js';
import { checkByteOrder } from './utf8-lines.js';

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

/**
 * A file that is called JSON, as people mean it: an array of objects, one object over several lines, or one object a line.
 * Which of them, its first line says. Elements and values that are no objects are refused alone.
 */
export async function openJson(bytes: AsyncIterable<Uint8Array>, path: string): Promise<RowFile> {
  const head = await takeLine(bytes[Symbol.asyncIterator]());
  checkByteOrder(head.bytes, path);
  const isMarked = head.bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  const start = isMarked ? head.bytes.subarray(BYTE_ORDER_MARK.length) : head.bytes;
  const text = start.toString('utf8').trimStart();
  if (!text.startsWith('[') && isObject(text)) return openNdjson(joined(start, head.rest), path, false);
  const isArray = text.startsWith('[');
  return { format: 'json', unit: 'line', isText: false, columns: undefined, rows: () => jsonRows(joined(start, head.rest), path, isArray) };
}

async function* jsonRows(bytes: AsyncIterable<Uint8Array>, path: string, isArray: boolean): AsyncGenerator<FileRow> {
  for await (const text of splitJson(bytes, path, isArray)) yield readObject(text, textOf(text), 'expected an object');
}

interface Head {
  /** Up to a line that is not blank, and some more. */
  readonly bytes: Buffer;
  readonly rest: AsyncIterator<Uint8Array>;
}

async function takeLine(rest: AsyncIterator<Uint8Array>): Promise<Head> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let hasText = false; length < ROW_BYTES_MAX;) {
    const next: IteratorResult<Uint8Array> = await rest.next();
    if (next.done === true) break;
    parts.push(next.value);
    length += next.value.length;
    const start: number = hasText ? 0 : next.value.findIndex((byte) => byte > 0x20);
    hasText ||= start >= 0;
    if (hasText && next.value.includes(NEWLINE, start)) break;
  }
  return { bytes: Buffer.concat(parts), rest };
}

async function* joined(start: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield start;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** Whether the first line of the text is an object by itself. */
function isObject(text: string): boolean {
  const end = text.indexOf('\n');
  const line = end < 0 ? text : text.slice(0, end);
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}
