import { invalidArgument, nearestName } from '../errors/errors.js';

/** How much of a stranger's name an error repeats. */
const NAME_LENGTH_SHOWN = 64;

export interface KnownNames {
  /** What a name is, for the error: `parameter`, or `member`. */
  readonly kind: string;
  readonly known: readonly string[];
  /** Put before the name: `queries[3].`. */
  readonly prefix?: string;
}

/**
 * Refuses the first name that is none of the known ones, and says which of them is nearest. A name that is
 * misspelt would otherwise be a condition silently dropped from the question, and an answer to another one.
 */
export function refuseUnknown(names: Iterable<string>, { kind, known, prefix = '' }: KnownNames): void {
  for (const name of names) {
    if (known.includes(name)) continue;
    const shown = name.slice(0, NAME_LENGTH_SHOWN);
    const nearest = nearestName(shown, known);
    throw invalidArgument(
      prefix + shown,
      `there is no such ${kind}; ${nearest === undefined ? listed(known) : `did you mean '${nearest}'?`}`,
    );
  }
}

function listed(known: readonly string[]): string {
  return known.length === 0 ? 'none is taken here' : `known are ${known.join(', ')}`;
}
