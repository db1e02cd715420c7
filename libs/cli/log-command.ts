import { STANDARD_INPUT } from '../files/open-rows.js';
import { command, UsageError } from './command.js';
import { FILE_PRODUCER_ID_BYTES_MAX } from './file-producer.js';
import { pushFile } from './push-file.js';

export const log = command({
  name: 'log',
  summary: 'push the events of a file (CSV, NDJSON, parquet, Arrow; compressed too), each once',
  parameters: 'DATASET -i FILE',
  positionalsMax: 1,
  flags: {
    input: { value: 'FILE', short: 'i', about: 'the file; standard input where it is absent' },
    format: { value: 'FORMAT', about: "csv, tsv, ndjson, parquet or arrow, also with .gz, in place of the file's own ending" },
    rename: { value: 'COLUMN=FIELD', many: true, about: 'reads a column as another field' },
    limit: { value: 'N', about: 'pushes so many rows at most' },
    'from-line': { value: 'N', about: 'begins with this line, or row; those before it stay as they are' },
    'producer-id': { value: 'ID', about: "in place of the hash of the file's content, by which a row counts once" },
    rejected: { value: 'FILE', about: 'where refused rows go, in place of FILE.rejected.ndjson' },
    strict: { about: 'stops at the first row that is refused' },
    'shift-to-now': { about: 'moves all times so that the newest is now' },
    historical: { about: 'the rows are never late, and known at their event time' },
  },
  examples: [
    'thyme log Flight -i flights.ndjson',
    'thyme log Flight -i flights.csv --rename DEP_TIME=departed_at --strict',
    'zcat events.gz | thyme log Flight --format ndjson',
  ],
  async run({ positionals: [dataset], flags }, context) {
    if (dataset === undefined) throw new UsageError('name a dataset');
    const { input = STANDARD_INPUT, format, historical, strict, rejected } = flags;
    if (flags['shift-to-now'] && input === STANDARD_INPUT) throw new UsageError('--shift-to-now reads the file twice: give -i FILE');
    const shift = flags['shift-to-now'] ? { shiftToNowUs: Date.now() * 1_000 } : {};
    const limit = positiveNumber('--limit', flags.limit) ?? Number.POSITIVE_INFINITY;
    const fromLine = positiveNumber('--from-line', flags['from-line']);
    const renames = new Map((flags.rename ?? []).map(splitRename));
    const producerId = checkedProducerId(flags['producer-id']);
    await pushFile({ dataset, input, format, limit, fromLine, renames, historical, strict, rejected, producerId, ...shift }, context);
  },
});

function positiveNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!(Number(text) > 0)) throw new UsageError(`${flag} ${text}: expected a positive number`);
  return Number(text);
}

function checkedProducerId(id: string | undefined): string | undefined {
  const bytes = id === undefined ? 1 : Buffer.byteLength(id);
  if (bytes === 0 || bytes > FILE_PRODUCER_ID_BYTES_MAX)
    throw new UsageError(`--producer-id has ${bytes} bytes: use 1 to ${FILE_PRODUCER_ID_BYTES_MAX}`);
  return id;
}

function splitRename(text: string): readonly [string, string] {
  const [from, to] = text.split('=');
  if (from === undefined || to === undefined || to === '') throw new UsageError(`--rename ${text}: write COLUMN=FIELD`);
  return [from, to];
}
