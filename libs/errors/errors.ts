/** The gRPC status names that Thyme answers with; libs/rpc and libs/rest map them to numbers (DESIGN 9). */
export type StatusName =
  | 'INVALID_ARGUMENT'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'NOT_FOUND'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'
  | 'INTERNAL';

/** What is wrong with one field of a request, and how to mend it. */
export interface FieldViolation {
  /** Where: a path such as `events[3].amount` or `FraudSignals.order_count_1h`. */
  readonly field: string;
  readonly description: string;
}

/**
 * What becomes of a part of the process that has failed with this, for who runs it: it is tried again after a pause; or what it
 * has stored is set aside and built anew, because those bytes are damaged or not to be trusted; or it stops, because
 * neither would help: somebody has to do something first. The error says it, since nobody else knows.
 */
export type Disposition = 'retry' | 'rebuild' | 'stop';

/** What is not one of ours says nothing of itself, and is tried again. */
export function dispositionOf(cause: unknown): Disposition {
  return cause instanceof ThymeError ? cause.disposition : 'retry';
}

/**
 * An expected failure: a stable code for machines, a status, a message for people. Whatever else
 * is thrown leaves the process as INTERNAL without its words.
 */
export class ThymeError extends Error {
  override readonly name = 'ThymeError';
  /** Under which the failed request is on record: a query run's. */
  readonly requestId: string | undefined;
  /** What leaves the process instead of the message, which names what is only its operator's business; undefined where that may leave. */
  readonly told: string | undefined;
  /** What a worker does about it; a request that is answered with it does not ask. */
  readonly disposition: Disposition;

  constructor(
    readonly code: `THYME_${string}`,
    readonly status: StatusName,
    message: string,
    readonly violations: readonly FieldViolation[] = [],
    options?: ErrorOptions & { readonly requestId?: string; readonly told?: string | undefined; readonly disposition?: Disposition },
  ) {
    super(message, options);
    this.requestId = options?.requestId;
    this.told = options?.told;
    this.disposition = options?.disposition ?? 'retry';
  }
}

/** The same failure of a request that is on record. A new error: one reason may end many requests. Others than ours stay what they are. */
export function onRecord(error: unknown, requestId: string): unknown {
  if (!(error instanceof ThymeError)) return error;
  const { code, status, message, violations, told, disposition } = error;
  return new ThymeError(code, status, message, violations, { cause: error, requestId, told, disposition });
}

export function invalidArgument(field: string, description: string): ThymeError {
  return new ThymeError('THYME_INVALID_ARGUMENT', 'INVALID_ARGUMENT', `${field}: ${description}`, [{ field, description }]);
}

/** NOT_FOUND that names the nearest known name, if one is near enough to be meant. */
export function notFound(kind: string, name: string, known: Iterable<string>): ThymeError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`;
  return new ThymeError('THYME_NOT_FOUND', 'NOT_FOUND', `no ${kind} is called '${name.slice(0, 128)}'${hint}`);
}

/** What differs in more letters is another name. */
const EDITS_MAX = 4;

/** The known name with the fewest edits from `name`, at most a third of its length (and from two to four). */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let fewest = Math.min(EDITS_MAX, Math.max(2, Math.floor(name.length / 3))) + 1;
  const asked = name.toLowerCase();
  if (asked === '') return undefined; // near to all that are short
  for (const candidate of known) {
    const edits = editsBelow(fewest, asked, candidate.toLowerCase());
    if (edits !== undefined) [nearest, fewest] = [candidate, edits];
  }
  return nearest;
}

/**
 * Levenshtein distance where it is below `max`, by the usual two-row dynamic programme, of which only so much is worked out: names that a
 * stranger sends are compared with hundreds of others.
 */
function editsBelow(max: number, a: string, b: string): number | undefined {
  if (Math.abs(a.length - b.length) >= max) return undefined;
  let previous = Array.from({ length: b.length + 1 }, (_, j) => Math.min(j, max));
  for (let i = 1; i <= a.length; i++) {
    const row = new Array<number>(b.length + 1).fill(max);
    if (i < max) row[0] = i;
    let least = row[0] ?? max;
    for (let j = Math.max(1, i - max + 1); j <= Math.min(b.length, i + max - 1); j++) {
      const substituted = (previous[j - 1] ?? max) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const edits = Math.min((previous[j] ?? max) + 1, (row[j - 1] ?? max) + 1, substituted, max);
      row[j] = edits;
      if (edits < least) least = edits;
    }
    if (least >= max) return undefined;
    previous = row;
  }
  const edits = previous[b.length] ?? max;
  return edits < max ? edits : undefined;
}
