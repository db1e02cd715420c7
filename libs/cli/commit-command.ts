import { toBinary, create } from '@bufbuild/protobuf';
import { CommitRequestSchema } from '../../gen/thyme/v1/registry_pb.js';
import { ThymeError } from '../errors/errors.js';
import { definitionsToProto } from '../wire/definitions.js';
import { reachLines, reachOf } from './change-reach.js';
import { command, UsageError, type CommandContext } from './command.js';
import { moduleArgument, PROTOBUF_TYPE, readModule, type DefinitionModule } from './definition-module.js';
import { changeLine, planModule, type PlannedChange } from './definition-plan.js';
import type { ExtractorLookup } from './extractor-rehearsal.js';
import { besideTypes, refuseWrongTypes, tellUnchecked, TYPE_FLAGS } from './type-flags.js';

export const commit = command({
  name: 'commit',
  summary: 'commit a module of definitions',
  parameters: 'FEATURES.ts',
  positionalsMax: 1,
  flags: {
    'base-revision': { value: 'N', about: 'refused where another revision than this is the latest: what `thyme plan` told' },
    remove: { value: 'NAME', many: true, about: 'what the commit may take away: a class, a member, or all' },
    ...TYPE_FLAGS,
  },
  examples: ['thyme commit features.ts', 'thyme commit features.ts --remove OldFeatures'],
  async run({ positionals, flags }, context) {
    const file = moduleArgument(positionals);
    const base = baseRevision(flags['base-revision']);
    const checksTypes = !flags['no-typecheck'];
    const { done: module, types } = await besideTypes(file, { checksTypes }, () => readModule(file));
    tellUnchecked(types, context);
    refuseWrongTypes(types, file);
    await commitModule(module, context, { base, removes: flags.remove ?? [] });
  },
});

export interface CommitOptions {
  /** The revision that it was planned on; absent, it is planned now. */
  readonly base?: bigint | undefined;
  /** What may be removed without asking: names of classes, or of their members, or `all`. */
  readonly removes?: readonly string[];
}

/** Checks and commits a module; nothing is sent of one with errors. Only where no other commit came since the plan (S19). */
export async function commitFile(file: string, context: CommandContext, options: CommitOptions = {}): Promise<void> {
  await commitModule(await readModule(file), context, options);
}

/** Asks before it removes anything that it was not told to; THYME_REMOVAL_UNNAMED where nobody can be asked, or says no. */
export async function commitModule(
  module: DefinitionModule,
  context: CommandContext,
  { base, removes = [] }: CommitOptions = {},
): Promise<void> {
  const { definitions, bundle } = module;
  const { client, terminal, json = false } = context;
  const plan = await planModule(module, client);
  // What would be refused anyway is not asked about.
  const isRefused = plan.problems.length > 0 || plan.changes.some(({ kind }) => kind === 'breaking');
  // Where another commit has come since the base, this plan is of that one's removals: the deployment says what came between.
  const hasMoved = base !== undefined && base !== BigInt(plan.base_revision);
  const agreed = isRefused || hasMoved ? [] : await agreeToRemove(plan.changes, removes, { context, lookups: module.lookups });
  const request = create(CommitRequestSchema, {
    definitions: definitionsToProto(definitions),
    bundle,
    baseRevision: base ?? BigInt(plan.base_revision),
    removes: [...removes, ...agreed],
  });
  const response = await client.postRaw('/api/v1/commit', Uint8Array.from(toBinary(CommitRequestSchema, request)), PROTOBUF_TYPE);
  const answer = JSON.parse(await response.text()) as { readonly revision?: number | string };
  const { datasets, pipelines, featuresets } = definitions;
  const committed = json
    ? JSON.stringify(answer, null, 2)
    : `Committed ${datasets.length} dataset(s), ${pipelines.length} pipeline(s), ${featuresets.length} featureset(s) as revision ${String(answer.revision)}`;
  terminal.out(committed);
}

/** The names that a person agreed to. */
async function agreeToRemove(
  changes: readonly PlannedChange[],
  removes: readonly string[],
  { context: { client, terminal }, lookups }: { readonly context: CommandContext; readonly lookups: readonly ExtractorLookup[] },
): Promise<readonly string[]> {
  const isNamed = (place: string): boolean => removes.some((name) => name === 'all' || name === place || place.startsWith(`${name}.`));
  const unnamed = changes.filter(({ kind, subject }) => kind === 'removed' && !isNamed(subject));
  if (unnamed.length === 0) return [];
  terminal.err('This commit removes:');
  for (const change of unnamed) terminal.err(`  ${changeLine(change)}`);
  for (const line of reachLines(await reachOf(unnamed, { client, lookups }))) terminal.err(line);
  if ((await terminal.ask?.('Remove them?')) === true) return unnamed.map(({ subject }) => subject);
  const flags = unnamed.map(({ subject }) => `--remove ${subject}`);
  throw new ThymeError(
    'THYME_REMOVAL_UNNAMED',
    'FAILED_PRECONDITION',
    `Nothing was committed: keep what is listed in the module, or name what shall go: ${[...new Set(flags)].join(' ')}, or --remove all`,
  );
}

function baseRevision(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`--base-revision ${text}: expected the number that \`thyme plan\` told`);
  return BigInt(text);
}
