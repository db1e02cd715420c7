import { invalidArgument } from '../errors/errors.js';
import { openRows } from '../files/open-rows.js';
import { FileError, type RowFile, type RowValues } from '../files/row-file.js';
import { UsageError } from './command.js';
import { entityOf, type AskedEntity, type FeaturesetShape } from './entity-argument.js';
import { compileValue } from './file-events.js';

/** One row of a training set's file as a question. */
export interface SpineRow {
  readonly query: { readonly entity_id: unknown; readonly timestamp: unknown; readonly inputs?: Readonly<Record<string, unknown>> };
  /** Where it stands: `pairs.csv:7`. */
  readonly place: string;
  /** All that stands there, as the file has it; of a pair with an instant out of a grid, that instant too. */
  readonly row: RowValues;
}

export interface SpineOptions {
  readonly path: string;
  /** Undefined where no such featureset is known: then only `entity_id` names an entity. */
  readonly shape: FeaturesetShape | undefined;
  /** Told once of columns that are neither key, time nor input. */
  readonly ignored: (columns: readonly string[]) => void;
  readonly names?: ColumnNames | undefined;
  /** Instants that every row is asked about, in place of a column. */
  readonly instants?: readonly string[] | undefined;
  /** Told of the file before its first row. */
  readonly opened?: (file: Pick<RowFile, 'columns' | 'isText'>) => void;
}

/** Which columns stand for the entity and the instant, where they are not called as they are by default. */
export interface ColumnNames {
  /** In place of `entity_id`. */
  readonly entity?: string | undefined;
  /** In place of its own name, by the field of the key. */
  readonly fields: ReadonlyMap<string, string>;
  /** In place of `timestamp`. */
  readonly timestamp?: string | undefined;
}

/**
 * The (entity, instant) pairs of a file: columns `entity_id`, or for each field of the key `entity.<field>` or the
 * field's own name; `timestamp`; and request-time inputs by their names.
 */
export async function* readSpine({ path, shape, ignored, names, instants, opened }: SpineOptions): AsyncGenerator<SpineRow> {
  const unused = new Set<string>();
  try {
    const file = await openRows(path);
    refuseMissing(path, file.columns, names);
    opened?.(file);
    const columns = new SpineColumns(shape, file.isText, names);
    for await (const read of file.rows()) {
      const place = file.unit === 'line' ? `${path}:${read.line}` : `${path}: row ${read.line}`;
      if (read.kind === 'refused') throw invalidArgument(place, read.reason);
      for (const name of Object.keys(read.row)) if (!columns.isKnown(name) && unused.size < COLUMNS_TOLD_MAX) unused.add(name);
      if (instants === undefined) yield { query: columns.question(read.row, place), place, row: read.row };
      else for (const row of columns.atEach(read.row, instants, place)) yield { query: columns.question(row, place), place, row };
    }
  } catch (error) {
    throw error instanceof FileError ? new UsageError(error.message, { cause: error }) : error;
  }
  if (unused.size > 0) ignored([...unused]);
}

/** A column that was named has to be there, before a row is asked about. */
function refuseMissing(path: string, columns: readonly string[] | undefined, names: ColumnNames | undefined): void {
  if (columns === undefined || names === undefined) return;
  for (const name of [names.entity, names.timestamp, ...names.fields.values()])
    if (name !== undefined && !columns.includes(name))
      throw new UsageError(`${path} has no column '${name}': its columns are ${columns.join(', ')}`);
}

/** Every row of NDJSON may bring others. */
const COLUMNS_TOLD_MAX = 100;

/** What the columns of a file are to a featureset. */
class SpineColumns {
  readonly #fields: readonly string[];
  readonly #inputs: ReadonlyMap<string, ReadValue>;
  readonly #keys: ReadonlyMap<string, ReadValue>;
  readonly #time: ReadValue;
  readonly #known: ReadonlySet<string>;
  readonly #entityColumn: string;
  readonly #timeColumn: string;
  readonly #columnOf: ReadonlyMap<string, string>;

  constructor(shape: FeaturesetShape | undefined, isText: boolean, names: ColumnNames | undefined) {
    this.#entityColumn = names?.entity ?? 'entity_id';
    this.#timeColumn = names?.timestamp ?? 'timestamp';
    this.#columnOf = names?.fields ?? new Map<string, string>();
    const readers = (types: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, ReadValue> =>
      new Map([...types].map(([name, dtype]) => [name, compileValue(dtype, isText)]));
    this.#fields = shape?.entity ?? [];
    this.#inputs = readers(shape?.inputs);
    this.#keys = readers(shape?.keys);
    this.#time = compileValue('datetime', isText);
    const keyColumns = this.#fields.flatMap((field) => [this.#columnOf.get(field) ?? field, `entity.${field}`]);
    this.#known = new Set([this.#entityColumn, this.#timeColumn, ...this.#inputs.keys(), ...keyColumns]);
  }

  isKnown(name: string): boolean {
    return this.#known.has(name);
  }

  question(row: RowValues, place: string): SpineRow['query'] {
    const query = { entity_id: this.#entity(row, place), timestamp: this.#time(row[this.#timeColumn]) };
    const inputs = [...this.#inputs].filter(([name]) => Object.hasOwn(row, name)).map(([name, read]) => [name, read(row[name])] as const);
    return inputs.length === 0 ? query : { ...query, inputs: Object.fromEntries(inputs) };
  }

  atEach(row: RowValues, instants: readonly string[], place: string): readonly RowValues[] {
    if (Object.hasOwn(row, this.#timeColumn))
      throw invalidArgument(place, `has a ${this.#timeColumn} of its own: leave out --from, --to and --every, or the column`);
    return instants.map((instant) => ({ ...row, [this.#timeColumn]: instant }));
  }

  #entity(row: RowValues, place: string): unknown {
    const whole = row[this.#entityColumn];
    if (whole !== undefined && whole !== null) return typeof whole === 'string' ? wholeEntity(whole, this.#fields) : whole;
    const columns = this.#fields.map((field) => [field, row[`entity.${field}`] ?? row[this.#columnOf.get(field) ?? field]] as const);
    const missing = columns.filter(([, value]) => value === undefined || value === null).map(([field]) => field);
    if (columns.length === 0 || missing.length > 0) {
      const named = this.#fields.map((field) => `entity.${field}`).join(', ');
      throw invalidArgument(
        place,
        `no entity${missing.length === 0 ? '' : `, ${missing.join(', ')} is missing`}: send a column entity_id${named === '' ? '' : `, or ${named}`}`,
      );
    }
    return Object.fromEntries(columns.map(([field, value]) => [field, this.#keys.get(field)?.(value) ?? value]));
  }
}

type ReadValue = ReturnType<typeof compileValue>;

/** A key of one field is its text, whatever it holds; one of several is said as on the command line. */
function wholeEntity(text: string, fields: readonly string[]): AskedEntity {
  return fields.length > 1 ? entityOf(text, fields) : text;
}
