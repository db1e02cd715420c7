import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * The file of 3 million US flights of 2001 in the npm package vega-datasets: columns date (to the
 * minute), delay, distance, origin, destination; in order of time.
 */
export function flightsFile(): string {
  // The package exports its entry alone; its data lies beside that.
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  return join(dirname(entry), '..', 'data', 'flights-3m.parquet');
}
