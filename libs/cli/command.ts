import type { RestClient } from '../client/rest-client.js';
import type { Env } from '../config/env.js';

/** Where a command writes, so that tests can read it. */
export interface Terminal {
  /** Standard output: results. */
  out(line: string): void;
  /** Standard error: progress, footers and failures. */
  err(line: string): void;
  /** A person reads what is written to standard output: tables instead of JSON. */
  readonly isPerson?: boolean;
  /** Redraws one line of progress, where standard error is a terminal. */
  progress(line: string): void;
  /** A question that a person answers with yes or no; absent where nobody is there to be asked. */
  ask?(question: string): Promise<boolean>;
}

export interface CommandContext {
  readonly terminal: Terminal;
  readonly client: RestClient;
  /** Base of query-run links; undefined where no web address is known. */
  readonly webUrl: string | undefined;
  /** The program's variables, for what is no matter of the deployment's address; none where it is absent. */
  readonly env?: Env;
  /** Results are for a program: JSON. */
  readonly json?: boolean;
}

/** An answer of the deployment: to programs as JSON, to a person as these lines. */
export function printAnswer({ terminal, json = false }: CommandContext, body: unknown, lines: (body: unknown) => readonly string[]): void {
  if (json || terminal.isPerson !== true) terminal.out(JSON.stringify(body, null, 2));
  else for (const line of lines(body)) terminal.out(line);
}

/** A command by name, before its file is imported. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Imports it, with all that it needs. */
  load(): Promise<Command>;
}

/** A flag of a command. Without `value` it is a switch. */
export interface Flag {
  /** What stands for its value in help, such as FILE. */
  readonly value?: string;
  /** One letter. */
  readonly short?: string;
  /** It may be given several times. */
  readonly many?: true;
  /** What it is for, as help says it. */
  readonly about: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** What was given for each flag. */
export type Given<F extends Flags> = {
  readonly [K in keyof F]: F[K] extends { readonly many: true }
    ? readonly string[] | undefined
    : F[K] extends { readonly value: string }
      ? string | undefined
      : boolean;
};

/** A command as it was called. */
export interface Call<F extends Flags = Flags> {
  readonly positionals: readonly string[];
  readonly flags: Given<F>;
  /** All words behind the command's name, as they were typed. */
  readonly words: readonly string[];
}

export interface Command<F extends Flags = Flags> {
  readonly name: string;
  readonly summary: string;
  /** What stands behind the name in help, such as `FEATURES.ts`. */
  readonly parameters: string;
  /** How many positional words it takes. */
  readonly positionalsMax: number;
  readonly flags: F;
  /** Whole command lines, for help. */
  readonly examples: readonly string[];
  run(call: Call<F>, context: CommandContext): Promise<void>;
}

/** With the types of its flags; what is put into a list with others knows them no more. */
export function command<const F extends Flags>(described: Command<F>): Command {
  return described; // the program gives a command exactly the flags that it describes
}

/** A command that has been imported already. */
export function entryOf(imported: Command): CommandEntry {
  return { name: imported.name, summary: imported.summary, load: () => Promise.resolve(imported) };
}

/** The command was called wrongly: shown with its usage, exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command could not do all that it was asked, and says so in words for its user: exit 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
