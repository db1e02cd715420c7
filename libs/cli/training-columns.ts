import { exactNumber, ExactNumber } from '../codec/exact-json.js';
import { roundedTime } from '../files/field-values.js';
import type { RowValues } from '../files/row-file.js';
import type { ColumnKind, TableColumn, TableRow } from '../files/table.js';
import { formatTimestamp, parseTimestamp } from '../time/timestamp.js';
import { UsageError } from './command.js';
import type { FeaturesetShape } from './entity-argument.js';

/** Columns of a spine: of NDJSON every row may bring others. */
const COLUMNS_MAX = 1_000;
/** When what was answered was known (S22). */
export const KNOWN_AT = 'known_at';

const INT = /^-?(?:0|[1-9]\d*)$/;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const INSTANT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const INT64_DIGITS_MAX = 18;
const PRECEDENCE: readonly ColumnKind[] = ['bool', 'int', 'float', 'timestamp', 'bytes', 'text'];

/** What the columns of a spine hold, found by looking at every row: one that all of its values have, else JSON. */
export class ColumnSurvey {
  readonly #isText: boolean;
  readonly #kinds = new Map<string, readonly ColumnKind[]>();

  /** `columns`: those of a header or schema, in their order. */
  constructor(columns: readonly string[] | undefined, isText: boolean) {
    this.#isText = isText;
    for (const name of columns ?? []) this.#kinds.set(name, PRECEDENCE);
  }

  see(row: RowValues): void {
    for (const [name, value] of Object.entries(row)) {
      const before = this.#kinds.get(name) ?? PRECEDENCE;
      const kinds = isNull(value, this.#isText) ? PRECEDENCE : kindsOf(value, this.#isText);
      this.#kinds.set(name, before === kinds ? before : before.filter((kind) => kinds.includes(kind)));
    }
    if (this.#kinds.size > COLUMNS_MAX) throw new UsageError(`the rows have more than ${COLUMNS_MAX} columns`);
  }

  get columns(): readonly TableColumn[] {
    return [...this.#kinds].map(([name, kinds]) => ({ name, kind: kinds === PRECEDENCE ? 'text' : (kinds[0] ?? 'json') }));
  }
}

function isNull(value: unknown, isText: boolean): boolean {
  return value === null || value === undefined || (isText && value === '');
}

function kindsOf(value: unknown, isText: boolean): readonly ColumnKind[] {
  if (typeof value === 'string') return INSTANT.test(value) ? INSTANT_KINDS : isText ? kindsOfText(value) : TEXT_KINDS;
  if (typeof value === 'boolean') return BOOL_KINDS;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? INT_KINDS : FLOAT_KINDS;
  if (value instanceof ExactNumber) return isInt64(value.text) ? ['int', 'text'] : TEXT_KINDS;
  return value instanceof Uint8Array ? BYTES_KINDS : [];
}

const [BOOL_KINDS, FLOAT_KINDS, BYTES_KINDS, TEXT_KINDS] = [['bool'], ['float'], ['bytes'], ['text']] as const;
const INT_KINDS = ['int', 'float'] as const;
const INSTANT_KINDS = ['timestamp', 'text'] as const;

/** CSV knows text alone: only what reads back as it was written is taken for something else. */
function kindsOfText(text: string): readonly ColumnKind[] {
  if (/^(?:true|false)$/i.test(text)) return ['bool', 'text'];
  if (INT.test(text))
    return isInt64(text) ? (typeof exactNumber(text) === 'number' ? ['int', 'float', 'text'] : ['int', 'text']) : TEXT_KINDS;
  return NUMBER.test(text) && typeof exactNumber(text) === 'number' ? ['float', 'text'] : TEXT_KINDS;
}

function isInt64(text: string): boolean {
  return INT.test(text) && text.replace('-', '').length <= INT64_DIGITS_MAX;
}

export interface LayoutOptions {
  readonly shape: FeaturesetShape;
  /** What the spine's columns hold. */
  readonly spine: readonly TableColumn[];
  readonly isText: boolean;
  /** The column of the spine's instants, and those that say an entity. */
  readonly timestamp: string;
  readonly entity: ReadonlySet<string>;
}

/** The columns of a training set: those of the spine in their order, then `known_at`, then the features that the spine has not. */
export class TrainingLayout {
  readonly columns: readonly TableColumn[];
  readonly #spine: readonly TableColumn[];
  readonly #options: LayoutOptions;
  /** Places of the features in an answer that get a column. */
  readonly #features: readonly number[];

  /** Throws UsageError where a column of the spine has the name of a feature that is computed. */
  constructor(options: LayoutOptions) {
    const { shape, spine } = options;
    this.#options = options;
    const given = new Set([...shape.inputs.keys(), ...shape.keys.keys(), ...options.entity]);
    const names = new Set(spine.map(({ name }) => name));
    for (const name of [KNOWN_AT, ...shape.features.keys()])
      if (names.has(name) && !given.has(name))
        throw new UsageError(
          `the column '${name}' has the name of ${name === KNOWN_AT ? 'what is told of each row' : 'a feature'}: rename it`,
        );
    this.#spine = spine.map((column) => ({ name: column.name, kind: this.#kindOf(column) }));
    const features = [...shape.features].map(([name, dtype], place) => ({ name, kind: kindOfDtype(dtype), place }));
    const told = features.filter(({ name }) => !names.has(name));
    this.#features = told.map(({ place }) => place);
    this.columns = [...this.#spine, { name: KNOWN_AT, kind: 'timestamp' }, ...told.map(({ name, kind }) => ({ name, kind }))];
  }

  /** The row of the file for one of the spine, and what was answered, in the order of the featureset's features. */
  rowOf(spine: RowValues, knownAt: string | undefined, answer: readonly unknown[]): TableRow {
    const cells = this.#spine.map(({ name, kind }) => this.#cell(kind, spine[name]));
    const time = cells[this.#spine.findIndex(({ name }) => name === this.#options.timestamp)];
    return [...cells, knownAt ?? time, ...this.#features.map((place) => answer[place])];
  }

  #kindOf({ name, kind }: TableColumn): ColumnKind {
    const { shape, timestamp, entity } = this.#options;
    if (name === timestamp) return 'timestamp';
    const input = shape.inputs.get(name);
    if (input !== undefined) return kindOfDtype(input);
    const key = shape.keys.get(name) ?? (entity.has(name) && shape.entity.length === 1 ? [...shape.keys.values()][0] : undefined);
    return key === 'str' ? 'text' : kind; // ids keep their zeros: 007
  }

  #cell(kind: ColumnKind, value: unknown): unknown {
    const { isText } = this.#options;
    if (isNull(value, isText)) return null;
    if (kind === 'timestamp') return formatTimestamp(instantUs(value));
    if (!isText || typeof value !== 'string') return value;
    if (kind === 'bool') return value.toLowerCase() === 'true';
    if (kind === 'float') return Number(value);
    return kind === 'int' ? exactNumber(value) : value;
  }
}

/** µs of a value of a file. Throws where it is none. */
export function instantUs(value: unknown): number {
  const said = typeof value === 'string' && /^-?[\d.]+[eE][+-]?\d+$/.test(value) ? Number(value) : value;
  return parseTimestamp(said instanceof ExactNumber ? said.text : roundedTime(said));
}

function kindOfDtype(dtype: string): ColumnKind {
  return KINDS.get(dtype) ?? (dtype === 'dict' || dtype.startsWith('list[') ? 'json' : 'text');
}

/** By the words of `/api/v1/featuresets`; decimals are text, which keeps every digit, as over REST. */
const KINDS: ReadonlyMap<string, ColumnKind> = new Map([
  ['int', 'int'],
  ['float', 'float'],
  ['bool', 'bool'],
  ['datetime', 'timestamp'],
  ['date', 'date'],
  ['bytes', 'bytes'],
]);
