import type { RestClient } from '../client/rest-client.js';

/** Where a command writes, so that tests can read it. */
export interface Terminal {
  /** Standard output: results. */
  out(line: string): void;
  /** Standard error: progress, footers and failures. */
  err(line: string): void;
  /** Redraws one line of progress, where standard error is a terminal. */
  progress(line: string): void;
}

export interface CommandContext {
  readonly terminal: Terminal;
  readonly client: RestClient;
  /** Base of query-run links; undefined where no web address is known. */
  readonly webUrl: string | undefined;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  run(args: readonly string[], context: CommandContext): Promise<void>;
}

/** The command was called wrongly: shown with its usage, exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
