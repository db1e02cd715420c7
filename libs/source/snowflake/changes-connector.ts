import type { Connector, SourceTest } from '../connector.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { ChangesReader, trackedTable } from './changes-reader.js';
import { type TrackedTable, trackingSelect } from './changes-sql.js';
import { snowflakeError } from './snowflake-error.js';
import { quoted } from './snowflake-names.js';
import { SnowflakeSession } from './snowflake-session.js';
import { readTable } from './snowflake-shape.js';
import { inputOf } from './snowflake-table.js';
import { selectedAs } from './snowflake-values.js';

const PLACE = ['endpointUrl', 'account', 'database', 'schema', 'table'];

/** A table of Snowflake by its change tracking (`mode: 'changes'`): a part of the connector `snowflake`. */
export const changesConnector: Omit<Connector, 'name'> = {
  fingerprint: ({ parameters, dataset }) =>
    JSON.stringify(['snowflake', 'changes', ...PLACE.map((name) => parameters.get(name) ?? null), dataset.cdc?.rowKey ?? null]),
  test,
  async open(settings, signal) {
    const session = await SnowflakeSession.open(settings, signal);
    try {
      return new ChangesReader(session, await look(session, settings, signal));
    } catch (error) {
      await session.close();
      if (signal.aborted) throw error;
      throw snowflakeError(`looking at ${textParameter(settings, 'table')} failed`, error);
    }
  },
};

async function look(session: SnowflakeSession, settings: SourceSettings, signal: AbortSignal): Promise<TrackedTable> {
  return trackedTable(await readTable(session, settings, signal), settings.dataset.cdc?.rowKey ?? []);
}

async function test(settings: SourceSettings, signal: AbortSignal): Promise<SourceTest> {
  const session = await SnowflakeSession.open(settings, signal);
  const steps: SourceTest['steps'][number][] = [{ what: 'reached', ok: true, detail: `as ${textParameter(settings, 'user')}` }];
  let what = 'columns';
  try {
    const table = await look(session, settings, signal);
    steps.push({ what, ok: true, detail: table.columns.map(({ name, sqlType }) => `${name} ${sqlType}`).join(', ') });
    what = 'change tracking';
    await session.rows(trackingSelect(table), signal);
    steps.push({ what, ok: true, detail: 'its changes may be read' });
    what = 'may read';
    const values = table.fields.map(({ column }) => selectedAs(column, quoted(column.name)));
    const [row] = await session.rows(`SELECT ${values.join(', ')} FROM ${table.sqlName} LIMIT 1`, signal);
    if (row === undefined) return { steps: [...steps, { what, ok: true, detail: 'there are no rows yet' }] };
    return { steps: [...steps, { what, ok: true, detail: 'a row of it, as it would be pushed' }], sample: inputOf(row, 0, table) };
  } catch (error) {
    const { message } = snowflakeError('it failed', error);
    return { steps: [...steps, { what, ok: false, detail: settings.redact(message) }] };
  } finally {
    await session.close();
  }
}
