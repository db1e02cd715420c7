import { createInterface } from 'node:readline/promises';
import { createEnv } from '../config/env.js';
import { nearestName, ThymeError } from '../errors/errors.js';
import { RestClient, RestError } from '../client/rest-client.js';
import { CommandError, UsageError, type Command, type CommandContext, type CommandEntry, type Terminal } from './command.js';
import { citedRules } from './cited-rules.js';
import { helpOf, readCall, usageOf } from './command-line.js';
import { findFolderKey } from './folder-key.js';
import { VERSION } from './version.js';

/** Where a client looks for a deployment that it was told nothing of. */
const DEFAULT_API_URL = 'http://127.0.0.1:8080';

type Variables = Readonly<Record<string, string | undefined>>;

/** The process's own terminal; progress is drawn only where a person sees it. */
export const processTerminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  isPerson: process.stdout.isTTY,
  err: (line) => void process.stderr.write(`${line}\n`),
  progress: (line) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  },
  ...(process.stdin.isTTY && process.stderr.isTTY ? { ask: askPerson } : {}),
};

async function askPerson(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^\s*y(?:es)?\s*$/i.test(await lines.question(`${question} [y/N] `));
  } finally {
    lines.close();
  }
}

/** Runs one command; gives the exit code: 0, 1 for a failure, 2 for a wrong call. */
export async function runCommand(
  commands: readonly CommandEntry[],
  args: readonly string[],
  variables: Variables,
  terminal: Terminal = processTerminal,
): Promise<number> {
  const [name, ...words] = args;
  const entry = commands.find((candidate) => candidate.name === name);
  if (entry === undefined) return answerWithoutCommand(commands, args, terminal);
  const command = await entry.load();
  try {
    const read = readCall(command, words);
    if (read === 'help') {
      terminal.out(helpOf(command).trimEnd());
      return 0;
    }
    await command.run(read.call, { ...clientContext(variables, terminal, read.url), json: read.json });
    return 0;
  } catch (error) {
    return report(error, command, terminal);
  }
}

async function answerWithoutCommand(
  commands: readonly CommandEntry[],
  [name, about]: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const helped = name === 'help' ? commands.find((candidate) => candidate.name === about) : undefined;
  if (helped !== undefined) {
    terminal.out(helpOf(await helped.load()).trimEnd());
    return 0;
  }
  if (name === '--version' || name === '-V') {
    terminal.out(VERSION);
    return 0;
  }
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    if (name === undefined) terminal.err(commandList(commands));
    else terminal.out(commandList(commands));
    return 0;
  }
  const nearest = nearestName(
    name,
    commands.map((candidate) => candidate.name),
  );
  const what = name.startsWith('-') ? `'${name}' stands behind a command` : `no command is called '${name}'`;
  terminal.err(`${what}${nearest === undefined ? '' : `; did you mean '${nearest}'?`}\n\n${commandList(commands)}`);
  return 2;
}

function clientContext(variables: Variables, terminal: Terminal, url: string | undefined): CommandContext {
  const env = createEnv(variables);
  const apiUrl = url ?? env.optional('THYME_API_URL') ?? env.optional('THYME_API_BASE') ?? DEFAULT_API_URL;
  if (!URL.canParse(apiUrl)) throw new UsageError(`--url ${apiUrl}: write one such as ${DEFAULT_API_URL}`);
  const queryUrl = env.optional('THYME_QUERY_URL');
  const dataDir = env.text('THYME_DATA_DIR', { fallback: '.thyme-data' });
  const client = new RestClient({
    apiUrl,
    ...(queryUrl === undefined || url !== undefined ? {} : { queryUrl }),
    apiKey: env.optional('THYME_API_KEY'),
    keyOf: (of) => findFolderKey(of, dataDir),
  });
  return { terminal, client, webUrl: env.optional('THYME_WEB_URL'), env };
}

function report(error: unknown, command: Command, terminal: Terminal): number {
  if (error instanceof UsageError || (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))) {
    terminal.err(`${(error as Error).message}\n\n  ${usageOf(command)}\n  thyme ${command.name} --help says more`);
    return 2;
  }
  for (const line of failureLines(error)) terminal.err(line);
  return 1;
}

/** A failure in the words of whoever refused, with where the rules stand that they cite; of what nobody expected, where it came from. */
export function failureLines(error: unknown): readonly string[] {
  if (error instanceof RestError || error instanceof ThymeError) {
    // Most messages say all of it already.
    const unsaid = error instanceof ThymeError ? error.violations.filter(({ description }) => !error.message.includes(description)) : [];
    const said = [error.message, ...unsaid.map(({ field, description }) => `  ${field}: ${description}`)];
    return [...said, ...citedRules(said.join('\n'))];
  }
  // What the system says of a file says it all: nobody looks for a missing file in a stack.
  if (error instanceof CommandError || (error instanceof Error && 'syscall' in error)) return [error.message];
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
}

function commandList(commands: readonly CommandEntry[]): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  return [
    'Usage: thyme COMMAND [options]',
    '',
    ...commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    '',
    'thyme COMMAND --help says more of each; thyme --version says which this is.',
  ].join('\n');
}
