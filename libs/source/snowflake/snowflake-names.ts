import { shapeError } from '../table/table-words.js';

// Snowflake folds names that stand without quotes to upper case. What a source's parameters name is read as SQL reads it.

const PLAIN = /^[A-Za-z_][\w$]*$/;
const QUOTED = /^"((?:[^"]|"")+)"$/;

/** The name that the system keeps: of `orders` ORDERS, of `"orders"` orders. */
export function storedName(given: string, parameter: string): string {
  if (PLAIN.test(given)) return given.toUpperCase();
  const quotedName = QUOTED.exec(given)?.[1];
  if (quotedName !== undefined) return quotedName.replaceAll('""', '"');
  throw shapeError(
    `${parameter} '${given}' is no name: write it as in SQL, in double quotes where it has other signs than letters, digits, _ and $`,
  );
}

/** The column of that name as it stands, else of the name that SQL would read it as. */
export function columnNamed<T extends { readonly name: string }>(columns: readonly T[], given: string): T | undefined {
  const exact = columns.find(({ name }) => name === given);
  if (exact !== undefined) return exact;
  const folded = QUOTED.test(given) ? given.slice(1, -1).replaceAll('""', '"') : given.toUpperCase();
  return columns.find(({ name }) => name === folded);
}

/** An identifier in SQL, whatever it holds. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
