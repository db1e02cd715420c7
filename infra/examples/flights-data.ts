import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/** One flight of the data set, as it is pushed: times to the minute, UTC. */
export interface FlightRecord {
  readonly origin: string;
  readonly destination: string;
  readonly delay: number;
  readonly distance: number;
  /** Microseconds since the epoch. */
  readonly departedUs: number;
}

/** Rows in `flights-3m.parquet` of the npm package vega-datasets: flights of 2001, by time. */
export const FLIGHT_ROWS = 3_000_000;

/** Flights [start, end) in file order, which is time order. */
export async function readFlights(start: number, end: number): Promise<FlightRecord[]> {
  // The package exports its entry alone; its data lies beside that.
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  const file = await asyncBufferFromFile(join(dirname(entry), '..', 'data', 'flights-3m.parquet'));
  const rows = await parquetReadObjects({ file, compressors, rowStart: start, rowEnd: end });
  return rows.map((row) => ({
    origin: String(row.origin),
    destination: String(row.destination),
    delay: Number(row.delay),
    distance: Number(row.distance),
    departedUs: (row.date as Date).getTime() * 1_000, // the file's only type for it: whole minutes
  }));
}
