import type { DefinitionChange } from '../../libs/definition/compare.js';
import { ThymeError } from '../../libs/errors/errors.js';

/** What stands for everything among the names of a commit's removals. */
export const REMOVES_ALL = 'all';

/**
 * Refuses a commit that takes away what it does not name: a module that was written against other definitions would
 * take them away unseen.
 */
export function refuseUnnamedRemovals(changes: readonly DefinitionChange[], named: readonly string[]): void {
  const unnamed = changes.filter(({ kind, place }) => kind === 'removed' && !isNamed(place, named));
  if (unnamed.length === 0) return;
  const places = [...new Set(unnamed.map(({ place }) => place))];
  throw new ThymeError(
    'THYME_REMOVAL_UNNAMED',
    'FAILED_PRECONDITION',
    `this commit would remove ${places.join(', ')}: keep ${places.length === 1 ? 'it' : 'them'} in the module, or name what shall go (thyme commit --remove ${places[0] ?? ''}, or --remove ${REMOVES_ALL}; the field 'removes' of a request)`,
    unnamed.map(({ place, message }) => ({ field: place, description: message })),
  );
}

/** A class's name stands for its members too. */
function isNamed(place: string, named: readonly string[]): boolean {
  return named.some((name) => name === REMOVES_ALL || name === place || place.startsWith(`${name}.`));
}
