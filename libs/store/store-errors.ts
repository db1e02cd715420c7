import { ThymeError } from '../errors/errors.js';

export const STORE_DAMAGED = 'THYME_STORE_DAMAGED';

/** Reads and writes after `close`: the process is stopping; another one, or a restart, can answer. */
export function storeClosed(options?: ErrorOptions): ThymeError {
  return new ThymeError('THYME_STORE_CLOSED', 'UNAVAILABLE', 'the store is closed', [], options);
}

export function storeLocked(folder: string, options?: ErrorOptions): ThymeError {
  return new ThymeError('THYME_STORE_LOCKED', 'FAILED_PRECONDITION',
    `${folder} is in use by another process: stop that one, or give this one a data directory of its own`, [], options);
}

/**
 * Bytes on the disk are not what was written. Everything but the log is a fold of the changelog and can be had
 * again, so a replica that reads this is built anew; the process may still answer what lies elsewhere.
 */
export function storeDamaged(folder: string, cause: unknown): ThymeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ThymeError(STORE_DAMAGED, 'UNAVAILABLE',
    `the store in ${folder} is damaged (${reason}): owners and replicas build theirs anew; a folder 'log' has to come from a backup`, [], { cause });
}

export function isStoreDamaged(cause: unknown): boolean {
  return cause instanceof ThymeError && cause.code === STORE_DAMAGED;
}

/** The disk is full or broken, or the folder cannot be read. */
export function storeFailed(what: string, cause: unknown): ThymeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ThymeError('THYME_STORE_FAILED', 'UNAVAILABLE', `${what}: ${reason}`, [], { cause });
}
