import type pg from 'pg';
import { createHash } from 'node:crypto';
import type { Clock } from '../../../time/clock.js';
import type { Connector, SourceTest } from '../../connector.js';
import { type SourceSettings, textParameter } from '../../source-settings.js';
import { connectPostgres, postgresError } from '../postgres-client.js';
import { quoted, readColumns } from '../table-shape.js';
import type { CaptureTimes } from './capture-begin.js';
import { CaptureReader } from './capture-reader.js';
import { captureTable, type CapturedTable } from './captured-table.js';
import { formatLsn } from './lsn.js';
import { hasPublication, publicationStatement } from './publication.js';
import { requireLogicalWal, slotError, slotState } from './slot.js';
import { loadPages } from './table-load.js';
import { TypeCatalog } from './type-catalog.js';

/** The server ends a session that it has not heard of for a minute, unless it is told otherwise. */
export const CAPTURE_TIMES: CaptureTimes = { statusMs: 10_000, silenceMs: 60_000, lookMs: 10_000 };
/** Bytes of a name in Postgres. */
const NAME_BYTES_MAX = 63;

/** A table of PostgreSQL by its log (`mode: 'cdc'`): a part of the connector `postgres`. */
export function captureConnector(clock: Clock, times: CaptureTimes = CAPTURE_TIMES): Omit<Connector, 'name'> {
  return {
    // Not its address: a stand-by that was promoted goes on with the slot, and the position knows its server (W3).
    fingerprint: ({ parameters }) =>
      JSON.stringify(['postgres', 'cdc', ...['database', 'schema', 'table', 'key', 'slot'].map((name) => parameters.get(name) ?? null)]),
    test,
    async open(settings, signal) {
      const client = await connectPostgres(settings, signal);
      try {
        const { table, types } = await look(client, settings);
        return new CaptureReader({
          settings,
          client,
          table,
          types,
          clock,
          times,
          slot: slotOf(settings),
          publication: publicationOf(settings),
        });
      } catch (error) {
        await client.end().catch(() => undefined); // it may have ended by itself
        throw postgresError(`looking at ${textParameter(settings, 'table')} failed`, error);
      }
    },
  };
}

async function look(client: pg.Client, settings: SourceSettings): Promise<{ readonly table: CapturedTable; readonly types: TypeCatalog }> {
  const columns = await readColumns(client, String(settings.parameters.get('schema') ?? 'public'), textParameter(settings, 'table'));
  return { table: await captureTable(client, settings, columns), types: new TypeCatalog(client, columns) };
}

/** `thyme_order_v1`, unless it is named. */
function slotOf({ parameters, dataset }: SourceSettings): string {
  const given = parameters.get('slot');
  if (given !== undefined) return String(given);
  const name = `thyme_${dataset.name.toLowerCase()}_v${dataset.version}`;
  if (name.length <= NAME_BYTES_MAX) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${name.slice(0, NAME_BYTES_MAX - digest.length - 1)}_${digest}`;
}

function publicationOf(settings: SourceSettings): string {
  return String(settings.parameters.get('publication') ?? slotOf(settings));
}

type Step = SourceTest['steps'][number];

/** What would be needed is looked at, and nothing is made. */
async function test(settings: SourceSettings, signal: AbortSignal): Promise<SourceTest> {
  const client = await connectPostgres(settings, signal);
  const steps: Step[] = [{ what: 'reached', ok: true, detail: `as ${textParameter(settings, 'user')}` }];
  let what = 'columns';
  try {
    const { table } = await look(client, settings);
    steps.push({ what, ok: true, detail: table.columns.map(({ name, sqlType }) => `${name} ${sqlType}`).join(', ') });
    for (const [name, check] of CHECKS) {
      what = name;
      steps.push({ what, ok: true, detail: await check(client, settings, table) });
    }
    what = 'may read';
    const sample = await sampleOf(client, settings, table, signal);
    return {
      steps: [...steps, { what, ok: true, detail: sample?.place ?? 'there are no rows yet' }],
      ...(sample && { sample: sample.input }),
    };
  } catch (error) {
    const { message } = postgresError('it failed', error);
    return { steps: [...steps, { what, ok: false, detail: settings.redact(message) }] };
  } finally {
    await client.end().catch(() => undefined); // it may have ended the session itself
  }
}

type Check = (client: pg.Client, settings: SourceSettings, table: CapturedTable) => Promise<string>;

const CHECKS: readonly (readonly [what: string, check: Check])[] = [
  [
    'log',
    async (client, _settings, { isFull, name }) => {
      await requireLogicalWal(client);
      return isFull
        ? 'logical, whole rows'
        : `logical; large values that an update leaves alone are read from ${name} again (REPLICA IDENTITY FULL has them in the log)`;
    },
  ],
  ['may replicate', requireReplication],
  [
    'publication',
    async (client, settings, table) => {
      const name = publicationOf(settings);
      const isThere = await hasPublication(client, name, table, settings.dataset.cdc === undefined);
      return isThere ? name : `not there yet; the source makes it: ${publicationStatement(name, table)}`;
    },
  ],
  [
    'slot',
    async (client, settings) => {
      const slot = slotOf(settings);
      const state = await slotState(client, slot);
      if (state === undefined) return `${slot} is not there yet; the source makes it`;
      return `${slot}, ${state.walStatus}, keeps ${Number(state.end - state.restart)} bytes of the log from ${formatLsn(state.restart)} on`;
    },
  ],
];

const RIGHTS = `
  SELECT (rolreplication OR rolsuper)::text AS may, EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'rds_replication')::text AS managed,
         EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'rds_replication' AND pg_has_role(r.oid, 'member'))::text AS member
    FROM pg_roles WHERE rolname = current_user`;

async function requireReplication(client: pg.Client, settings: SourceSettings): Promise<string> {
  const { rows } = await client.query<{ readonly may: string; readonly managed: string; readonly member: string }>(RIGHTS);
  const [row] = rows;
  if (row?.may === 'true' || row?.member === 'true') return 'yes';
  const role = quoted(textParameter(settings, 'user'));
  throw slotError(
    `this role may not replicate: ${row?.managed === 'true' ? `GRANT rds_replication TO ${role}` : `ALTER ROLE ${role} REPLICATION`}`,
  );
}

async function sampleOf(
  client: pg.Client,
  settings: SourceSettings,
  table: CapturedTable,
  signal: AbortSignal,
): Promise<{ readonly input: unknown; readonly place: string } | undefined> {
  const pages = loadPages({
    client,
    table,
    snapshot: '',
    timeUs: 0,
    isUpsert: false,
    after: null,
    limits: { rowsMax: 1, bytesMax: 1e6 },
    signal,
  });
  for await (const { rows } of pages) return rows[0];
  return undefined;
}
