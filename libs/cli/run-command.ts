import { createEnv } from '../config/env.js';
import { ThymeError } from '../errors/errors.js';
import { RestClient, RestError } from '../client/rest-client.js';
import { UsageError, type Command, type CommandContext, type Terminal } from './command.js';

/** Where a client looks for a deployment that it was told nothing of. */
const DEFAULT_API_URL = 'http://127.0.0.1:8080';

/** The process's own terminal; progress is drawn only where a person sees it. */
export const processTerminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  progress: (line) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  },
};

/** Runs one command; gives the exit code: 0, 1 for a failure, 2 for a wrong call. */
export async function runCommand(commands: readonly Command[], args: readonly string[], variables: Readonly<Record<string, string | undefined>>, terminal: Terminal = processTerminal): Promise<number> {
  const [name, ...rest] = args;
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) {
    terminal.err(usageOf(commands));
    return name === undefined || name === 'help' || name === '--help' ? 0 : 2;
  }
  if (rest.includes('--help')) {
    terminal.out(`${command.summary}\n\n  ${command.usage}`);
    return 0;
  }
  try {
    await command.run(rest, clientContext(variables, terminal));
    return 0;
  } catch (error) {
    return report(error, command, terminal);
  }
}

function clientContext(variables: Readonly<Record<string, string | undefined>>, terminal: Terminal): CommandContext {
  const env = createEnv(variables);
  const apiUrl = env.optional('THYME_API_URL') ?? env.optional('THYME_API_BASE') ?? DEFAULT_API_URL;
  const queryUrl = env.optional('THYME_QUERY_URL');
  const apiKey = env.optional('THYME_API_KEY');
  const client = new RestClient({ apiUrl, ...(queryUrl === undefined ? {} : { queryUrl }), ...(apiKey === undefined ? {} : { apiKey }) });
  return { terminal, client, webUrl: env.optional('THYME_WEB_URL') };
}

function report(error: unknown, command: Command, terminal: Terminal): number {
  if (error instanceof UsageError || (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))) {
    terminal.err(`${(error as Error).message}\n\n  ${command.usage}`);
    return 2;
  }
  for (const line of failureLines(error)) terminal.err(line);
  return 1;
}

/** A failure in the words of whoever refused; of what nobody expected, where it came from. */
export function failureLines(error: unknown): readonly string[] {
  if (error instanceof RestError || error instanceof ThymeError) {
    // Most messages say all of it already.
    const unsaid = error instanceof ThymeError ? error.violations.filter(({ description }) => !error.message.includes(description)) : [];
    return [error.message, ...unsaid.map(({ field, description }) => `  ${field}: ${description}`)];
  }
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
}

function usageOf(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  return ['Usage: thyme COMMAND [options]', '', ...commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`)].join('\n');
}
