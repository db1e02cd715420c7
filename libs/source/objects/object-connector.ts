import type { Field } from '../../schema/value-type.js';
import type { SourceTest } from '../connector.js';
import { SourceError } from '../source-error.js';
import type { SourceSettings } from '../source-settings.js';
import { LOOK_BACK_DEFAULT, LOOK_BACK_MAX } from './object-position.js';
import { openObjectRows } from './object-rows.js';
import type { ObjectStore, StoredObject } from './object-store.js';

/** What the connectors of objects share beside their reader. */
export function lookBackOf({ parameters, source }: SourceSettings): number {
  const given = parameters.get('lookBack');
  const lookBack = given === undefined ? LOOK_BACK_DEFAULT : Number(given);
  if (Number.isInteger(lookBack) && lookBack >= 0 && lookBack <= LOOK_BACK_MAX) return lookBack;
  throw new SourceError(
    'stop',
    'THYME_SOURCE_PARAMETER',
    `lookBack of ${source.dataset}'s ${source.connector} source: use an integer from 0 to ${LOOK_BACK_MAX}`,
  );
}

/** Whether the store is reached, the first object may be read, and its first row fits the fields. */
export async function testObjects(store: ObjectStore, fields: readonly Field[], signal: AbortSignal): Promise<SourceTest> {
  const first = await firstObject(store, signal);
  if (first === undefined) return { steps: [{ what: 'reached', ok: true, detail: `${store.place}: there is no object yet` }] };
  const reached = { what: 'reached', ok: true, detail: `${store.place}: the first is ${first.key}` };
  for await (const row of openObjectRows(store, first, fields, signal)) {
    const columns = columnsStep(row.input, fields);
    return { steps: [reached, { what: 'may read', ok: true, detail: `${first.key} ${row.place}` }, columns], sample: row.input };
  }
  return { steps: [reached, { what: 'may read', ok: true, detail: `${first.key} has no rows` }] };
}

async function firstObject(store: ObjectStore, signal: AbortSignal): Promise<StoredObject | undefined> {
  // One that may still be written to is good enough for a look.
  for await (const object of store.listAll?.(signal) ?? store.list(undefined, signal)) return object;
  return undefined;
}

function columnsStep(input: unknown, fields: readonly Field[]): SourceTest['steps'][number] {
  const names = new Set(typeof input === 'object' && input !== null ? Object.keys(input) : []);
  const missing = fields.filter(({ name, type }) => !names.has(name) && !type.optional).map(({ name }) => name);
  if (missing.length > 0) return { what: 'columns', ok: false, detail: `it lacks ${missing.join(', ')}` };
  const ignored = [...names].filter((name) => !fields.some((field) => field.name === name));
  return {
    what: 'columns',
    ok: true,
    detail: ignored.length === 0 ? 'all are there' : `all are there; ${ignored.join(', ')} are left out`,
  };
}
