import { commitModule } from '../../libs/cli/commit-command.js';
import { readModule } from '../../libs/cli/definition-module.js';
import type { CommandContext } from '../../libs/cli/command.js';
import type { Definitions } from '../../libs/definition/definitions.js';

/** What of `/api/v1/status` says which definitions are committed. */
interface Status {
  readonly latest_commit: unknown;
  readonly datasets: readonly { readonly name: string; readonly version: string; readonly fields: readonly Named[] }[];
  readonly featuresets: readonly { readonly name: string; readonly features: readonly Named[] }[];
  readonly sources: readonly { readonly dataset: string; readonly connector_type: string }[];
}

interface Named {
  readonly name: string;
}

/**
 * Commits the examples where nothing has been committed yet. A commit is the whole of what there shall be, so where
 * somebody has committed definitions, these stay as they are. Gives whether the examples are there.
 */
export async function commitWhereAbsent(file: string, context: CommandContext, beforeCommit: () => Promise<unknown>): Promise<boolean> {
  const module = await readModule(file);
  const { body } = await context.client.get('/api/v1/status');
  const status = body as Status; // the cast: the shape that the platform's own OpenAPI promises
  if (status.latest_commit !== null) return holdsAll(status, module.definitions);
  await beforeCommit();
  await commitModule(module, context);
  return true;
}

/** Whether every dataset, source and featureset of the module is committed, with its fields; there may be others, and more. */
function holdsAll(status: Status, { datasets, sources, featuresets }: Definitions): boolean {
  const includes = (there: readonly Named[] | undefined, wanted: readonly Named[]): boolean =>
    there !== undefined && wanted.every(({ name }) => there.some((one) => one.name === name));
  const fieldsOf = (name: string, version: number): readonly Named[] | undefined =>
    status.datasets.find((dataset) => dataset.name === name && dataset.version === String(version))?.fields;
  const featuresOf = (name: string): readonly Named[] | undefined =>
    status.featuresets.find((featureset) => featureset.name === name)?.features;
  return (
    datasets.every(({ name, version, fields }) => includes(fieldsOf(name, version), fields)) &&
    sources.every((wanted) => status.sources.some((one) => one.dataset === wanted.dataset && one.connector_type === wanted.connector)) &&
    featuresets.every(({ name, features }) => includes(featuresOf(name), features))
  );
}
