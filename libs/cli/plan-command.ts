import type { RestClient } from '../client/rest-client.js';
import { ThymeError } from '../errors/errors.js';
import { estimateBackfills, estimateLines } from './backfill-estimate.js';
import { reachLines, reachOf } from './change-reach.js';
import { command, type CommandContext } from './command.js';
import { moduleArgument, readModule } from './definition-module.js';
import { changeLine, planModule } from './definition-plan.js';
import { errorLine } from './type-check.js';
import { besideTypes, tellUnchecked, TYPE_FLAGS } from './type-flags.js';

export const plan = command({
  name: 'plan',
  summary: 'what a commit of a module would change',
  parameters: 'FEATURES.ts',
  positionalsMax: 1,
  flags: TYPE_FLAGS,
  examples: ['thyme plan features.ts', 'thyme plan features.ts --no-typecheck', 'thyme plan features.ts --json | jq .backfills'],
  async run({ positionals, flags }, context) {
    await planFile(moduleArgument(positionals), context, { checksTypes: !flags['no-typecheck'] });
  },
});

/** Prints the changes, and throws where a commit would be refused, so that scripts see it too. */
export async function planFile(file: string, context: CommandContext, options = { checksTypes: false }): Promise<void> {
  const { client, terminal, json = false } = context;
  const { done, types } = await besideTypes(file, options, () => lookAt(file, client));
  const { base, changes, problems, reach, lookups, estimate } = done;
  const told = { base_revision: base, changes, problems, reach, lookups, backfills: estimate ?? null, types };
  if (json) terminal.out(JSON.stringify(told, null, 2));
  else for (const line of [...changes.map(changeLine), ...reachLines(reach), ...estimateLines(estimate)]) terminal.out(line);
  tellUnchecked(types, context);
  const refused = [
    ...types.errors.map(errorLine),
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

/** All that the deployment tells of a commit of the module. */
async function lookAt(file: string, client: RestClient) {
  const module = await readModule(file);
  const { base_revision: base, changes, problems, backfills } = await planModule(module, client);
  const reach = await reachOf(changes, { client, lookups: module.lookups });
  return { base, changes, problems, reach, lookups: module.lookups, estimate: await estimateBackfills(backfills, client) };
}
