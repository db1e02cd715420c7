import { toBinary, create } from '@bufbuild/protobuf';
import { parseArgs } from 'node:util';
import { CommitRequestSchema } from '../../gen/thyme/v1/registry_pb.js';
import { readDefinitions } from '../definition/check.js';
import type { Definitions } from '../definition/definitions.js';
import { evaluateBundle } from '../definition/evaluate-bundle.js';
import { bundleModule } from '../definition/load-module.js';
import { ThymeError } from '../errors/errors.js';
import { definitionsToProto } from '../wire/definitions.js';
import { UsageError, type Command, type CommandContext } from './command.js';

const PROTOBUF_TYPE = 'application/protobuf';

export const commit: Command = {
  name: 'commit',
  summary: 'commit a module of definitions',
  usage: 'thyme commit FEATURES.ts',
  async run(args, context) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} });
    const [file] = positionals;
    if (file === undefined) throw new UsageError('name the module that declares your features');
    await commitFile(file, context);
  },
};

/** Bundles, checks and commits a module; all its errors are shown at once, before anything is sent. */
export async function commitFile(file: string, { client, terminal }: CommandContext): Promise<void> {
  const bundle = await bundleModule(file);
  const { definitions } = readDefinitions(evaluateBundle(bundle.code, file));
  refuseEmpty(definitions, file);
  const request = create(CommitRequestSchema, { definitions: definitionsToProto(definitions), bundle });
  const response = await client.postRaw('/api/v1/commit', Uint8Array.from(toBinary(CommitRequestSchema, request)), PROTOBUF_TYPE);
  const answer = JSON.parse(await response.text()) as { readonly revision?: number | string };
  const { datasets, pipelines, featuresets } = definitions;
  terminal.out(`Committed ${datasets.length} dataset(s), ${pipelines.length} pipeline(s), ${featuresets.length} featureset(s) as revision ${String(answer.revision)}`);
}

/** A commit is the whole of what there shall be: one of nothing removes everything, which a forgotten `export` must not. */
function refuseEmpty({ datasets, featuresets }: Definitions, file: string): void {
  if (datasets.length + featuresets.length > 0) return;
  throw new ThymeError('THYME_MODULE_EMPTY', 'INVALID_ARGUMENT', `${file}: it exports no dataset and no featureset, and to commit nothing would remove everything: write 'export' in front of the classes`);
}
