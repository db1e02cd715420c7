import { network } from './network.js';
import type { Ordeal } from './round.js';
import { away, lost, stopped } from './staleness.js';

/** Faults that are no kills, each for a deployment of its own. */
export const SCENARIOS: ReadonlyMap<string, Ordeal> = new Map([
  ['away', away],
  ['stopped', stopped],
  ['lost', lost],
  ['network', network],
]);
