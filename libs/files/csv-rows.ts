import { parse, type CsvError, type InfoRecord, type Parser } from 'csv-parse';
import { FileError, REFUSED_TEXT_LENGTH_MAX, ROW_BYTES_MAX, type FileRow, type RowFile, type RowValues } from './row-file.js';
import { Utf8Lines } from './utf8-lines.js';

interface CsvRecord {
  readonly cells: readonly string[];
  /** Lines of the file, counted from 1; both included. */
  readonly firstLine: number;
  readonly lastLine: number;
}

/**
 * CSV with a header: its values are text, and an empty one is absent. What breaks the format (text behind a closing quote, a
 * quote that is never closed) ends the file there, since nobody can say what follows; a row of another length, or one that is
 * not UTF-8, is refused alone.
 */
export async function openCsv(bytes: AsyncIterable<Uint8Array>, path: string, delimiter: string): Promise<RowFile> {
  const lines = new Utf8Lines(path);
  const records = readRecords(lines.checked(bytes), path, delimiter);
  const first = await records.next();
  if (first.done === true) throw new FileError(path, 'is empty: expected a header that names the columns');
  const header = first.value.cells;
  if (lines.takeBroken(first.value.firstLine, first.value.lastLine)) throw new FileError(path, NOT_UTF8, first.value.firstLine);
  checkHeader(header, path, first.value.firstLine);
  return {
    format: 'csv',
    unit: 'line',
    isText: true,
    columns: header.map((name, i) => (name === '' ? `(unnamed column ${i + 1})` : name)),
    rows: (wanted) => csvRows(records, header, lines, wanted),
  };
}

const NOT_UTF8 = 'is not UTF-8: convert the file, for example by iconv -f LATIN1 -t UTF-8';

async function* csvRows(
  records: AsyncIterable<CsvRecord>,
  header: readonly string[],
  lines: Utf8Lines,
  wanted: ReadonlySet<string> | undefined,
): AsyncIterable<FileRow> {
  const columns = header.map((name) => (name !== '' && (wanted?.has(name) ?? true) ? name : undefined));
  for await (const { cells, firstLine: line, lastLine } of records) {
    const refused = (reason: string): FileRow => ({
      kind: 'refused',
      line,
      reason,
      text: cells.join(',').slice(0, REFUSED_TEXT_LENGTH_MAX),
    });
    if (lines.takeBroken(line, lastLine)) yield refused(NOT_UTF8);
    else if (cells.length === header.length) yield { kind: 'row', line, row: rowOf(columns, cells) };
    // A line of blanks between two rows is no row of one field.
    else if (cells.length > 1 || cells[0]?.trim() !== '')
      yield refused(`${cells.length} fields, but the header has ${header.length}: quote fields that hold a comma`);
  }
}

function rowOf(columns: readonly (string | undefined)[], cells: readonly string[]): RowValues {
  const row: Record<string, string> = {};
  for (let i = 0; i < columns.length; i++) {
    const [name, cell] = [columns[i], cells[i]];
    if (name !== undefined && cell !== undefined && cell !== '') define(row, name, cell);
  }
  return row;
}

/** A column called `__proto__` is a column. */
function define(row: Record<string, string>, name: string, value: string): void {
  if (name === '__proto__') Object.defineProperty(row, name, { value, enumerable: true });
  else row[name] = value;
}

function checkHeader(header: readonly string[], path: string, line: number): void {
  const seen = new Set<string>();
  for (const name of header) {
    if (name !== '' && seen.has(name)) throw new FileError(path, `names the column '${name}' twice: rename one of them`, line);
    seen.add(name);
  }
}

/**
 * The parser is fed by hand, chunk by chunk, and its records are taken by `on_record`: a stream that ends in an error throws away what it
 * has parsed and nobody has read yet, and the rows before the error must come (F2).
 */
async function* readRecords(chunks: AsyncIterable<Uint8Array>, path: string, delimiter: string): AsyncGenerator<CsvRecord> {
  const places = new LineCount();
  let parsed: CsvRecord[] = [];
  const parser = parse({
    bom: true,
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: ROW_BYTES_MAX,
    on_record: (cells: readonly string[], { lines }: InfoRecord) => {
      parsed.push({ cells, ...places.next(cells, lines) });
      return null;
    },
  });
  // The error comes by the callback of each write.
  parser.on('error', () => undefined);
  const feed = async function* (chunk: Uint8Array | undefined): AsyncGenerator<CsvRecord> {
    const failure = await fed(parser, chunk);
    yield* parsed;
    parsed = [];
    if (failure !== undefined) throw csvError(failure, path, places);
  };
  for await (const chunk of chunks) yield* feed(chunk);
  yield* feed(undefined);
}

function fed(parser: Parser, chunk: Uint8Array | undefined): Promise<Error | undefined> {
  return new Promise((resolve) => {
    if (chunk !== undefined) {
      parser.write(chunk, (error) => resolve(error ?? undefined));
      return;
    }
    parser.once('error', resolve);
    parser.end(() => resolve(undefined));
    parser.resume();
  });
}

/** The parser counts a CR LF inside quotes as two lines; a record's own breaks are what its cells hold. */
class LineCount {
  #countedTwice = 0;
  /** The line on which the last record ended. */
  lastLine = 0;

  next(cells: readonly string[], parserLine: number): { readonly firstLine: number; readonly lastLine: number } {
    let breaks = 0;
    for (const cell of cells) {
      if (!cell.includes('\n') && !cell.includes('\r')) continue;
      breaks += cell.match(/\r\n|\n|\r/g)?.length ?? 0;
      this.#countedTwice += cell.match(/\r\n/g)?.length ?? 0;
    }
    this.lastLine = this.real(parserLine);
    return { firstLine: this.lastLine - breaks, lastLine: this.lastLine };
  }

  real(parserLine: number): number {
    return parserLine - this.#countedTwice;
  }
}

function csvError(error: Error, path: string, places: LineCount): FileError {
  const { code, lines } = error as Partial<CsvError> & { readonly lines?: unknown };
  const line = typeof lines === 'number' ? places.real(lines) : places.lastLine + 1;
  switch (String(code)) {
    case 'CSV_INVALID_CLOSING_QUOTE':
    case 'CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE':
      return new FileError(path, "has text behind a field's closing quote: double the quotes inside the field", line);
    case 'INVALID_OPENING_QUOTE':
      return new FileError(path, 'has a quote in a field that does not begin with one: quote the whole field, and double it', line);
    case 'CSV_QUOTE_NOT_CLOSED':
      return new FileError(path, 'begins a row whose quoted field is never closed', places.lastLine + 1);
    case 'CSV_MAX_RECORD_SIZE':
      return new FileError(path, `begins a row of more than ${ROW_BYTES_MAX} characters: is a quote never closed?`, places.lastLine + 1);
    default:
      return new FileError(path, error.message, line, { cause: error });
  }
}
