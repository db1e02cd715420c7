import type { FieldViolation } from '../errors/errors.js';

interface Found extends ErrorOptions {
  readonly code?: string | undefined;
  readonly violations?: readonly FieldViolation[];
  readonly problem?: unknown;
  readonly queryRunId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** A request that the deployment refused, in its own words; or one that found no deployment. */
export class RestError extends Error {
  override readonly name: string = 'RestError';
  /** Stable, such as `THYME_NOT_FOUND`; undefined for what HTTP alone knows, and where no answer came. */
  readonly code: string | undefined;
  /** What the deployment found wrong, by its place in the request. */
  readonly violations: readonly FieldViolation[];
  /** The answer's JSON; undefined where it had none. */
  readonly problem: unknown;
  /** Under which the refused read is on record, where it is. */
  readonly queryRunId: string | undefined;
  /** After how long the deployment asks to be asked again, ms. */
  readonly retryAfterMs: number | undefined;

  constructor(
    /** The HTTP status; 0 where no answer came. */
    readonly status: number,
    message: string,
    { code, violations = [], problem, queryRunId, retryAfterMs, ...options }: Found = {},
  ) {
    super(message, options);
    this.code = code;
    this.violations = violations;
    this.problem = problem;
    this.queryRunId = queryRunId;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * No answer came, or not all of it. What was sent may have been taken: a push is safe to be made again where it has producer and
 * sequence (S13).
 */
export class UnreachableError extends RestError {
  override readonly name = 'UnreachableError';

  constructor(message: string, options: ErrorOptions) {
    super(0, message, options);
  }
}

/** The call's own time was over before the answer was there. What was sent may have been taken. */
export class DeadlineError extends RestError {
  override readonly name = 'DeadlineError';

  constructor(message: string, options: ErrorOptions) {
    super(0, message, options);
  }
}

/** Events of a push that were refused; the others of its request stay accepted. */
export class RefusedEventsError extends RestError {
  override readonly name = 'RefusedEventsError';

  constructor(
    message: string,
    options: Found,
    /** By their places in the call's rows. */
    readonly refused: readonly { readonly index: number; readonly error: string }[],
    /** Of the whole call, the accepted events so far; `token` covers them (S21). */
    readonly accepted: { readonly eventsSent: number; readonly token: string | undefined },
  ) {
    super(422, message, options);
  }
}
