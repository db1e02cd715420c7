import { Command as CommanderCommand, CommanderError, Option } from 'commander';
import { UsageError, type Call, type Command, type Flag } from './command.js';

// Commander reads the words of a call and writes a command's help; what a command is called with is described in command.ts.

/** What every command takes. */
export const SHARED_FLAGS: Readonly<Record<string, Flag>> = {
  url: { value: 'URL', about: 'the deployment; THYME_API_URL where it is absent, and else http://127.0.0.1:8080' },
  json: { about: 'prints JSON, for programs, also where a person would see a table' },
};

export interface ReadCall {
  readonly call: Call;
  readonly url: string | undefined;
  readonly json: boolean;
}

/** What a call has to be to run: 'help' where that was asked for. Throws UsageError with what is wrong. */
export function readCall(described: Command, words: readonly string[]): ReadCall | 'help' {
  const parser = parserOf(described);
  try {
    parser.parse([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') return 'help';
    throw new UsageError(error.message.replace(/^error: /, ''), { cause: error });
  }
  const [surplus] = parser.args.slice(described.positionalsMax);
  if (surplus !== undefined) throw new UsageError(`'${surplus}' is one too many`);
  const given: Readonly<Record<string, unknown>> = parser.opts();
  const flags = Object.fromEntries(
    Object.entries(described.flags).map(([name, flag]) => [name, given[name] ?? (flag.value === undefined ? false : undefined)]),
  );
  const { url, json } = given;
  return {
    call: { positionals: parser.args, flags: flags as Call['flags'], words },
    url: typeof url === 'string' ? url : undefined,
    json: json === true,
  };
}

export function helpOf(described: Command): string {
  return parserOf(described).helpInformation() + examplesOf(described);
}

/** How it is called, in one line. */
export function usageOf({ name, parameters }: Command): string {
  return `thyme ${name}${parameters === '' ? '' : ` ${parameters}`} [options]`;
}

function parserOf(described: Command): CommanderCommand {
  const parser = new CommanderCommand(`thyme ${described.name}`)
    .description(described.summary)
    .usage(`${described.parameters}${described.parameters === '' ? '' : ' '}[options]`)
    .helpOption('-h, --help', 'this text')
    .allowExcessArguments(true)
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  for (const [name, flag] of Object.entries({ ...described.flags, ...SHARED_FLAGS })) parser.addOption(optionOf(name, flag));
  return parser;
}

function optionOf(name: string, { value, short, many, about }: Flag): Option {
  const option = new Option(`${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`, about);
  option.attributeName = () => name; // as it is written, and not in camel case
  option.negate = false; // a flag is what it is called, also where that begins with `no-`
  if (many === true) option.argParser((given: string, before: readonly string[] | undefined) => [...(before ?? []), given]);
  return option;
}

function examplesOf({ examples }: Command): string {
  return examples.length === 0 ? '' : `\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}\n`;
}
