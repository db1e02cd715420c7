import { command, UsageError, type Command, type CommandEntry } from './command.js';
import { COMPLETION_SCRIPTS } from './completion-scripts.js';

/** The command that completes these, itself among them. */
export function completionOf(commands: readonly CommandEntry[]): Command {
  return command({
    name: 'completion',
    summary: 'a script by which a shell completes commands and flags',
    parameters: 'bash|zsh|fish',
    positionalsMax: 1,
    flags: {},
    examples: ['source <(thyme completion bash)', 'thyme completion fish > ~/.config/fish/completions/thyme.fish'],
    async run({ positionals: [shell] }, { terminal }) {
      const script = COMPLETION_SCRIPTS.get(shell ?? '');
      if (script === undefined) throw new UsageError(`say for which shell: ${[...COMPLETION_SCRIPTS.keys()].join(', ')}`);
      terminal.out(script(await Promise.all(commands.map((entry) => entry.load()))));
    },
  });
}
