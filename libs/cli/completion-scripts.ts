import type { Command } from './command.js';
import { SHARED_FLAGS } from './command-line.js';

/** A script that completes commands and their flags, and the names of files behind them. */
export type CompletionScript = (commands: readonly Command[]) => string;

export const COMPLETION_SCRIPTS: ReadonlyMap<string, CompletionScript> = new Map([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
]);

function flagsOf(command: Command): readonly string[] {
  return [...Object.keys({ ...command.flags, ...SHARED_FLAGS }).map((name) => `--${name}`), '--help'];
}

function bashScript(commands: readonly Command[]): string {
  const cases = commands.map((command) => `    ${command.name}) words="${flagsOf(command).join(' ')}" ;;`);
  return `_thyme() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')} help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _thyme thyme`;
}

function zshScript(commands: readonly Command[]): string {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(':', '\\:')}`)}`);
  const cases = commands.map((command) => {
    const flags = Object.entries({ ...command.flags, ...SHARED_FLAGS }).map(([name, { about, value, many }]) => {
      const text = about.replaceAll(/[[\]:\\]/g, '\\$&');
      return quoted(`${many === true ? '*' : ''}--${name}[${text}]${value === undefined ? '' : `:${value.replaceAll(':', '\\:')}:_files`}`);
    });
    return `    ${command.name}) _arguments ${[...flags, "'*:file:_files'"].join(' ')} ;;`;
  });
  return `#compdef thyme
_thyme() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
compdef _thyme thyme`;
}

function fishScript(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => [
    `complete -c thyme -n __fish_use_subcommand -f -a ${command.name} -d ${quoted(command.summary)}`,
    ...Object.entries({ ...command.flags, ...SHARED_FLAGS }).map(
      ([name, { about, value, short }]) =>
        `complete -c thyme -n '__fish_seen_subcommand_from ${command.name}' -l ${name}${short === undefined ? '' : ` -s ${short}`}${value === undefined ? '' : ' -r'} -d ${quoted(about)}`,
    ),
  ]);
  return lines.join('\n');
}

/** In single quotes, as all three shells read them: fish and the others differ in how one ends, so none is within. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’')}'`;
}
