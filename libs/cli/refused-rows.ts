import { open, type FileHandle } from 'node:fs/promises';
import type { RowOrigin } from '../files/row-file.js';
import { CommandError, type Terminal } from './command.js';

/** Refusals that are told one by one; all of them are in the file. */
const TOLD_MAX = 10;

export interface RefusedRow {
  readonly line: number;
  readonly reason: string;
  /** The row as JSON, or, where it was none, what stood there. */
  readonly row?: string | undefined;
  readonly text?: string | undefined;
  /** As whose sequence it was pushed: pushed again from the file of refused rows, it is the same row (S13). */
  readonly origin?: RowOrigin | undefined;
}

export interface RefusedRowsOptions {
  /** `FILE.rejected.ndjson`, made at the first refusal. */
  readonly path: string;
  /** What was there before stays: the rows before those of this run. */
  readonly append: boolean;
  /** `FILE:LINE`. */
  readonly place: (line: number) => string;
  readonly terminal: Terminal;
}

/** Where refused rows go, each with its line, the reason and the row: mended there, that file is pushed like any other. */
export class RefusedRows {
  readonly #options: RefusedRowsOptions;
  #file: FileHandle | undefined;
  #count = 0;

  constructor(options: RefusedRowsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#count;
  }

  get path(): string {
    return this.#options.path;
  }

  /** In the order of their lines. Rejects with CommandError where the file cannot be written. */
  async add(rows: readonly RefusedRow[]): Promise<void> {
    if (rows.length === 0) return;
    for (const { line, reason } of rows) {
      if (this.#count++ < TOLD_MAX) this.#options.terminal.err(`${this.#options.place(line)}: ${reason}`);
    }
    try {
      this.#file ??= await open(this.#options.path, this.#options.append ? 'a' : 'w');
      await this.#file.write(rows.map(entryOf).join(''));
    } catch (cause) {
      throw new CommandError(`${this.#options.path}: cannot be written: name another place by --rejected FILE`, { cause });
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    if (this.#count > TOLD_MAX) this.#options.terminal.err(`... and ${this.#count - TOLD_MAX} more`);
  }
}

function entryOf({ line, reason, row, text, origin }: RefusedRow): string {
  const rest = JSON.stringify({
    line,
    reason,
    producer_id: origin?.producerId,
    sequence: origin?.sequence,
    text: row === undefined ? text : undefined,
  });
  return row === undefined ? `${rest}\n` : `${rest.slice(0, -1)},"row":${row}}\n`;
}
