import { TABLE_ENDINGS, tableFormatOf } from '../files/table-writer.js';
import { command, UsageError, type CommandContext } from './command.js';
import { featuresetShape, keyFieldsOf, type FeaturesetShape } from './entity-argument.js';
import { footer } from './footer.js';
import { instantsOf } from './instant-grid.js';
import { knownRows, knownSpine } from './known-entities.js';
import { OfflineAsker } from './offline-requests.js';
import { askedPairs, columnNames, fileSpine, instantsOfAll, pairsSpine } from './spine-argument.js';
import { readSpine, type SpineRow } from './spine.js';
import { writeTrainingSet, type Spine } from './training-set.js';

export const queryOffline = command({
  name: 'query-offline',
  summary: 'a training set: features of many (entity, instant) pairs',
  parameters: 'FEATURESET [-i FILE | -e ENTITY] [-o FILE]',
  positionalsMax: 1,
  flags: {
    input: {
      value: 'FILE',
      short: 'i',
      about: 'CSV, NDJSON, parquet or Arrow with columns entity_id (or the fields of the key), timestamp, and inputs; others are labels',
    },
    output: {
      value: 'FILE',
      short: 'o',
      about: 'a .parquet, .arrow, .csv or .jsonl file of flat columns; without it NDJSON on standard output',
    },
    'entity-column': {
      value: 'COLUMN',
      many: true,
      about: 'the column that says the entity, in place of entity_id; of a composite key FIELD=COLUMN for each field',
    },
    'timestamp-column': { value: 'COLUMN', about: 'the column that says the instant, in place of timestamp' },
    from: { value: 'TIME', about: 'with --to and --every: asks every row, or every known entity, about each of these instants' },
    to: { value: 'TIME', about: 'the last instant, where the steps meet it' },
    every: { value: 'DURATION', about: 'the step between them, such as 1d' },
    entity: { value: 'ENTITY', short: 'e', many: true, about: 'an entity, in place of a file; without either, all that are known' },
    at: { value: 'TIME', about: 'the instant that they are asked about' },
    'known-at': { value: 'TIME', about: "by what the log had taken in by then; 'timestamp' for each row its own instant" },
    inputs: { value: 'JSON', about: 'request-time inputs, with -e' },
    resume: { about: 'with -o: goes on where a run that was ended stood' },
  },
  examples: [
    'thyme query-offline AirportDelay -i pairs.csv > training.ndjson',
    'thyme query-offline FraudSignals -i carts.parquet --known-at timestamp -o training.parquet',
    'thyme query-offline AirportDelay -i airports.csv --from 2026-01-01 --to 2026-01-31 --every 1d -o january.parquet',
    'thyme query-offline AirportDelay --from 2026-01-01 --to 2026-01-31 --every 1d -o january.parquet',
    'thyme query-offline AirportDelay -e ATL --at 2026-01-31T12:00:00Z',
  ],
  async run({ positionals: [featureset], flags }, context) {
    if (featureset === undefined) throw new UsageError('name a featureset');
    const { input, inputs, output, resume, 'known-at': knownAt, at } = flags;
    if (input !== undefined && inputs !== undefined)
      throw new UsageError('--inputs go with -e: in a file they are columns of the same name');
    if (input !== undefined && at !== undefined) throw new UsageError('--at goes with -e: of a file the instant is a column');
    if (output === undefined && resume) throw new UsageError('--resume goes with -o FILE');
    const instants = instantsOf(flags);
    const names = columnNames(flags['entity-column'], flags['timestamp-column']);
    const asked: Asked = { ...flags, featureset, knownAt, names, instants };
    if (output === undefined) await printAnswers(asked, context);
    else await writeAnswers(asked, { output, resume }, context);
  },
});

interface Asked {
  readonly featureset: string;
  readonly knownAt: string | undefined;
  readonly input: string | undefined;
  readonly entity: readonly string[] | undefined;
  readonly at: string | undefined;
  readonly inputs: string | undefined;
  readonly names: ReturnType<typeof columnNames>;
  readonly instants: readonly string[] | undefined;
}

async function printAnswers(asked: Asked, context: CommandContext): Promise<void> {
  const { featureset, knownAt } = asked;
  const { terminal, client } = context;
  const runs = new Set<string>();
  const asker = new OfflineAsker({ featureset, knownAt }, client, {
    row(line) {
      terminal.out(line);
    },
    end(run) {
      runs.add(run);
    },
  });
  try {
    await asker.ask(await rowsOf(asked, context));
  } finally {
    for (const run of runs) footer(context, run);
  }
}

async function rowsOf(asked: Asked, context: CommandContext): Promise<Iterable<SpineRow> | AsyncIterable<SpineRow>> {
  const { featureset, input, inputs, names, instants } = asked;
  const { client, terminal } = context;
  const ofAll = instantsOfAll(asked);
  if (ofAll !== undefined) return knownRows({ featureset, instants: ofAll, inputs }, client);
  if (input === undefined) return askedPairs(asked, keyFieldsOf(featureset, context));
  const shape = await shapeOrRefusal(featureset, context);
  const ignored = (columns: readonly string[]): void =>
    terminal.err(`columns that are neither key, timestamp nor input are left out: ${columns.join(', ')}`);
  return readSpine({ path: input, shape, ignored, names, instants });
}

async function writeAnswers(
  asked: Asked,
  { output, resume }: { readonly output: string; readonly resume: boolean },
  context: CommandContext,
): Promise<void> {
  const { featureset, knownAt } = asked;
  const format = tableFormatOf(output);
  if (format === undefined)
    throw new UsageError(`-o ${output}: end the name in one of ${TABLE_ENDINGS.map((ending) => `.${ending}`).join(', ')}`);
  const shape = await shapeOrRefusal(featureset, context);
  const spine = await spineOf(asked, { shape, path: `${output}.entities`, resume }, context);
  await writeTrainingSet({ head: { featureset, knownAt }, shape, spine, path: output, format, resume }, context);
}

async function spineOf(
  asked: Asked,
  { shape, ...kept }: { readonly shape: FeaturesetShape; readonly path: string; readonly resume: boolean },
  context: CommandContext,
): Promise<Spine> {
  const { featureset, input, inputs, names, instants } = asked;
  const ofAll = instantsOfAll(asked);
  if (ofAll !== undefined) return knownSpine({ featureset, instants: ofAll, inputs }, kept, context);
  if (input !== undefined) return fileSpine({ path: input, shape, names, instants });
  return pairsSpine(await askedPairs(asked, () => Promise.resolve(shape.entity)));
}

/** Whoever does not know the name either says which one is meant, rather than what the columns lack. */
async function shapeOrRefusal(featureset: string, { client }: CommandContext): Promise<FeaturesetShape> {
  const shape = await featuresetShape(featureset, client);
  if (shape !== undefined) return shape;
  await client.post('/features/offline', { featureset, queries: [] });
  throw new UsageError(`no featureset is called '${featureset}'`);
}
