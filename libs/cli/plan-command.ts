import { create, toBinary } from '@bufbuild/protobuf';
import { parseArgs } from 'node:util';
import { PlanRequestSchema } from '../../gen/thyme/v1/registry_pb.js';
import { ThymeError } from '../errors/errors.js';
import { definitionsToProto } from '../wire/definitions.js';
import type { Command, CommandContext } from './command.js';
import { moduleArgument, PROTOBUF_TYPE, readModule } from './commit-command.js';

/** POST /api/v1/plan. */
interface Plan {
  readonly base_revision: number;
  readonly changes: readonly { readonly kind: string; readonly subject: string; readonly detail: string }[];
  readonly problems: readonly { readonly place: string; readonly message: string; readonly fix: string }[];
}

/** What stands before a line, as in a diff. */
const SIGNS: ReadonlyMap<string, string> = new Map([['added', '+'], ['removed', '-'], ['changed', '~'], ['needs_backfill', '~'], ['breaking', '!']]);

export const plan: Command = {
  name: 'plan',
  summary: 'what a commit of a module would change',
  usage: 'thyme plan FEATURES.ts',
  async run(args, context) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} });
    await planFile(moduleArgument(positionals), context);
  },
};

/** Prints the changes, and throws where a commit would be refused, so that scripts see it too. */
export async function planFile(file: string, { client, terminal }: CommandContext): Promise<void> {
  const { definitions, bundle } = await readModule(file);
  const request = create(PlanRequestSchema, { definitions: definitionsToProto(definitions), bundle });
  const response = await client.postRaw('/api/v1/plan', Uint8Array.from(toBinary(PlanRequestSchema, request)), PROTOBUF_TYPE);
  const { base_revision: base, changes, problems } = JSON.parse(await response.text()) as Plan;
  for (const { kind, subject, detail } of changes) terminal.out(`${SIGNS.get(kind) ?? '?'} ${kind.replace('_', ' ')}  ${subject}: ${detail}`);
  const refused = [
    ...problems.map(({ place, message, fix }) => `${place}: ${message}; ${fix}`),
    ...changes.filter(({ kind }) => kind === 'breaking').map(({ subject, detail }) => `${subject}: ${detail}`),
  ];
  if (refused.length > 0) throw new ThymeError('THYME_PLAN_REFUSED', 'FAILED_PRECONDITION', `A commit would be refused:\n${refused.map((line) => `  ${line}`).join('\n')}`);
  terminal.out(changes.length === 0 ? `Nothing would change: revision ${base} is this module` : `Planned on revision ${base}: \`thyme commit ${file} --base-revision ${base}\` commits just this`);
}
