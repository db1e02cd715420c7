import { UsageError, type Terminal } from './command.js';
import type { DatasetStatus } from './file-events.js';

/** Names of columns that are remembered; of NDJSON every row may bring others. */
const NAMES_MAX = 1_000;
const NAMES_TOLD_MAX = 20;

/** Columns that no field has: named once, at the end, since NDJSON has no header. */
export class IgnoredColumns {
  readonly #path: string;
  readonly #dataset: string;
  readonly #terminal: Terminal;
  readonly #names = new Set<string>();

  constructor(path: string, dataset: string, terminal: Terminal) {
    this.#path = path;
    this.#dataset = dataset;
    this.#terminal = terminal;
  }

  /** Up to NAMES_MAX. */
  get count(): number {
    return this.#names.size;
  }

  add(names: readonly string[]): void {
    for (const name of names) if (this.#names.size < NAMES_MAX) this.#names.add(name);
  }

  tell(): void {
    if (this.#names.size === 0) return;
    const names = [...this.#names];
    const more = names.length > NAMES_TOLD_MAX ? ` and ${names.length - NAMES_TOLD_MAX} more` : '';
    this.#terminal.err(
      `${this.#path}: ${this.#dataset} has no field for, and ignores: ${names.slice(0, NAMES_TOLD_MAX).join(', ')}${more}`,
    );
  }
}

interface ColumnsOptions {
  readonly path: string;
  readonly dataset: DatasetStatus;
  readonly renames: ReadonlyMap<string, string>;
  readonly ignored: IgnoredColumns;
}

/**
 * The columns of a header or schema that a field is for. Throws UsageError where a required field has none, two columns are for one, or a
 * column that is to be renamed is not there: each row would be refused for it.
 */
export function columnsToRead(
  columns: readonly string[] | undefined,
  { path, dataset, renames, ignored }: ColumnsOptions,
): ReadonlySet<string> | undefined {
  if (columns === undefined) return undefined;
  for (const column of renames.keys())
    if (!columns.includes(column))
      throw new UsageError(`${path} has no column '${column}' to rename: its columns are ${columns.join(', ')}`);
  const fields = new Map(dataset.fields.map((field) => [field.name, field]));
  const columnOf = new Map<string, string>();
  for (const column of columns) {
    const field = renames.get(column) ?? column;
    const other = columnOf.get(field);
    if (!fields.has(field)) ignored.add([column]);
    else if (other === undefined) columnOf.set(field, column);
    else throw new UsageError(`${path}: both columns '${other}' and '${column}' are for ${dataset.name}.${field}: rename one of them`);
  }
  for (const { name, optional } of dataset.fields)
    if (!optional && !columnOf.has(name))
      throw new UsageError(`${path} has no column for ${dataset.name}.${name}, which every row needs: ${wayToColumn(columns, name)}`);
  return new Set(columnOf.values());
}

/** A header of one column with another separator in it is one that was read by the wrong one. */
function wayToColumn(columns: readonly string[], name: string): string {
  const [only = ''] = columns;
  const separator = columns.length === 1 ? /[;|\t]/.exec(only)?.[0] : undefined;
  if (separator === undefined) return `name one by --rename COLUMN=${name}`;
  if (separator === '\t') return 'it is separated by tabs: say --format tsv';
  return `it is separated by '${separator}': write it with commas, or with tabs and --format tsv`;
}
