import { STATUS_CODES } from 'node:http';
import { ThymeError, type StatusName } from '../errors/errors.js';
import { keepsWords, toldMessage } from '../errors/incident.js';
import { HttpError } from './http-error.js';
import { encodeJson, type JsonTree } from './json-text.js';

/** The one mapping of statuses to HTTP (DESIGN 9). */
const HTTP_STATUS_OF: Readonly<Record<StatusName, number>> = {
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  FAILED_PRECONDITION: 409,
  ABORTED: 409,
  OUT_OF_RANGE: 422,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

const HEADERS_OF: ReadonlyMap<number, Readonly<Record<string, string>>> = new Map([
  [401, { 'www-authenticate': 'Bearer' }],
  [429, { 'retry-after': '1' }],
  [503, { 'retry-after': '1' }],
]);

/** On every answer to a read that is on record, also where it failed (REST 2). */
export const QUERY_RUN_HEADER = 'x-query-run-id';

/** Of the documentation, which every gateway serves: its rows are anchors by their codes (RFC 8288, `help`). */
const HELP_PAGE = '/docs/errors.html';

export const PROBLEM_TYPE = 'application/problem+json';

export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string;
}

/** The problem (RFC 9457) that an error is answered with. `error` repeats `detail` for clients that look there. */
export function toProblem(error: unknown): Problem {
  if (error instanceof HttpError) return problem(error.status, 'about:blank', error.message, {}, error.headers);
  if (!(error instanceof ThymeError) || error.status === 'INTERNAL') return problem(500, 'about:blank', toldMessage(error), {}, {});
  const { code, violations, requestId, told } = error;
  const help = { link: `<${HELP_PAGE}#${code}>; rel="help"` };
  const extra =
    violations.length === 0 || told !== undefined
      ? {}
      : { violations: violations.map(({ field, description }) => ({ field, description })) };
  return problem(
    HTTP_STATUS_OF[error.status],
    `urn:thyme:error:${code}`,
    toldMessage(error),
    extra,
    requestId === undefined ? help : { ...help, [QUERY_RUN_HEADER]: requestId },
  );
}

/** A problem with members of its own, such as the errors of single records. */
export function problem(
  status: number,
  type: string,
  detail: string,
  extra: Readonly<Record<string, JsonTree>>,
  headers: Readonly<Record<string, string>>,
): Problem {
  return {
    status,
    headers: { 'content-type': PROBLEM_TYPE, ...HEADERS_OF.get(status), ...headers },
    body: encodeJson({ type, title: STATUS_CODES[status] ?? 'Error', status, detail, error: detail, ...extra }),
  };
}

/** Whether the answer hides a failure of ours, which the log must then tell. */
export function isOurFault(error: unknown): boolean {
  return !(error instanceof HttpError) && keepsWords(error);
}
