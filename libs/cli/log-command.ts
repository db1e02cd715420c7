import { parseArgs } from 'node:util';
import { formatTimestamp, parseTimestamp } from '../time/timestamp.js';
import { UsageError, type Command, type CommandContext } from './command.js';
import { readRows, type FileRow } from './row-file.js';

/** Events in one push: large enough that a request's own cost does not show, far below the push limit. */
const BATCH_EVENTS = 2_000;
const PROGRESS_CELLS = 30;

interface DatasetStatus {
  readonly name: string;
  readonly timestamp: string;
  readonly fields: readonly { readonly name: string; readonly dtype: string }[];
}

export interface LogOptions {
  readonly dataset: string;
  readonly input: string;
  /** Rows taken from the file, from its start. */
  readonly limit: number;
  /** The file's column for each field that is called otherwise. */
  readonly renames: ReadonlyMap<string, string>;
  readonly shiftToNowUs?: number;
  readonly historical: boolean;
}

export const log: Command = {
  name: 'log',
  summary: 'push the events of a file (NDJSON, CSV, parquet)',
  usage: 'thyme log DATASET -i FILE [--limit N] [--rename COLUMN=FIELD ...] [--shift-to-now] [--historical]',
  async run(args, context) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        input: { type: 'string', short: 'i', default: '-' },
        limit: { type: 'string' },
        rename: { type: 'string', multiple: true, default: [] },
        'shift-to-now': { type: 'boolean', default: false },
        historical: { type: 'boolean', default: false },
      },
    });
    const [dataset] = positionals;
    if (dataset === undefined) throw new UsageError('name a dataset');
    if (values['shift-to-now'] && values.input === '-') throw new UsageError('--shift-to-now reads the file twice: give -i FILE');
    const limit = values.limit === undefined ? Number.POSITIVE_INFINITY : Number(values.limit);
    if (!(limit > 0)) throw new UsageError(`--limit ${String(values.limit)}: expected a positive number`);
    const renames = new Map(values.rename.map(splitRename));
    const shift = values['shift-to-now'] ? { shiftToNowUs: Date.now() * 1_000 } : {};
    await pushFile({ dataset, input: values.input, limit, renames, historical: values.historical, ...shift }, context);
  },
};

/** Pushes a file's rows in order, one batch after the other, and says how many; resolves to the last token (S21). */
export async function pushFile(options: LogOptions, context: CommandContext): Promise<string | undefined> {
  const dataset = await datasetStatus(options.dataset, context);
  const range = options.shiftToNowUs === undefined ? undefined : await timeRange(options, dataset.timestamp);
  const shiftUs = range === undefined ? 0 : (options.shiftToNowUs ?? 0) - range.newestUs;
  let batch: unknown[] = [];
  let sent = 0;
  let token: string | undefined;
  const flush = async (): Promise<void> => {
    const { body } = await context.client.post('/api/v1/log', { dataset: dataset.name, events: batch, historical: options.historical });
    const answer = body as { readonly events_sent: number; readonly token?: string };
    sent += answer.events_sent;
    token = answer.token ?? token;
    batch = [];
    context.terminal.progress(bar(sent, range?.rows));
  };
  for await (const row of fileEvents(options)) {
    batch.push(typed(row, dataset, shiftUs));
    if (batch.length >= BATCH_EVENTS) await flush();
  }
  if (batch.length > 0) await flush();
  context.terminal.out(`${sent} events sent to ${dataset.name}`);
  return token;
}

async function* fileEvents({ input, limit, renames }: LogOptions): AsyncIterable<FileRow> {
  let taken = 0;
  for await (const row of readRows(input)) {
    if (taken++ >= limit) return;
    yield renames.size === 0 ? row : Object.fromEntries(Object.entries(row).map(([name, value]) => [renames.get(name) ?? name, value]));
  }
}

async function datasetStatus(name: string, { client }: CommandContext): Promise<DatasetStatus> {
  const { body } = await client.get('/api/v1/status');
  const dataset = (body as { readonly datasets: readonly DatasetStatus[] }).datasets.find((candidate) => candidate.name === name);
  if (dataset === undefined) throw new UsageError(`no dataset is called '${name}': \`thyme status\` lists them`);
  return dataset;
}

async function timeRange(options: LogOptions, timestamp: string): Promise<{ readonly newestUs: number; readonly rows: number }> {
  let newestUs = Number.NEGATIVE_INFINITY;
  let rows = 0;
  for await (const row of fileEvents(options)) {
    rows++;
    newestUs = Math.max(newestUs, parseTimestamp(row[timestamp]));
  }
  return { newestUs, rows };
}

/** CSV's text read by the field's declared type, and the event time moved. What does not fit is left for the server to name. */
function typed(row: FileRow, dataset: DatasetStatus, shiftUs: number): FileRow {
  const event: Record<string, unknown> = Object.fromEntries(Object.entries(row));
  for (const { name, dtype } of dataset.fields) {
    const value = event[name];
    if (typeof value !== 'string') continue;
    if ((dtype === 'int' || dtype === 'float') && /^-?\d+(\.\d+)?$/.test(value)) event[name] = Number(value);
    if (dtype === 'bool' && (value === 'true' || value === 'false')) event[name] = value === 'true';
  }
  if (shiftUs !== 0) event[dataset.timestamp] = formatTimestamp(parseTimestamp(event[dataset.timestamp]) + shiftUs);
  return event;
}

function splitRename(text: string): readonly [string, string] {
  const [from, to] = text.split('=');
  if (from === undefined || to === undefined || to === '') throw new UsageError(`--rename ${text}: write COLUMN=FIELD`);
  return [from, to];
}

function bar(sent: number, total: number | undefined): string {
  if (total === undefined) return `${sent} events`;
  const done = Math.round((sent / total) * PROGRESS_CELLS);
  return `[${'#'.repeat(done)}${'.'.repeat(PROGRESS_CELLS - done)}] ${sent}/${total} events`;
}
