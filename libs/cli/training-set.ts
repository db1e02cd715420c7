// A training set in a file.
//
//   spine.ts            - the pairs, and what stands beside them
//   training-columns.ts - the columns of the file
//   training-spool.ts   - the answers so far, on disk
//   offline-requests.ts - the requests
//   ../files/table-writer.ts - the file
//
// The spine is read three times: to find what its columns hold, to ask, and to write. Invariants:
//   B1. A row that was answered is not asked about again, however often the run is killed.
//   B2. The file is made of the spine and the answers alone, in the spine's order: a run that was killed and gone on with writes the
//       rows that an uninterrupted one writes. Only the id of the query run differs, in the metadata.
//   B3. Memory is bounded by one request, or one batch of rows.
import { createHash } from 'node:crypto';
import type { TableRow } from '../files/table.js';
import { TableFile, type TableFormat } from '../files/table-writer.js';
import { systemClock } from '../time/clock.js';
import { formatTimestamp } from '../time/timestamp.js';
import { invalidArgument } from '../errors/errors.js';
import { CommandError, type CommandContext } from './command.js';
import { latestCommit, type FeaturesetShape } from './entity-argument.js';
import { footer } from './footer.js';
import { OfflineAsker, type OfflineHead } from './offline-requests.js';
import { ProgressLine } from './progress-line.js';
import type { SpineRow } from './spine.js';
import { ColumnSurvey, instantUs, TrainingLayout } from './training-columns.js';
import { TrainingSpool } from './training-spool.js';
import { VERSION } from './version.js';

/** Rows of a row group or a record batch. */
const BATCH_ROWS = 20_000;
/** Query runs that are named on the terminal; all of them are in the metadata. */
const RUNS_TOLD_MAX = 3;

/** The pairs, and what is known of their file. Each call reads them from the first on. */
export interface Spine {
  /** One text of where they come from: other pairs have another. */
  readonly identity: string;
  /** `opened` is told of the file's columns before its first row. */
  rows(opened?: (file: { readonly columns: readonly string[] | undefined; readonly isText: boolean }) => void): AsyncIterable<SpineRow>;
  readonly timestampColumn: string;
  readonly entityColumns: ReadonlySet<string>;
  /** Lets go of what it keeps for a run to be gone on with, once the file is whole. */
  readonly remove?: () => Promise<void>;
}

export interface TrainingSetOptions {
  readonly head: OfflineHead;
  readonly shape: FeaturesetShape;
  readonly spine: Spine;
  readonly path: string;
  readonly format: TableFormat;
  readonly resume: boolean;
}

interface Survey {
  readonly layout: TrainingLayout;
  readonly rows: number;
  readonly asOfMin: string;
  readonly asOfMax: string;
}

export async function writeTrainingSet(options: TrainingSetOptions, context: CommandContext): Promise<void> {
  const { head, spine, path, resume } = options;
  const survey = await surveyOf(options);
  const commitBefore = await latestCommit(context.client);
  const identity = JSON.stringify([head, options.shape.features.size, [...options.shape.features], spine.identity, survey.layout.columns]);
  const job = {
    identity: createHash('sha256').update(identity).digest('hex'),
    knownAt: head.knownAt ?? formatTimestamp(systemClock.nowUs()),
  };
  const spool = await TrainingSpool.open(`${path}.partial`, job, resume);
  if (spool.rows > 0) context.terminal.err(`${path}: going on behind ${spool.rows} of ${survey.rows} rows`);
  await answerAll(options, { survey, spool }, context);
  const commitAfter = await latestCommit(context.client);
  const commit = commitBefore === commitAfter ? commitAfter : `${commitBefore}..${commitAfter}`;
  if (commitBefore !== commitAfter) context.terminal.err(`warning: there was a commit meanwhile: the rows are of revisions ${commit}`);
  const metadata = metadataOf(options, { survey, spool, commit });
  await writeFile(options, { survey, spool, metadata }, context);
  await spool.remove();
  await spine.remove?.();
  tell({ options, survey, spool, metadata }, context);
}

/** Everything that can be judged without the deployment is judged before it is asked. */
async function surveyOf({ shape, spine }: TrainingSetOptions): Promise<Survey> {
  let columns = new ColumnSurvey(undefined, false);
  let isText = false;
  let rows = 0;
  let [minUs, maxUs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const opened: Parameters<Spine['rows']>[0] = (file) => {
    isText = file.isText;
    columns = new ColumnSurvey(file.columns, isText);
  };
  for await (const { row, query, place } of spine.rows(opened)) {
    columns.see(row);
    const us = instantAt(query.timestamp, place);
    [minUs, maxUs] = [Math.min(minUs, us), Math.max(maxUs, us)];
    rows++;
  }
  if (rows === 0) throw new CommandError('there are no rows to be asked about');
  const { timestampColumn: timestamp, entityColumns: entity } = spine;
  const layout = new TrainingLayout({ shape, spine: columns.columns, isText, timestamp, entity });
  return { layout, rows, asOfMin: formatTimestamp(minUs), asOfMax: formatTimestamp(maxUs) };
}

function instantAt(timestamp: unknown, place: string): number {
  try {
    return instantUs(timestamp);
  } catch (error) {
    throw invalidArgument(place, `timestamp: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface Answering {
  readonly survey: Survey;
  readonly spool: TrainingSpool;
}

/** B1 */
async function answerAll(
  { head, shape, spine, path }: TrainingSetOptions,
  { survey, spool }: Answering,
  context: CommandContext,
): Promise<void> {
  const names = [...shape.features.keys()];
  const { terminal, client } = context;
  const progress = new ProgressLine(terminal, systemClock, { words: 'asked', total: survey.rows, first: spool.rows });
  let answered = spool.rows;
  const asker = new OfflineAsker({ ...head, knownAt: spool.job.knownAt, queryRunId: spool.runs.at(-1) }, client, {
    async row(line) {
      const { features } = JSON.parse(line) as { readonly features: Readonly<Record<string, unknown>> };
      await spool.add(JSON.stringify(names.map((name) => features[name] ?? null)));
      progress.at(++answered);
    },
    end: (run) => spool.mark(run),
  });
  try {
    await asker.ask(skipped(spine.rows(), spool.rows));
  } catch (error) {
    terminal.err(`${spool.rows} of ${survey.rows} rows are kept in ${spool.path}: the same call with --resume goes on behind them`);
    throw error;
  } finally {
    progress.clear();
    await spool.close();
  }
  if (spool.rows !== survey.rows)
    throw new CommandError(`${path}: ${spool.rows} answers for ${survey.rows} rows: the rows changed meanwhile`);
}

async function* skipped(rows: AsyncIterable<SpineRow>, count: number): AsyncGenerator<SpineRow> {
  let index = 0;
  for await (const row of rows) if (index++ >= count) yield row;
}

interface Writing extends Answering {
  readonly metadata: ReadonlyMap<string, string>;
}

/** B2 */
async function writeFile({ head, spine, path, format }: TrainingSetOptions, writing: Writing, { terminal }: CommandContext): Promise<void> {
  const { survey, spool, metadata } = writing;
  const { layout } = survey;
  const progress = new ProgressLine(terminal, systemClock, { words: 'written', total: survey.rows });
  const file = await TableFile.create(path, format, { columns: layout.columns, metadata });
  const knownAt = head.knownAt === 'timestamp' ? undefined : spool.job.knownAt;
  const answers = spool.answers();
  let batch: TableRow[] = [];
  let written = 0;
  try {
    for await (const { row, place } of spine.rows()) {
      const answer = await answers.next();
      if (answer.done === true) throw new CommandError(`${place}: has no answer: the rows changed meanwhile`);
      batch.push(layout.rowOf(row, knownAt, answer.value));
      if (batch.length < BATCH_ROWS) continue;
      await file.write(batch);
      progress.at((written += batch.length));
      batch = [];
    }
    await file.write(batch);
    await file.end();
  } catch (error) {
    await file.abort();
    throw error;
  } finally {
    await answers.return(undefined);
    progress.clear();
  }
}

function metadataOf(
  { head }: TrainingSetOptions,
  { survey, spool, commit }: Answering & { readonly commit: string },
): ReadonlyMap<string, string> {
  return new Map([
    ['thyme.featureset', head.featureset],
    ['thyme.commit', commit],
    ['thyme.as_of_min', survey.asOfMin],
    ['thyme.as_of_max', survey.asOfMax],
    ['thyme.known_at', spool.job.knownAt],
    ['thyme.query_runs', spool.runs.join(',')],
    ['thyme.rows', String(survey.rows)],
    ['thyme.version', VERSION],
  ]);
}

interface Told extends Writing {
  readonly options: TrainingSetOptions;
}

function tell({ options: { path }, survey, spool, metadata }: Told, context: CommandContext): void {
  const told = Object.fromEntries([...metadata].map(([key, value]) => [key.replace('thyme.', ''), value]));
  if (context.json === true)
    context.terminal.out(
      JSON.stringify({ path, ...told, rows: survey.rows, query_runs: spool.runs, columns: survey.layout.columns }, null, 2),
    );
  else
    context.terminal.out(
      `${survey.rows} rows, ${survey.layout.columns.length} columns written to ${path}: commit ${told.commit ?? ''}, as of ${survey.asOfMin} to ${survey.asOfMax}, known at ${spool.job.knownAt === 'timestamp' ? 'the own instant of each' : spool.job.knownAt}`,
    );
  for (const run of spool.runs.slice(0, RUNS_TOLD_MAX)) footer(context, run);
  if (spool.runs.length > RUNS_TOLD_MAX) context.terminal.err(`and ${spool.runs.length - RUNS_TOLD_MAX} more query runs`);
}
