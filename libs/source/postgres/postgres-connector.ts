import type { Clock } from '../../time/clock.js';
import { captureConnector } from './cdc/capture-connector.js';
import type { CaptureTimes } from './cdc/capture-begin.js';
import type { Connector, SourceTest } from '../connector.js';
import { SourceError } from '../source-error.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { connectPostgres, postgresError } from './postgres-client.js';
import { pagesOf } from './table-pages.js';
import { AT_THE_BEGINNING } from './table-position.js';
import { newRowsQuery } from './table-queries.js';
import { TableReader } from './table-reader.js';
import { readShape, type TableShape } from './table-shape.js';

const LOOK_BACK_S_DEFAULT = 3_600;
const LOOK_BACK_S_MIN = 60;
const LOOK_BACK_S_MAX = 7 * 86_400;
/** How old a view's row is when it is read, unless maxLateness says so. */
const VIEW_SETTLED_S = 60;

/** A table of PostgreSQL: polled, or by its log where the source says `mode: 'cdc'`. */
export function postgresConnector(clock: Clock, times?: CaptureTimes): Connector {
  const polled = polledConnector(clock);
  const captured = captureConnector(clock, times);
  const of = ({ parameters }: SourceSettings): Omit<Connector, 'name'> => (parameters.get('mode') === 'cdc' ? captured : polled);
  return {
    name: 'postgres',
    fingerprint: (settings) => of(settings).fingerprint(settings),
    test: (settings, signal) => of(settings).test(settings, signal),
    open: (settings, signal) => of(settings).open(settings, signal),
  };
}

/** A table, partitioned table or view, polled by a role that needs SELECT alone. */
function polledConnector(clock: Pick<Clock, 'nowUs'>): Omit<Connector, 'name'> {
  return {
    fingerprint: ({ source, parameters }) =>
      JSON.stringify([
        'postgres',
        ...['host', 'port', 'database', 'schema', 'table', 'key'].map((name) => parameters.get(name) ?? null),
        source.cursor ?? null,
      ]),
    test,
    async open(settings, signal) {
      const client = await connectPostgres(settings, signal);
      try {
        const shape = await readShape(client, settings);
        return new TableReader({ client, shape, clock, lookBackS: lookBackOf(settings, shape) });
      } catch (error) {
        await client.end();
        throw postgresError(`looking at ${textParameter(settings, 'table')} failed`, error);
      }
    },
  };
}

function lookBackOf({ source: { maxLatenessUs, dataset } }: SourceSettings, { hasXmin, cursor, sqlName }: TableShape): number {
  if (!hasXmin && !/^timestamp/.test(cursor.sqlType))
    throw new SourceError(
      'stop',
      'THYME_SOURCE_CURSOR',
      `${sqlName}, which fills ${dataset}, is a view: its rows do not tell their transactions, so its cursor must be a timestamp, and ${cursor.name} is ${cursor.sqlType}`,
    );
  const wantedS = maxLatenessUs === undefined ? (hasXmin ? LOOK_BACK_S_DEFAULT : VIEW_SETTLED_S) : maxLatenessUs / 1e6;
  return Math.min(LOOK_BACK_S_MAX, hasXmin ? Math.max(LOOK_BACK_S_MIN, wantedS) : wantedS);
}

async function test(settings: SourceSettings, signal: AbortSignal): Promise<SourceTest> {
  const client = await connectPostgres(settings, signal);
  const steps: SourceTest['steps'][number][] = [{ what: 'reached', ok: true, detail: `as ${textParameter(settings, 'user')}` }];
  try {
    const shape = await readShape(client, settings);
    steps.push({ what: 'columns', ok: true, detail: shape.columns.map(({ name, sqlType }) => `${name} ${sqlType}`).join(', ') });
    const query = newRowsQuery(shape, AT_THE_BEGINNING, 0);
    const pages = pagesOf(
      { ...query, text: `${query.text} LIMIT 1` },
      { client, shape, snapshot: { xmin: 0n, xmax: 1n << 63n }, limits: { rowsMax: 1, bytesMax: 1e6 }, signal },
    );
    for await (const [first] of pages) {
      if (first === undefined) break;
      return { steps: [...steps, { what: 'may read', ok: true, detail: first.row.place }], sample: first.row.input };
    }
    return { steps: [...steps, { what: 'may read', ok: true, detail: 'there are no rows yet' }] };
  } catch (error) {
    const { message } = postgresError('it failed', error);
    return { steps: [...steps, { what: steps.length === 1 ? 'columns' : 'may read', ok: false, detail: settings.redact(message) }] };
  } finally {
    await client.end().catch(() => undefined); // it may have ended the session itself
  }
}
