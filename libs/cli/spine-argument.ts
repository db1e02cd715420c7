import { createHash } from 'node:crypto';
import { contentHash } from '../files/content-hash.js';
import { isRegularFile } from '../files/open-rows.js';
import { UsageError } from './command.js';
import { entitiesOf, type FeaturesetShape } from './entity-argument.js';
import { inputsOf } from './inputs-argument.js';
import { readSpine, type ColumnNames, type SpineRow } from './spine.js';
import type { Spine } from './training-set.js';

// The pairs of a training set as the command line names them: in a file, or by themselves.

/** `--entity-column COLUMN`, or `FIELD=COLUMN` for each field of a key of several. */
export function columnNames(entity: readonly string[] | undefined, timestamp: string | undefined): ColumnNames {
  const named = (entity ?? []).map((text) => [text.slice(0, Math.max(0, text.indexOf('='))), text.slice(text.indexOf('=') + 1)] as const);
  const whole = named.filter(([field]) => field === '').map(([, column]) => column);
  if (whole.length > 1 || (whole.length > 0 && named.length > 1))
    throw new UsageError('--entity-column: name one column, or FIELD=COLUMN for each field of the key');
  return { entity: whole[0], fields: new Map(named.filter(([field]) => field !== '')), timestamp };
}

export interface AskedPairs {
  readonly entity: readonly string[] | undefined;
  readonly at: string | undefined;
  readonly inputs: string | undefined;
  readonly instants: readonly string[] | undefined;
}

/** The pairs of -e, at one instant or at each of several. */
export async function askedPairs(
  { entity: texts, at, inputs: inputsText, instants }: AskedPairs,
  keyFields: () => Promise<readonly string[]>,
): Promise<readonly SpineRow[]> {
  if (at !== undefined && instants !== undefined) throw new UsageError('--at is one instant: leave it out, or --from, --to and --every');
  const times = at === undefined ? instants : [at];
  if (texts === undefined || times === undefined) throw noPairs();
  const inputs = inputsText === undefined ? undefined : inputsOf(inputsText, texts.length);
  if (Array.isArray(inputs) && inputs.length !== texts.length)
    throw new UsageError(`--inputs: ${inputs.length} for ${texts.length} entities: write one for each, or one object for all`);
  const entities = await entitiesOf(texts, keyFields);
  return entities.flatMap((entity, i) => {
    const given = (Array.isArray(inputs) ? inputs[i] : inputs) as SpineRow['query']['inputs']; // of an object its members; the deployment judges
    return times.map((timestamp): SpineRow => {
      const query = { entity_id: entity, timestamp };
      return {
        query: given === undefined ? query : { ...query, inputs: given },
        place: `-e ${texts[i] ?? ''}`,
        row: { entity_id: texts[i] ?? '', timestamp, ...given },
      };
    });
  });
}

/** The instants of all entities, where neither a file nor an entity is named; undefined where one is. */
export function instantsOfAll({
  input,
  entity,
  at,
  instants,
}: Omit<AskedPairs, 'inputs'> & { readonly input: string | undefined }): readonly string[] | undefined {
  if (input !== undefined || entity !== undefined) return undefined;
  if (at !== undefined && instants !== undefined) throw new UsageError('--at is one instant: leave it out, or --from, --to and --every');
  const times = at === undefined ? instants : [at];
  if (times === undefined) throw noPairs();
  return times;
}

function noPairs(): UsageError {
  return new UsageError(
    'give -i FILE, or -e ENTITY with --at TIME or --from, --to and --every; without -e those ask about all known entities',
  );
}

export function pairsSpine(rows: readonly SpineRow[]): Spine {
  return {
    identity: createHash('sha256').update(JSON.stringify(rows)).digest('hex'),
    async *rows(opened) {
      opened?.({ columns: undefined, isText: false });
      yield* await Promise.resolve(rows);
    },
    timestampColumn: 'timestamp',
    entityColumns: new Set(['entity_id']),
  };
}

interface FileSpineOptions {
  readonly path: string;
  readonly shape: FeaturesetShape;
  readonly names: ColumnNames;
  readonly instants: readonly string[] | undefined;
}

/** Rejects with UsageError for what cannot be read more than once. */
export async function fileSpine({ path, shape, names, instants }: FileSpineOptions): Promise<Spine> {
  if (!(await isRegularFile(path))) throw new UsageError(`-i ${path}: with -o the rows are read more than once: save them to a file first`);
  const entity = names.entity ?? 'entity_id';
  return {
    identity: JSON.stringify([await contentHash(path), names.entity, names.timestamp, [...names.fields], instants]),
    rows: (opened) => readSpine({ path, shape, ignored: () => undefined, names, instants, ...(opened === undefined ? {} : { opened }) }),
    timestampColumn: names.timestamp ?? 'timestamp',
    entityColumns: new Set([entity, ...names.fields.values(), ...shape.entity.map((field) => `entity.${field}`)]),
  };
}
