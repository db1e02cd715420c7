import { SourceError } from '../source-error.js';

/** The service's own words for what passes by itself: load, limits of a moment, and what was ended from outside. */
const PASSING = new Set([
  'backendError',
  'internalError',
  'jobBackendError',
  'jobInternalError',
  'jobRateLimitExceeded',
  'quotaExceeded',
  'rateLimitExceeded',
  'resourcesExceeded',
  'stopped',
  'tableUnavailable',
  'timeout',
]);
/** What a person has to mend: rights, names, statements, limits that were set. */
const LASTING = new Set([
  'accessDenied',
  'billingNotEnabled',
  'billingTierLimitExceeded',
  'blocked',
  'bytesBilledLimitExceeded',
  'invalid',
  'invalidQuery',
  'notFound',
  'responseTooLarge',
]);

/** What the library throws for an answer that is none of success. */
interface ApiFailure {
  readonly message: string;
  readonly code?: number | string;
  readonly errors?: readonly { readonly reason?: string; readonly message?: string }[];
}

/** In the words of the service; `doing` says what was asked of it. */
export function bigqueryError(doing: string, cause: unknown): SourceError {
  if (cause instanceof SourceError) return cause;
  const { message, code, errors = [] } = (cause instanceof Error ? cause : { message: String(cause) }) as ApiFailure; // an Error has a message
  const reason = errors.find((one) => one.reason !== undefined)?.reason;
  if (/default credentials/i.test(message))
    return new SourceError(
      'stop',
      'THYME_SOURCE_BIGQUERY',
      `${doing}: no credentials are found: give credentialsJson, or set GOOGLE_APPLICATION_CREDENTIALS for the ingest process`,
      { cause },
    );
  const words = `${doing}: ${message}${reason === undefined || message.includes(reason) ? '' : ` (${reason})`}`;
  return new SourceError(isLasting(reason, code, message) ? 'stop' : 'retry', 'THYME_SOURCE_BIGQUERY', words, { cause });
}

function isLasting(reason: string | undefined, code: number | string | undefined, message: string): boolean {
  if (reason !== undefined && PASSING.has(reason)) return false;
  if (reason !== undefined && LASTING.has(reason)) return true;
  if (/invalid_grant|invalid_client|unauthorized_client/.test(message)) return true;
  return [400, 401, 403, 404].includes(Number(code));
}
