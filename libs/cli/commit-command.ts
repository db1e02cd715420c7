import { toBinary, create } from '@bufbuild/protobuf';
import { parseArgs } from 'node:util';
import { CommitRequestSchema } from '../../gen/thyme/v1/registry_pb.js';
import { readDefinitions } from '../definition/check.js';
import type { Definitions } from '../definition/definitions.js';
import { evaluateBundle } from '../definition/evaluate-bundle.js';
import { bundleModule, type Bundle } from '../definition/load-module.js';
import { ThymeError } from '../errors/errors.js';
import { definitionsToProto } from '../wire/definitions.js';
import { UsageError, type Command, type CommandContext } from './command.js';

export const PROTOBUF_TYPE = 'application/protobuf';

export const commit: Command = {
  name: 'commit',
  summary: 'commit a module of definitions',
  usage: 'thyme commit FEATURES.ts [--base-revision N]',
  async run(args, context) {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: { 'base-revision': { type: 'string' } } });
    await commitFile(moduleArgument(positionals), context, baseRevision(values['base-revision']));
  },
};

/** A module of definitions, bundled, evaluated and found to be right. */
export interface DefinitionModule {
  readonly definitions: Definitions;
  readonly bundle: Bundle;
}

/** Throws with all errors of the module at once, each with its place and fix. */
export async function readModule(file: string): Promise<DefinitionModule> {
  const bundle = await bundleModule(file);
  const { definitions } = readDefinitions(evaluateBundle(bundle.code, file));
  refuseEmpty(definitions, file);
  return { definitions, bundle };
}

/** Checks and commits a module; nothing is sent of one with errors. With a base, only where no other commit came since (S19). */
export async function commitFile(file: string, context: CommandContext, base?: bigint): Promise<void> {
  await commitModule(await readModule(file), context, base);
}

export async function commitModule({ definitions, bundle }: DefinitionModule, { client, terminal }: CommandContext, base?: bigint): Promise<void> {
  const request = create(CommitRequestSchema, { definitions: definitionsToProto(definitions), bundle, ...(base === undefined ? {} : { baseRevision: base }) });
  const response = await client.postRaw('/api/v1/commit', Uint8Array.from(toBinary(CommitRequestSchema, request)), PROTOBUF_TYPE);
  const answer = JSON.parse(await response.text()) as { readonly revision?: number | string };
  const { datasets, pipelines, featuresets } = definitions;
  terminal.out(`Committed ${datasets.length} dataset(s), ${pipelines.length} pipeline(s), ${featuresets.length} featureset(s) as revision ${String(answer.revision)}`);
}

/** The one module that a command is about. */
export function moduleArgument(positionals: readonly string[]): string {
  const [file, surplus] = positionals;
  if (file === undefined) throw new UsageError('name the module that declares your features');
  if (surplus !== undefined) throw new UsageError(`'${surplus}' is one too many: a module that imports the others is committed as a whole`);
  return file;
}

function baseRevision(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`--base-revision ${text}: expected the number that \`thyme plan\` told`);
  return BigInt(text);
}

/** A commit is the whole of what there shall be: one of nothing removes everything, which a forgotten `export` must not. */
function refuseEmpty({ datasets, featuresets }: Definitions, file: string): void {
  if (datasets.length + featuresets.length > 0) return;
  throw new ThymeError('THYME_MODULE_EMPTY', 'INVALID_ARGUMENT', `${file}: it exports no dataset and no featureset, and to commit nothing would remove everything: write 'export' in front of the classes`);
}
