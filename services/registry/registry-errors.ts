import type { DefinitionChange } from '../../libs/definition/change-list.js';
import { ThymeError } from '../../libs/errors/errors.js';

/** Changes that one message lists; the rest is counted. */
const CHANGES_LISTED_MAX = 20;

/** `between` is what has changed from the one to the other. */
export function revisionMoved(planned: number, latest: number, between: readonly DefinitionChange[]): ThymeError {
  const listed = between.slice(0, CHANGES_LISTED_MAX).map(({ kind, place, message }) => `${kind} ${place} (${message})`);
  const rest = between.length > listed.length ? `, and ${between.length - listed.length} more` : '';
  const what = listed.length === 0 ? '' : `; what came between: ${listed.join(', ')}${rest}`;
  return new ThymeError(
    'THYME_REVISION_MOVED',
    'ABORTED',
    `this was planned on revision ${planned}, and the latest is ${latest}${what}: plan again and commit that`,
  );
}

/** Another registry has taken over, or the log failed in mid-commit: what is there must be read before anything is said. */
export function commitUnsure(cause: unknown): ThymeError {
  return new ThymeError(
    'THYME_COMMIT_UNSURE',
    'UNAVAILABLE',
    'it is not known whether this was committed, or another registry has taken over: plan again, and commit if something is left',
    [],
    { cause },
  );
}

export function registryNotRunning(): ThymeError {
  return new ThymeError('THYME_REGISTRY_NOT_RUNNING', 'UNAVAILABLE', 'the registry is not running');
}

export function noSuchRevision(number: number, latest: number): ThymeError {
  return new ThymeError(
    'THYME_NOT_FOUND',
    'NOT_FOUND',
    latest === 0 ? 'nothing has been committed yet' : `there is no revision ${number}: they go from 1 to ${latest}`,
  );
}

export function revisionTooLarge(bytes: number, bytesMax: number): ThymeError {
  return new ThymeError(
    'THYME_REVISION_TOO_LARGE',
    'INVALID_ARGUMENT',
    `definitions and bundle have ${bytes} bytes, over the limit of ${bytesMax}: import less into the module, or split it`,
  );
}
