import { readRows } from '../../../libs/cli/row-file.js';
import { compileKeyEncoder } from '../../../libs/codec/entity-key.js';
import { partitionOf, slotOf } from '../../../libs/codec/slot.js';
import { parseTimestamp } from '../../../libs/time/timestamp.js';
import { flightsFile } from '../../../infra/examples/flights-data.js';

/** A record of the Flight dataset, as it stands in the topic. */
export interface Flight {
  readonly origin: string;
  readonly destination: string;
  readonly delay: number;
  readonly distance: number;
  readonly departedUs: number;
}

export interface Question {
  readonly origin: string;
  readonly destination: string;
  readonly asOfUs: number;
}

/** Every so many-th flight is taken: a month of them, so that windows of weeks are windows. */
const STRIDE = 8;
/** How late a record may come: two days, so that most of them come out of order. */
const LATENESS_US_MAX = 2 * 86_400e6;
const WINDOWS_US = [1, 3, 6, 12, 24, 7 * 24, 14 * 24].map((hours) => hours * 3_600e6);
const DAY_US = 86_400e6;

export type Random = () => number;

/** Lehmer's generator with Park and Miller's constants. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Flights of January 2001 in order of arrival: each comes up to two days after its time. */
export async function sampleFlights(count: number, random: Random): Promise<Flight[]> {
  const flights: Flight[] = [];
  let place = 0;
  for await (const { origin, destination, delay, distance, date } of readRows(flightsFile())) {
    if (place++ % STRIDE !== 0) continue;
    flights.push({
      origin: String(origin),
      destination: String(destination),
      delay: Number(delay),
      distance: Number(distance),
      departedUs: parseTimestamp(date),
    });
    if (flights.length === count) break;
  }
  return flights
    .map((flight) => ({ flight, arrivalUs: flight.departedUs + random() * LATENESS_US_MAX }))
    .sort((a, b) => a.arrivalUs - b.arrivalUs)
    .map(({ flight }) => flight);
}

/**
 * Entities of flights, more often of busy ones, at instants where answers change: at events, and where one leaves a
 * window; a microsecond to either side too.
 */
export function askedOf(flights: readonly Flight[], count: number, random: Random): Question[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T; // never of an empty list
  return Array.from({ length: count }, () => {
    const { origin, destination, departedUs } = pick(flights);
    const kind = random();
    if (kind < 0.2) return { origin, destination, asOfUs: departedUs + Math.floor((random() - 0.3) * 10 * DAY_US) };
    const edgeUs = kind < 0.5 ? departedUs : departedUs + pick(WINDOWS_US);
    return { origin, destination, asOfUs: edgeUs + pick([-1, 0, 0, 1]) };
  });
}

/** The partition of the dataset topic that a flight lies in: events of equal times are ordered by it first (S7). */
export function flightPartition(partitions: number): (flight: Flight) => number {
  const keyOf = compileKeyEncoder([{ name: 'origin', type: { kind: 'string', optional: false } }], 'Flight');
  return ({ origin }) => partitionOf(slotOf(keyOf([origin])), partitions);
}
