import { ThymeError } from '../errors/errors.js';
import { reachLines, reachOf } from './change-reach.js';
import { command, type CommandContext } from './command.js';
import { moduleArgument, readModule } from './definition-module.js';
import { changeLine, planModule } from './definition-plan.js';

export const plan = command({
  name: 'plan',
  summary: 'what a commit of a module would change',
  parameters: 'FEATURES.ts',
  positionalsMax: 1,
  flags: {},
  examples: ['thyme plan features.ts'],
  async run({ positionals }, context) {
    await planFile(moduleArgument(positionals), context);
  },
});

/** Prints the changes, and throws where a commit would be refused, so that scripts see it too. */
export async function planFile(file: string, { client, terminal, json = false }: CommandContext): Promise<void> {
  const { base_revision: base, changes, problems } = await planModule(await readModule(file), client);
  const reach = await reachOf(changes, client);
  if (json) terminal.out(JSON.stringify({ base_revision: base, changes, problems, reach }, null, 2));
  else for (const line of [...changes.map(changeLine), ...reachLines(reach)]) terminal.out(line);
  const refused = [
    ...problems.map(({ place, message, fix }) => `${place}: ${message}; ${fix}`),
    ...changes.filter(({ kind }) => kind === 'breaking').map(({ subject, detail }) => `${subject}: ${detail}`),
  ];
  if (refused.length > 0)
    throw new ThymeError(
      'THYME_PLAN_REFUSED',
      'FAILED_PRECONDITION',
      `A commit would be refused:\n${refused.map((line) => `  ${line}`).join('\n')}`,
    );
  if (json) return;
  const removes = [...new Set(changes.filter(({ kind }) => kind === 'removed').map(({ subject }) => ` --remove ${subject}`))].join('');
  terminal.out(
    changes.length === 0
      ? `Nothing would change: revision ${base} is this module`
      : `Planned on revision ${base}: \`thyme commit ${file} --base-revision ${base}${removes}\` commits just this`,
  );
}
