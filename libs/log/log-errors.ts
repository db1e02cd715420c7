import { dispositionOf, ThymeError } from '../errors/errors.js';

export function logClosed(): ThymeError {
  return new ThymeError('THYME_LOG_CLOSED', 'UNAVAILABLE', 'the log is closed');
}

/** A newer writer with the same id exists (L4): this owner has lost its partition, or was thought dead. */
export function writerFenced(transactionalId: string, epoch: number, newestEpoch: number): ThymeError {
  return new ThymeError(
    'THYME_FENCED',
    'ABORTED',
    `writer ${epoch} of '${transactionalId}' is fenced by writer ${newestEpoch}: drop it, and take the partition anew if it is still yours`,
    [],
    { disposition: 'stop' },
  );
}

export function writerDead(cause: unknown): ThymeError {
  return new ThymeError(
    'THYME_WRITER_DEAD',
    'FAILED_PRECONDITION',
    'this writer failed before and cannot know what it committed: take a new one and read what is there',
    [],
    { cause },
  );
}

export function writerClosed(): ThymeError {
  return new ThymeError('THYME_WRITER_CLOSED', 'FAILED_PRECONDITION', 'this writer is closed: take a new one');
}

export function logBusy(what: string): ThymeError {
  return new ThymeError('THYME_LOG_BUSY', 'RESOURCE_EXHAUSTED', `${what} wait for the disk already: retry later`);
}

export function wrongPartitionCount(topic: string, wanted: number, found: number): ThymeError {
  return new ThymeError(
    'THYME_PARTITION_COUNT',
    'FAILED_PRECONDITION',
    `topic '${topic}' has ${found} partitions, not ${wanted}: keys would move; configure ${found}, or use another deployment name`,
    [],
    { disposition: 'stop' },
  );
}

export function formatTooNew(found: number, known: number): ThymeError {
  return new ThymeError(
    'THYME_LOG_FORMAT',
    'FAILED_PRECONDITION',
    `this log has format ${found}, and this version of Thyme reads up to ${known}: upgrade it`,
    [],
    { disposition: 'stop' },
  );
}

/** What the log has is nowhere else: nothing can be built from what is left, and nobody may go on without the rest. */
export function logCorrupt(what: string, options?: ErrorOptions): ThymeError {
  return new ThymeError(
    'THYME_LOG_CORRUPT',
    'INTERNAL',
    `the log is damaged: ${what}; it has no second copy: put back the folder 'log' from a backup, or start over in an empty data directory`,
    [],
    { ...options, disposition: 'stop' },
  );
}

/** A store that is damaged is built anew by whoever has another copy. The log has none. */
export function unreadable(cause: unknown): unknown {
  if (dispositionOf(cause) !== 'rebuild' || !(cause instanceof Error)) return cause;
  return logCorrupt(cause.cause instanceof Error ? cause.cause.message : cause.message, { cause });
}

/** What arrived is not what was stored: it is fetched again. */
export function fetchedCorrupt(what: string): ThymeError {
  return new ThymeError('THYME_LOG_CORRUPT', 'INTERNAL', `what the log sent is damaged: ${what}`);
}
