import { nearestName } from '../../errors/errors.js';
import { SourceError } from '../source-error.js';

/** A table is one stream of rows (S10). */
export const LANE = 'table';

/** A row's key for people: `id 7, part a`. */
export function keyWords(columns: readonly { readonly name: string }[], key: readonly string[]): string {
  return columns.map(({ name }, i) => `${name} ${key[i] ?? ''}`).join(', ');
}

export function missingColumn(table: string, name: string, known: Iterable<string>): SourceError {
  const nearest = nearestName(name, known);
  return shapeError(`${table} has no column '${name}'${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`);
}

export function shapeError(message: string): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_SHAPE', message);
}

/** The names that a parameter lists, separated by commas. */
export function listedNames(given: string | number | boolean): readonly string[] {
  return String(given)
    .split(',')
    .map((name) => name.trim());
}
