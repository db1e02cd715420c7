import type { BigQuery } from '@google-cloud/bigquery';
import type { Clock } from '../../time/clock.js';
import type { Connector, SourceTest } from '../connector.js';
import { SourceError } from '../source-error.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { lookBackOf } from '../table/look-back.js';
import { SettlingReader } from '../table/settling-reader.js';
import { newRowsSelect } from '../table/table-sql.js';
import { unlessAborted } from '../unless-aborted.js';
import { openBigQuery } from './bigquery-client.js';
import { bigqueryError } from './bigquery-error.js';
import { BigQueryJobs } from './bigquery-jobs.js';
import { bigqueryTable, bytesWords, DIALECT, inputOf } from './bigquery-table.js';
import { type BigQueryShape, readShape } from './bigquery-shape.js';
import { describeColumn, type WireRow } from './bigquery-values.js';

/** What a position belongs to. */
const PLACE = ['endpointUrl', 'projectId', 'datasetId', 'table', 'key'];

/** A table or view of BigQuery, polled in the order of (cursor, key). What time it is the service says. */
export function bigqueryConnector(_clock: Clock): Connector {
  return {
    name: 'bigquery',
    fingerprint: ({ source, parameters }) =>
      JSON.stringify(['bigquery', ...PLACE.map((name) => parameters.get(name) ?? null), source.cursor ?? null]),
    test,
    async open(settings, signal) {
      const limit = bytesLimitOf(settings);
      const client = await openBigQuery(settings);
      const shape = await shapeOf(client, settings, signal);
      return new SettlingReader({ table: bigqueryTable(shape, new BigQueryJobs(client), limit), lookBackS: lookBackOf(settings) });
    },
  };
}

async function shapeOf(client: BigQuery, settings: SourceSettings, signal: AbortSignal): Promise<BigQueryShape> {
  try {
    return await unlessAborted(readShape(client, settings), signal);
  } catch (error) {
    if (signal.aborted) throw error;
    throw bigqueryError(`looking at ${textParameter(settings, 'datasetId')}.${textParameter(settings, 'table')} failed`, error);
  }
}

function bytesLimitOf({ parameters, source }: SourceSettings): string | undefined {
  const given = parameters.get('maximumBytesBilled');
  if (given === undefined) return undefined;
  if (/^[1-9]\d{0,17}$/.test(String(given))) return String(given);
  throw new SourceError(
    'stop',
    'THYME_SOURCE_PARAMETER',
    `maximumBytesBilled of ${source.dataset}'s bigquery source: '${String(given)}' is no whole number of bytes`,
  );
}

/** Without a query: those cost. */
async function test(settings: SourceSettings, signal: AbortSignal): Promise<SourceTest> {
  const client = await openBigQuery(settings);
  const jobs = new BigQueryJobs(client);
  const steps: SourceTest['steps'][number][] = [];
  let what = 'reached';
  try {
    bytesLimitOf(settings);
    const shape = await shapeOf(client, settings, signal);
    steps.push({ what, ok: true, detail: `${shape.words} of project ${shape.projectId}` });
    steps.push({ what: 'columns', ok: true, detail: shape.columns.map((column) => `${column.name} ${describeColumn(column)}`).join(', ') });
    what = 'may query';
    const start = { place: undefined, initialEnd: undefined };
    const bytes = await jobs.dryRun(newRowsSelect(shape, start, { dialect: DIALECT, rowsMax: 1 }), signal);
    steps.push({ what, ok: true, detail: `the first poll scans ${bytesWords(bytes)}, by the service's estimate` });
    what = 'may read';
    if (!shape.isTable) return { steps };
    const sample = await sampleOf(client, shape, signal);
    steps.push({ what, ok: true, detail: sample === undefined ? 'there are no rows yet' : 'a row of it, as it would be pushed' });
    return { steps, ...(sample === undefined ? {} : { sample }) };
  } catch (error) {
    const { message } = bigqueryError('it failed', error);
    return { steps: [...steps, { what, ok: false, detail: settings.redact(message) }] };
  }
}

/** Listing rows costs nothing; a query for one reads all of them. */
async function sampleOf(client: BigQuery, shape: BigQueryShape, signal: AbortSignal): Promise<unknown> {
  const table = client.dataset(shape.datasetId, { projectId: shape.projectId }).table(shape.tableId);
  const [rows] = await unlessAborted(table.getRows({ autoPaginate: false, skipParsing: true, maxResults: 1 }), signal);
  const [row] = rows as readonly WireRow[]; // not parsed: as the service sent them
  if (row === undefined) return undefined;
  const values = shape.fields.map(({ column }) => row.f[shape.columns.indexOf(column)]?.v);
  return inputOf(values, shape);
}
