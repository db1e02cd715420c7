// Pushes the rows of a file, each once.
//
//   ../files/       - rows of CSV, NDJSON, parquet and Arrow files
//   file-events.ts  - makes events of rows, by the types of the dataset's fields; file-changes.ts - and changes of rows
//   file-columns.ts - what the file has that the dataset has not, and the other way round
//   file-producer.ts - as whose sequence each row is pushed
//   file-times.ts  - the newest event time of a file
//   push-options.ts - what was asked, and how to go on
//   refused-rows.ts - the file of refused rows
//   reader-books.ts - what was late, or there before
//
// Invariants:
//   P1. A row has the same producer and sequence whenever the file is pushed, however it is cut into requests, and also out of the
//       file of refused rows: it counts once (S13).
//   P2. A request holds rows of one producer with consecutive sequences, in the file's order, within limits of number and bytes.
//   P3. Requests go one after the other: where one fails, all rows before it were taken.
import { hasRoom, pushEvents, type PushAnswer } from '../client/push.js';
import { RestError } from '../client/rest-client.js';
import { contentHash } from '../files/content-hash.js';
import { isRegularFile, openRows, STANDARD_INPUT } from '../files/open-rows.js';
import { FileError, ROW_BYTES_MAX, type FileRow, type RowFile, type RowOrigin } from '../files/row-file.js';
import { systemClock } from '../time/clock.js';
import { CommandError, UsageError, type CommandContext } from './command.js';
import { columnsToRead, IgnoredColumns } from './file-columns.js';
import { compileFileEvents, EventError, type DatasetStatus, type FileEvent } from './file-events.js';
import { refuseColumnsOfEnvelopes, withChangeFields } from './file-changes.js';
import { sequenceOfRow } from './file-producer.js';
import { timeRange, type TimeRange } from './file-times.js';
import { commandLine, howToMend, type PushFileOptions } from './push-options.js';
import { BookKeeper, type ReaderBooks } from './reader-books.js';
import { RefusedRows, type RefusedRow } from './refused-rows.js';

const PROGRESS_CELLS = 30;

/** Times that a push is sent again after no answer, or one that asks for patience; each wait is twice the one before. */
const RETRIES_MAX = 5;
const RETRY_MS = 200;
const PATIENCE: readonly number[] = [0, 429, 503, 504];

/**
 * Pushes a file's rows in order and says how many; resolves to a token that covers all of them (S21). Rejects with UsageError
 * where nothing was sent, with CommandError where rows were refused or the file broke off, and says how to go on.
 */
export async function pushFile(options: PushFileOptions, context: CommandContext): Promise<string | undefined> {
  const dataset = await datasetStatus(options.dataset, context);
  try {
    const range = options.shiftToNowUs === undefined ? undefined : await timeRange(options, dataset);
    const file = await openRows(options.input, options);
    if (dataset.cdc === 'debezium')
      refuseColumnsOfEnvelopes(dataset, {
        path: options.input,
        hasColumns: file.columns !== undefined,
        isRenamed: options.renames.size > 0,
        isShifted: options.shiftToNowUs !== undefined,
      });
    const producerId = options.producerId ?? ((await isRegularFile(options.input)) ? await contentHash(options.input) : undefined);
    return await new FilePush({ options, dataset, file, producerId, range, context }).run();
  } catch (error) {
    if (error instanceof FileError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

interface FilePushParts {
  readonly options: PushFileOptions;
  readonly dataset: DatasetStatus;
  readonly file: RowFile;
  readonly producerId: string | undefined;
  readonly range: TimeRange | undefined;
  readonly context: CommandContext;
}

/** A row on its way. */
interface PendingRow {
  readonly line: number;
  /** JSON: the event, or, of a row that cannot be one, a text that the deployment refuses in its place, so that it uses up its sequence. */
  readonly event: string;
  readonly origin: RowOrigin | undefined;
  readonly refused?: Omit<RefusedRow, 'line' | 'origin'>;
}

class FilePush {
  readonly #parts: FilePushParts;
  readonly #refused: RefusedRows;
  readonly #ignored: IgnoredColumns;
  readonly #eventOf: (row: Readonly<Record<string, unknown>>) => FileEvent;
  readonly #books: BookKeeper;
  #batch: PendingRow[] = [];
  #batchBytes = 0;
  #sent = 0;
  #token: string | undefined;

  constructor(parts: FilePushParts) {
    this.#parts = parts;
    const { options, dataset, file, range, context } = parts;
    const name = options.input === STANDARD_INPUT ? 'stdin' : options.input;
    this.#refused = new RefusedRows({
      path: options.rejected ?? `${name}.rejected.ndjson`,
      append: options.fromLine !== undefined,
      place: (line) => this.#place(line),
      terminal: context.terminal,
    });
    this.#ignored = new IgnoredColumns(options.input, dataset.name, context.terminal);
    const shiftUs = range === undefined ? 0 : (options.shiftToNowUs ?? 0) - range.newestUs;
    this.#eventOf = compileFileEvents({ dataset, renames: options.renames, shiftUs, isText: file.isText });
    this.#books = new BookKeeper(context.client, dataset);
  }

  async run(): Promise<string | undefined> {
    const { options, dataset, file, context } = this.#parts;
    const wanted = columnsToRead(file.columns, { path: options.input, dataset, renames: options.renames, ignored: this.#ignored });
    await this.#books.open();
    try {
      await this.#pushRows(file.rows(wanted));
    } finally {
      await this.#refused.close();
      this.#ignored.tell();
    }
    const books = this.#sent === 0 ? undefined : await this.#books.close(systemClock);
    context.terminal.out(context.json === true ? this.#lastJson(books) : this.#lastLine(books));
    if (this.#token !== undefined) context.terminal.err(`Token: ${this.#token}`);
    if (this.#refused.count > 0) throw new CommandError(howToMend(this.#refused, options, this.#parts.producerId));
    return this.#token;
  }

  async #pushRows(rows: AsyncIterable<FileRow>): Promise<void> {
    const { fromLine = 1, limit } = this.#parts.options;
    let index = -1;
    let taken = 0;
    try {
      for await (const row of rows) {
        index++;
        if (row.line < fromLine) continue;
        if (taken++ >= limit) break;
        const pending = this.#pending(row, index);
        if (!this.#isNext(pending)) await this.#flush();
        this.#batch.push(pending);
        this.#batchBytes += Buffer.byteLength(pending.event);
      }
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await this.#flush();
      throw index < 0 ? error : this.#cutShort(error, error.line);
    }
    await this.#flush();
  }

  #pending(row: FileRow, index: number): PendingRow {
    const origin = (row.kind === 'row' ? row.origin : undefined) ?? sequenceOfRow(this.#parts.producerId, index);
    const refusal = (refused: PendingRow['refused'] & object): PendingRow => ({
      line: row.line,
      event: JSON.stringify(refused.text ?? refused.reason),
      origin,
      refused,
    });
    if (row.kind === 'refused') {
      const asJson = row.row === undefined ? undefined : this.#jsonOf(row.row);
      return refusal({ reason: row.reason, text: row.text, row: asJson });
    }
    try {
      const { text, ignored } = this.#eventOf(row.row);
      this.#ignored.add(ignored);
      const bytes = Buffer.byteLength(text);
      if (bytes <= ROW_BYTES_MAX) return { line: row.line, event: text, origin };
      return refusal({ reason: `a row of ${bytes} bytes is over the limit of ${ROW_BYTES_MAX}`, text: text.slice(0, 1_000) });
    } catch (error) {
      if (!(error instanceof EventError)) throw error;
      return refusal({ reason: error.message, text: JSON.stringify(row.row) });
    }
  }

  /** What could be read of a row that cannot be an event, for the person who mends it. */
  #jsonOf(row: Readonly<Record<string, unknown>>): string | undefined {
    try {
      return this.#eventOf(row).text;
    } catch {
      return undefined;
    }
  }

  /** P2 */
  #isNext({ event, origin }: PendingRow): boolean {
    const [first] = this.#batch;
    if (first === undefined) return true;
    const isConsecutive =
      origin?.producerId === first.origin?.producerId && origin?.sequence === (first.origin && first.origin.sequence + this.#batch.length);
    return isConsecutive && hasRoom(this.#batch.length, this.#batchBytes, Buffer.byteLength(event));
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#batchBytes = 0;
    const answer = await this.#send(batch);
    this.#sent += answer.eventsSent;
    this.#token = answer.token ?? this.#token;
    const { context, options, range } = this.#parts;
    context.terminal.progress(bar(this.#sent, range?.rows));
    const refused = refusedRows(batch, answer);
    await this.#refused.add(options.strict === true ? refused.slice(0, 1) : refused);
    if (options.strict === true && refused[0] !== undefined) throw this.#cutShort(undefined, refused[0].line);
  }

  async #send(batch: readonly PendingRow[]): Promise<PushAnswer> {
    const { dataset, options, context } = this.#parts;
    const origin = batch[0]?.origin;
    const push = {
      dataset: dataset.name,
      events: batch.map(({ event }) => event),
      historical: options.historical,
      producerId: origin?.producerId,
      sequence: origin?.sequence,
      after: this.#token,
    };
    for (let attempt = 0; ; attempt++) {
      try {
        return await pushEvents(context.client, push);
      } catch (error) {
        if (!(error instanceof RestError)) throw error;
        // Sent again it counts once, but only where it has sequences.
        const isWorthIt = PATIENCE.includes(error.status) && origin !== undefined && attempt < RETRIES_MAX;
        if (!isWorthIt) throw this.#cutShort(error, batch[0]?.line);
        await systemClock.sleep(RETRY_MS * 2 ** attempt, new AbortController().signal);
      }
    }
  }

  /** What was sent, and how to go on from the line; without one from the start, since no row counts twice. */
  #cutShort(cause: Error | undefined, line: number | undefined): CommandError {
    const { options, producerId, dataset } = this.#parts;
    const where = line === undefined ? '' : ` Mend it and go on from ${this.#place(line)}:`;
    const doubled = producerId === undefined ? '. Rows of the last request may have been taken behind it' : ', and no row counts twice';
    const sent = `${this.#sent} events were sent to ${dataset.name}${doubled}.${where}`;
    const again = commandLine({ ...options, producerId, fromLine: line });
    return new CommandError([...(cause === undefined ? [] : [cause.message]), sent, `  ${again}`].join('\n'), { cause });
  }

  #place(line: number): string {
    const { options, file } = this.#parts;
    return file.unit === 'line' ? `${options.input}:${line}` : `${options.input}: row ${line}`;
  }

  #lastJson(books: ReaderBooks | undefined): string {
    const counts = { refused: this.#refused.count, late: books?.late ?? 0, duplicate: books?.duplicate ?? 0 };
    return JSON.stringify({ dataset: this.#parts.dataset.name, sent: this.#sent, ...counts, token: this.#token ?? null }, null, 2);
  }

  #lastLine(books: ReaderBooks | undefined): string {
    const parts = [`${this.#sent} events sent to ${this.#parts.dataset.name}`];
    if (this.#refused.count > 0) parts.push(`${this.#refused.count} refused`);
    if (books !== undefined && books.late > 0) parts.push(`${books.late} late`);
    if (books !== undefined && books.outdated > 0) parts.push(`${books.outdated} older than what their rows are`);
    if (books !== undefined && books.duplicate > 0) parts.push(`${books.duplicate} taken before and counted once`);
    if (this.#ignored.count > 0) parts.push(`${this.#ignored.count} column${this.#ignored.count === 1 ? '' : 's'} ignored`);
    return parts.join(', ');
  }
}

function refusedRows(batch: readonly PendingRow[], { refused }: PushAnswer): RefusedRow[] {
  return refused.flatMap(({ index, error }): RefusedRow[] => {
    const row = batch[index];
    if (row === undefined) return [];
    const { line, origin, event } = row;
    return [{ line, origin, ...(row.refused ?? { reason: error, row: event }) }];
  });
}

async function datasetStatus(name: string, { client }: CommandContext): Promise<DatasetStatus> {
  const { body } = await client.get('/api/v1/status');
  const dataset = (body as { readonly datasets: readonly DatasetStatus[] }).datasets.find((candidate) => candidate.name === name);
  if (dataset === undefined) throw new UsageError(`no dataset is called '${name}': \`thyme status\` lists them`);
  return withChangeFields(dataset);
}

function bar(sent: number, total: number | undefined): string {
  if (total === undefined || total === 0) return `${sent} events`;
  const done = Math.min(PROGRESS_CELLS, Math.round((sent / total) * PROGRESS_CELLS));
  return `[${'#'.repeat(done)}${'.'.repeat(PROGRESS_CELLS - done)}] ${sent}/${total} events`;
}
