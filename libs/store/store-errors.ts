import { ThymeError } from '../errors/errors.js';

/** Reads and writes after `close`: the process is stopping; another one, or a restart, can answer. */
export function storeClosed(options?: ErrorOptions): ThymeError {
  return new ThymeError('THYME_STORE_CLOSED', 'UNAVAILABLE', 'the store is closed', [], options);
}

export function storeLocked(folder: string, options?: ErrorOptions): ThymeError {
  return new ThymeError(
    'THYME_STORE_LOCKED',
    'FAILED_PRECONDITION',
    `${folder} is in use by another process: stop that one, or give this one a data directory of its own`,
    [],
    { ...options, disposition: 'stop', told: 'its data folder is in use by another process' },
  );
}

/**
 * Bytes on the disk are not what was written. Everything but the log is a fold of the changelog and can be had
 * again, so a replica that reads this is built anew; the process may still answer what lies elsewhere.
 */
export function storeDamaged(folder: string, cause: unknown): ThymeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ThymeError(
    'THYME_STORE_DAMAGED',
    'UNAVAILABLE',
    `the store in ${folder} is damaged (${reason}): owners and replicas build theirs anew; a folder 'log' has to come from a backup`,
    [],
    { cause, disposition: 'rebuild', told: 'a store of this process is damaged and is built anew: send it again, or ask another process' },
  );
}

/** The disk is full, or the folder cannot be used at the moment: `what` the store does not do. */
export function storeFailed(folder: string, what: string, cause: unknown): ThymeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ThymeError('THYME_STORE_FAILED', 'UNAVAILABLE', `the store in ${folder} ${what}: ${reason}`, [], {
    cause,
    told: `a store of this process ${what}`,
  });
}
