import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readRows, type FileRow } from '../../libs/cli/row-file.js';
import { formatTimestamp, parseTimestamp } from '../../libs/time/timestamp.js';
import { flightsFile } from './flights-data.js';

const NEWLINE = 0x0a;
const COLUMNS = ['origin', 'destination', 'delay', 'distance', 'departed_at'];
/** Lines that are written at once. */
const LINES_PER_WRITE = 1_000;

export interface FlightFile {
  readonly path: string;
  /** How many flights are in it. */
  readonly flights: number;
}

export interface FlightFileOptions {
  /** Of the platform. */
  readonly dataDir: string;
  /** How many flights, from the start of the data. */
  readonly flights: number;
  readonly nowUs: number;
}

/**
 * The file that the source of Flight reads: the first flights of the data, moved so that the newest departs now, so that online
 * windows are alive. It is written once, whole or not at all: at later starts it is as it was, and "now" is the instant of the
 * first one.
 */
export async function flightFile({ dataDir, flights, nowUs }: FlightFileOptions): Promise<FlightFile> {
  const folder = join(dataDir, 'flights');
  const path = join(folder, 'flights.csv');
  const isThere = await stat(path).then(
    () => true,
    () => false, // not written yet
  );
  if (!isThere) {
    await mkdir(folder, { recursive: true });
    const rows = await flightRows(flights);
    const shiftUs = Math.floor(nowUs) - parseTimestamp(rows.at(-1)?.date); // the data is in order of time
    await pipeline(Readable.from(csvOf(rows, shiftUs)), createWriteStream(`${path}.part`));
    await rename(`${path}.part`, path);
  }
  return { path, flights: (await lineCount(path)) - 1 };
}

async function flightRows(count: number): Promise<readonly FileRow[]> {
  const rows: FileRow[] = [];
  for await (const row of readRows(flightsFile())) {
    rows.push(row);
    if (rows.length === count) break;
  }
  return rows;
}

function* csvOf(rows: readonly FileRow[], shiftUs: number): Generator<string> {
  let lines = [COLUMNS.join(',')];
  for (const { date, ...row } of rows) {
    const flight: FileRow = { ...row, departed_at: formatTimestamp(parseTimestamp(date) + shiftUs) };
    lines.push(COLUMNS.map((name) => String(flight[name] ?? '')).join(','));
    if (lines.length < LINES_PER_WRITE) continue;
    yield `${lines.join('\n')}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

async function lineCount(path: string): Promise<number> {
  let lines = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) {
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) lines++;
  }
  return lines;
}
