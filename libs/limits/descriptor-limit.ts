import { readFileSync } from 'node:fs';

/** Where the system does not say. */
const DESCRIPTORS_ASSUMED = 1_024;
/** More than a process of one event loop can serve. */
const CONNECTIONS_MAX = 10_000;
/** Nobody can work with less; a system that gives so few descriptors is the operator's to change. */
const CONNECTIONS_MIN = 32;

/**
 * Connections that the process takes: half of its file descriptors. LevelDB keeps a fifth of them for tables, beside its
 * logs, and what it cannot open it cannot write: strangers who hold all descriptors would end ingest.
 */
export function connectionsAllowed(descriptors: number): number {
  return Math.min(CONNECTIONS_MAX, Math.max(CONNECTIONS_MIN, Math.floor(descriptors / 2)));
}

/** The soft limit on open files of this process. */
export function descriptorLimit(): number {
  try {
    const text = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text ?? DESCRIPTORS_ASSUMED);
  } catch {
    return DESCRIPTORS_ASSUMED; // no Linux
  }
}
