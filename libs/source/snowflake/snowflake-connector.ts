import type { Clock } from '../../time/clock.js';
import type { Connector, SourceTest } from '../connector.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { lookBackOf } from '../table/look-back.js';
import { SettlingReader } from '../table/settling-reader.js';
import { newRowsSelect } from '../table/table-sql.js';
import { changesConnector } from './changes-connector.js';
import { snowflakeError } from './snowflake-error.js';
import { SnowflakeSession } from './snowflake-session.js';
import { readShape } from './snowflake-shape.js';
import { DIALECT, inputOf, snowflakeTable } from './snowflake-table.js';

/** What a position belongs to. */
const PLACE = ['endpointUrl', 'account', 'database', 'schema', 'table', 'key'];

/** A table or view of Snowflake: polled, or by its change tracking (`mode: 'changes'`). What time it is the system says. */
export function snowflakeConnector(_clock: Clock): Connector {
  const of = ({ parameters }: SourceSettings): Omit<Connector, 'name'> =>
    parameters.get('mode') === 'changes' ? changesConnector : polled;
  return {
    name: 'snowflake',
    fingerprint: (settings) => of(settings).fingerprint(settings),
    test: (settings, signal) => of(settings).test(settings, signal),
    open: (settings, signal) => of(settings).open(settings, signal),
  };
}

/** In the order of (cursor, key). */
const polled: Omit<Connector, 'name'> = {
  fingerprint: ({ source, parameters }) =>
    JSON.stringify(['snowflake', ...PLACE.map((name) => parameters.get(name) ?? null), source.cursor ?? null]),
  test,
  async open(settings, signal) {
    const session = await SnowflakeSession.open(settings, signal);
    try {
      const shape = await readShape(session, settings, signal);
      return new SettlingReader({ table: snowflakeTable(shape, session), lookBackS: lookBackOf(settings) });
    } catch (error) {
      await session.close();
      if (signal.aborted) throw error;
      throw snowflakeError(`looking at ${textParameter(settings, 'table')} failed`, error);
    }
  },
};

async function test(settings: SourceSettings, signal: AbortSignal): Promise<SourceTest> {
  const session = await SnowflakeSession.open(settings, signal);
  const steps: SourceTest['steps'][number][] = [{ what: 'reached', ok: true, detail: `as ${textParameter(settings, 'user')}` }];
  try {
    const shape = await readShape(session, settings, signal);
    steps.push({ what: 'columns', ok: true, detail: shape.columns.map(({ name, sqlType }) => `${name} ${sqlType}`).join(', ') });
    const select = newRowsSelect(shape, { place: undefined, initialEnd: undefined }, { dialect: DIALECT, rowsMax: 1 });
    const [row] = await session.rows(select.text, signal);
    if (row === undefined) return { steps: [...steps, { what: 'may read', ok: true, detail: 'there are no rows yet' }] };
    const sample = inputOf(row, 2 + shape.key.length, shape);
    return { steps: [...steps, { what: 'may read', ok: true, detail: 'a row of it, as it would be pushed' }], sample };
  } catch (error) {
    const { message } = snowflakeError('it failed', error);
    return { steps: [...steps, { what: steps.length === 1 ? 'columns' : 'may read', ok: false, detail: settings.redact(message) }] };
  } finally {
    await session.close();
  }
}
