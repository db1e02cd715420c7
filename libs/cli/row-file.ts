import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { formatTimestamp } from '../time/timestamp.js';
import { UsageError } from './command.js';

export type FileRow = Readonly<Record<string, unknown>>;

/** Rows decoded at a time from a parquet file. */
const PARQUET_CHUNK_ROWS = 50_000;

/**
 * The rows of a file: parquet, CSV with a header, or NDJSON (any other name; `-` is standard input).
 * CSV has no types: its values are text, and an empty one is absent. Times in parquet become RFC 3339.
 */
export function readRows(path: string): AsyncIterable<FileRow> {
  if (path.endsWith('.parquet')) return parquetRows(path);
  const input = path === '-' ? process.stdin : createReadStream(path);
  const lines = createInterface({ input, crlfDelay: Infinity });
  return path.endsWith('.csv') ? csvRows(lines, path) : jsonRows(lines, path);
}

async function* jsonRows(lines: AsyncIterable<string>, path: string): AsyncIterable<FileRow> {
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line.trim() !== '') yield parseJsonLine(line, path, number);
  }
}

async function* csvRows(lines: AsyncIterable<string>, path: string): AsyncIterable<FileRow> {
  let header: readonly string[] | undefined;
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line.trim() === '') continue;
    if (header === undefined) header = splitCsv(line);
    else yield csvRow(header, splitCsv(line), path, number);
  }
}

async function* parquetRows(path: string): AsyncIterable<FileRow> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file).catch((error: unknown) => {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  });
  const total = Number(metadata.num_rows);
  // The library's own parsers go through Date and cut microseconds to milliseconds.
  const parsers = {
    timestampFromMilliseconds: (ms: bigint) => formatTimestamp(Number(ms) * 1_000),
    timestampFromMicroseconds: (us: bigint) => formatTimestamp(Number(us)),
    timestampFromNanoseconds: (ns: bigint) => formatTimestamp(Number(ns / 1_000n)),
  };
  for (let rowStart = 0; rowStart < total; rowStart += PARQUET_CHUNK_ROWS) {
    const rowEnd = Math.min(total, rowStart + PARQUET_CHUNK_ROWS);
    const rows = await parquetReadObjects({ file, metadata, compressors, parsers, rowStart, rowEnd });
    for (const row of rows) yield Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]));
  }
}

/** JSON has no bigint; an integer that a double cannot hold goes as text, for the server to refuse by name. */
function plain(value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function parseJsonLine(line: string, path: string, number: number): FileRow {
  try {
    const row = JSON.parse(line) as unknown;
    if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as FileRow;
  } catch {
    // Said below, with the line's number.
  }
  throw new UsageError(`${path}:${number}: expected one JSON object a line`);
}

function csvRow(header: readonly string[], fields: readonly string[], path: string, number: number): FileRow {
  if (fields.length !== header.length) throw new UsageError(`${path}:${number}: ${fields.length} fields, but the header has ${header.length}`);
  const entries = header.map((name, i): readonly [string, string] => [name, fields[i] ?? '']);
  return Object.fromEntries(entries.filter(([, field]) => field !== ''));
}

/** One line of RFC 4180; a quoted field may hold commas and doubled quotes, but no line break. */
function splitCsv(line: string): string[] {
  const fields: string[] = [];
  for (const match of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    fields.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
  }
  return fields;
}
