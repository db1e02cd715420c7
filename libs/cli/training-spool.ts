import { createReadStream } from 'node:fs';
import { open, rm, truncate, type FileHandle } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { CommandError, UsageError } from './command.js';

/** Text that is gathered before it is written. */
const BUFFER_LENGTH = 1024 * 1024;

/** What a spool is of: answers of anything else do not belong to it. */
export interface SpoolJob {
  /** One text of all that the answers depend on: the question, the rows and the columns. */
  readonly identity: string;
  /** As of when everything is known, where the rows do not say it themselves. */
  readonly knownAt: string;
}

interface Mark {
  readonly rows: number;
  readonly run: string;
}

interface SpoolState {
  readonly job: SpoolJob;
  readonly rows: number;
  readonly runs: readonly string[];
  /** Bytes up to the last mark. */
  readonly bytes: number;
}

/**
 * Answers on their way into a training set's file, on disk: a first line of the job, a line with an array for each row, and a
 * mark behind the rows of each request, which is on disk before the next request is sent. What stands behind the last mark of a
 * run that was killed is cut off.
 */
export class TrainingSpool {
  readonly path: string;
  readonly job: SpoolJob;
  readonly #handle: FileHandle;
  readonly #runs: string[];
  #rows: number;
  #unmarked = 0;
  #text = '';

  private constructor(path: string, handle: FileHandle, { job, rows, runs }: SpoolState) {
    [this.path, this.#handle, this.job, this.#rows, this.#runs] = [path, handle, job, rows, [...runs]];
  }

  /** Rejects with UsageError where there is one of another job, or one that was not asked to be gone on with. */
  static async open(path: string, job: SpoolJob, resume: boolean): Promise<TrainingSpool> {
    const before = await stateOf(path);
    if (before === undefined) return TrainingSpool.#create(path, job);
    if (!resume) throw new UsageError(`${path} is of a run that did not end: go on with it by --resume, or remove it`);
    if (before.job.identity !== job.identity)
      throw new UsageError(`${path} is of another question, other rows or other features: remove it, and start without --resume`);
    await truncate(path, before.bytes);
    return new TrainingSpool(path, await open(path, 'a'), before);
  }

  static async #create(path: string, job: SpoolJob): Promise<TrainingSpool> {
    const handle = await open(path, 'wx');
    await handle.writeFile(`${JSON.stringify(job)}\n`);
    return new TrainingSpool(path, handle, { job, rows: 0, runs: [], bytes: 0 });
  }

  /** How many rows are answered for good. */
  get rows(): number {
    return this.#rows;
  }

  /** The query runs of the answers, in their order. */
  get runs(): readonly string[] {
    return this.#runs;
  }

  /** The values of one row, as a JSON array. */
  async add(answer: string): Promise<void> {
    this.#text += `${answer}\n`;
    this.#unmarked++;
    if (this.#text.length >= BUFFER_LENGTH) await this.#flush();
  }

  /** What was added is answered for good, by this run. */
  async mark(run: string): Promise<void> {
    if (this.#unmarked === 0) return;
    const mark: Mark = { rows: this.#unmarked, run };
    this.#text += `${JSON.stringify(mark)}\n`;
    await this.#flush();
    await this.#handle.datasync();
    this.#rows += this.#unmarked;
    this.#unmarked = 0;
    if (this.#runs.at(-1) !== run) this.#runs.push(run);
  }

  /** Closes it; it stays, to be read or gone on with. */
  close(): Promise<void> {
    return this.#handle.close();
  }

  /** All answers, in their order. */
  async *answers(): AsyncGenerator<readonly unknown[]> {
    for await (const line of createInterface({ input: createReadStream(this.path), crlfDelay: Number.POSITIVE_INFINITY }))
      if (line.startsWith('[')) yield JSON.parse(line) as readonly unknown[]; // of our own making
  }

  remove(): Promise<void> {
    return rm(this.path, { force: true });
  }

  async #flush(): Promise<void> {
    await this.#handle.writeFile(this.#text);
    this.#text = '';
  }
}

/** Undefined where there is no such file, or one that ended before its first line did. */
async function stateOf(path: string): Promise<SpoolState | undefined> {
  let state: SpoolState | undefined;
  try {
    for await (const { line, end } of markLines(path)) {
      if (state === undefined) state = { job: readJob(line, path), rows: 0, runs: [], bytes: end };
      else {
        const { rows, run } = JSON.parse(line) as Mark;
        state = { ...state, rows: state.rows + rows, runs: state.runs.at(-1) === run ? state.runs : [...state.runs, run], bytes: end };
      }
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  if (state === undefined) await rm(path);
  return state;
}

const LF = 0x0a;
const BRACE = 0x7b;

/** The whole lines that begin with a brace, each with the place behind it; those of answers are passed over unread. */
async function* markLines(path: string): AsyncGenerator<{ readonly line: string; readonly end: number }> {
  let place = 0;
  let pieces: Uint8Array[] | undefined; // of a line that is a mark; undefined inside of another one
  let isStart = true;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let start = 0;
    while (start < chunk.length) {
      if (isStart) pieces = chunk[start] === BRACE ? [] : undefined;
      const found = chunk.indexOf(LF, start);
      const end = found < 0 ? chunk.length : found + 1;
      pieces?.push(chunk.subarray(start, end));
      place += end - start;
      if (found >= 0 && pieces !== undefined) yield { line: Buffer.concat(pieces).toString(), end: place };
      [isStart, start] = [found >= 0, end];
    }
  }
}

function readJob(line: string, path: string): SpoolJob {
  try {
    const job: unknown = JSON.parse(line);
    if (typeof job === 'object' && job !== null && 'identity' in job && 'knownAt' in job) return job as SpoolJob;
  } catch {
    // told below
  }
  throw new CommandError(`${path} is not of a training set: remove it, or name another file by -o`);
}
