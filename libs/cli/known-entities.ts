// All entities of which a deployment keeps anything, as the pairs of a training set.
import { createReadStream, existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { RestClient } from '../client/rest-client.js';
import { contentHash } from '../files/content-hash.js';
import { CommandError, UsageError, type CommandContext } from './command.js';
import { inputsOf } from './inputs-argument.js';
import type { SpineRow } from './spine.js';
import type { Spine } from './training-set.js';

/** Entities of one page. */
const PAGE_ENTITIES = 10_000;

export interface KnownPairs {
  readonly featureset: string;
  readonly instants: readonly string[];
  /** `--inputs`: one object for all. */
  readonly inputs: string | undefined;
}

interface Page {
  readonly entities: readonly unknown[];
  readonly next_cursor: string | null;
}

/** Page by page, in the deployment's order. */
async function* knownEntities(featureset: string, client: RestClient): AsyncGenerator<readonly unknown[]> {
  let cursor = '';
  do {
    const asked = { featureset, limit: String(PAGE_ENTITIES), ...(cursor === '' ? {} : { cursor }) };
    const { entities, next_cursor } = (await client.get('/features/entities', asked, { mayRepeat: true })).body as Page;
    if (entities.length > 0) yield entities;
    cursor = next_cursor ?? '';
  } while (cursor !== '');
}

/** For answers that are printed: the entities are asked about while they are listed. */
export async function* knownRows(pairs: KnownPairs, client: RestClient): AsyncGenerator<SpineRow> {
  const inputs = sharedInputs(pairs);
  let count = 0;
  for await (const page of knownEntities(pairs.featureset, client))
    for (const entity of page) {
      count++;
      yield* rowsOf(entity, pairs.instants, inputs);
    }
  if (count === 0) throw nobody(pairs.featureset);
}

/**
 * For a file, whose rows are read more than once: the list is kept at `path` until the file is whole, and a run that is gone on
 * with asks about those of its beginning.
 */
export async function knownSpine(
  pairs: KnownPairs,
  { path, resume }: { readonly path: string; readonly resume: boolean },
  { client, terminal }: CommandContext,
): Promise<Spine> {
  const inputs = sharedInputs(pairs);
  if (!existsSync(path)) await writeList(pairs.featureset, path, { client, terminal });
  else if (!resume) throw new UsageError(`${path} is of a run that did not end: go on with it by --resume, or remove it`);
  return {
    identity: JSON.stringify([await contentHash(path), pairs.instants, inputs]),
    async *rows(opened) {
      opened?.({ columns: undefined, isText: false });
      for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY }))
        yield* rowsOf(JSON.parse(line), pairs.instants, inputs);
    },
    timestampColumn: 'timestamp',
    entityColumns: new Set(['entity_id']),
    remove: () => rm(path, { force: true }),
  };
}

/** Whole under its name, or not there. */
async function writeList(
  featureset: string,
  path: string,
  { client, terminal }: Pick<CommandContext, 'client' | 'terminal'>,
): Promise<void> {
  const unfinished = `${path}.unfinished`;
  const file = await open(unfinished, 'w');
  let count = 0;
  try {
    for await (const page of knownEntities(featureset, client)) {
      await file.writeFile(page.map((entity) => `${JSON.stringify(entity)}\n`).join(''));
      count += page.length;
      terminal.progress(`listed ${count.toLocaleString('en-US')} entities`);
    }
    if (count === 0) throw nobody(featureset);
    await file.datasync();
    await file.close();
    await rename(unfinished, path);
  } catch (error) {
    await file.close();
    await rm(unfinished, { force: true });
    throw error;
  } finally {
    terminal.progress('');
  }
}

function* rowsOf(entity: unknown, instants: readonly string[], inputs: SpineRow['query']['inputs']): Generator<SpineRow> {
  const text = entityText(entity);
  for (const timestamp of instants) {
    const query = { entity_id: entity, timestamp };
    yield {
      query: inputs === undefined ? query : { ...query, inputs },
      place: `entity ${text}`,
      row: { entity_id: text, timestamp, ...inputs },
    };
  }
}

/** As `-e` takes it. */
function entityText(entity: unknown): string {
  if (typeof entity !== 'object' || entity === null) return String(entity);
  return Object.entries(entity)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(',');
}

/** Of an object its members; the deployment judges. */
function sharedInputs({ inputs }: KnownPairs): SpineRow['query']['inputs'] {
  return inputs === undefined ? undefined : (inputsOf(inputs, 1) as SpineRow['query']['inputs']);
}

function nobody(featureset: string): CommandError {
  return new CommandError(`nothing is kept of any entity of ${featureset} yet: push some rows, or name entities by -e`);
}
