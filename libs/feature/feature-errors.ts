import { ThymeError } from '../errors/errors.js';

const AUTHOR_MESSAGE_LENGTH_MAX = 256;

/** A definition that cannot be served as it stands. The commit refuses these; a replica says so again. */
export function unservable(place: string, description: string): ThymeError {
  return new ThymeError('THYME_UNSERVABLE', 'FAILED_PRECONDITION', `${place} ${description}`, [{ field: place, description }]);
}

/** An author's extractor threw or gave what was not declared: its words, never its stack. */
export function extractorFailed(place: string, description: string, cause: unknown): ThymeError {
  return new ThymeError(
    'THYME_EXTRACTOR_FAILED',
    'FAILED_PRECONDITION',
    `extractor ${place} ${description}`,
    [{ field: place, description }],
    { cause },
  );
}

/** What an author's function threw, in one line; in whatever realm it was made. */
export function messageOf(thrown: unknown): string {
  const message = typeof thrown === 'object' && thrown !== null && 'message' in thrown ? thrown.message : thrown;
  const line = typeof message === 'string' ? (message.split('\n', 1)[0] ?? '') : `a ${typeof message}`;
  return line.length > AUTHOR_MESSAGE_LENGTH_MAX ? `${line.slice(0, AUTHOR_MESSAGE_LENGTH_MAX)}…` : line;
}

/** The same failure, told with the place where it happened in front. */
export function within(place: string, error: ThymeError): ThymeError {
  const violations = error.violations.map(({ field, description }) => ({ field: `${place}: ${field}`, description }));
  const { told, disposition } = error;
  return new ThymeError(error.code, error.status, `${place}: ${error.message}`, violations, { cause: error, told, disposition });
}
