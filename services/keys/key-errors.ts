import { ThymeError } from '../../libs/errors/errors.js';
import { KEYS_MAX } from './key-book.js';

export function keyExists(name: string): ThymeError {
  return new ThymeError(
    'THYME_KEY_EXISTS',
    'FAILED_PRECONDITION',
    `a key called '${name}' is in force: revoke it first, or use another name`,
  );
}

export function tooManyKeys(): ThymeError {
  return new ThymeError(
    'THYME_KEYS_FULL',
    'RESOURCE_EXHAUSTED',
    `${KEYS_MAX} keys are in force, and there may be no more: revoke some that nobody uses`,
  );
}

/** Another process has taken over in mid-commit, or the log failed: what is there must be read before anything is said. */
export function keysUnsure(cause: unknown): ThymeError {
  return new ThymeError(
    'THYME_KEYS_UNSURE',
    'UNAVAILABLE',
    'it is not known whether this was written down: look at `thyme keys list`, and do it again if it was not',
    [],
    { cause },
  );
}

export function secretUnknown(): ThymeError {
  return new ThymeError(
    'THYME_SECRET_UNKNOWN',
    'UNAVAILABLE',
    'this process has not heard yet by which secret tokens are authenticated: send it again',
  );
}
