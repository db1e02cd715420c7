import { readDefinitions } from '../definition/check.js';
import type { Definitions } from '../definition/definitions.js';
import { evaluateBundle, placeOf } from '../definition/evaluate-bundle.js';
import { bundleModule, type Bundle } from '../definition/load-module.js';
import { definitionsInvalid } from '../definition/problem.js';
import { ThymeError } from '../errors/errors.js';
import { systemClock } from '../time/clock.js';
import { UsageError } from './command.js';
import { rehearseExtractors, type ExtractorLookup } from './extractor-rehearsal.js';

export const PROTOBUF_TYPE = 'application/protobuf';

/** A module of definitions, bundled, evaluated and found to be right. */
export interface DefinitionModule {
  readonly definitions: Definitions;
  readonly bundle: Bundle;
  /** What its extractors look up by themselves, as far as a rehearsal shows. */
  readonly lookups: readonly ExtractorLookup[];
}

/** Throws with all errors of the module at once, each with its place and fix. */
export async function readModule(file: string): Promise<DefinitionModule> {
  const bundle = await bundleModule(file);
  const { definitions, functions } = readDefinitions(evaluateBundle(bundle.code, file));
  refuseEmpty(definitions, file);
  const placeIn = (error: Error): string => placeOf(error, bundle.code, file);
  const { lookups, problems } = await rehearseExtractors(definitions, functions, { clock: systemClock, placeIn });
  if (problems.length > 0) throw definitionsInvalid(problems);
  return { definitions, bundle, lookups };
}

/** The one module that a command is about. */
export function moduleArgument(positionals: readonly string[]): string {
  const [file, surplus] = positionals;
  if (file === undefined) throw new UsageError('name the module that declares your features');
  if (surplus !== undefined) throw new UsageError(`'${surplus}' is one too many: a module that imports the others is committed as a whole`);
  return file;
}

/** A commit is the whole of what there shall be: one of nothing removes everything, which a forgotten `export` must not. */
function refuseEmpty({ datasets, featuresets }: Definitions, file: string): void {
  if (datasets.length + featuresets.length > 0) return;
  throw new ThymeError(
    'THYME_MODULE_EMPTY',
    'INVALID_ARGUMENT',
    `${file}: it exports no dataset and no featureset, and to commit nothing would remove everything: write 'export' in front of the classes`,
  );
}
