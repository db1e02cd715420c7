// A change as Debezium writes it: { before, after, op, source: { ts_ms } }, alone or as the payload beside its schema.
//
//   op  c created, u updated, r read by a snapshot    the row is `after`
//       d deleted                                     the row is `before`, of which the rowKey is enough
//       t truncated, m message                        refused: they are of no row

import { invalidArgument } from '../../libs/errors/errors.js';
import { memberSchema } from './debezium-columns.js';

export interface Envelope {
  readonly deleted: boolean;
  /** The row as it is now, or was before it was deleted. */
  readonly row: unknown;
  /** The row before an update, where the envelope has it. */
  readonly before: unknown;
  /** What the schema beside the payload says of `row` and `before`; undefined without one. */
  readonly rowSchema: unknown;
  readonly beforeSchema: unknown;
  /** µs: when the source changed it. */
  readonly timeUs: number;
  /** Read by a snapshot: known at its event time (S22). */
  readonly historical: boolean;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Throws INVALID_ARGUMENT that names what is wrong, as `<place>.<member>`. */
export function readEnvelope(input: unknown, place: string): Envelope {
  const { schema, payload: envelope } = unwrapped(input);
  if (envelope === undefined || !Object.hasOwn(envelope, 'op'))
    throw invalidArgument(place, "is no Debezium envelope: send { before, after, op, source }, or declare cdc: 'upsert' for plain rows");
  const { op } = envelope;
  if (op === 't') throw invalidArgument(`${place}.op`, "'t' empties a table, and its rows are not known here: delete them one by one");
  if (op === 'm') throw invalidArgument(`${place}.op`, "'m' is a message, of no row: leave it out");
  if (op !== 'c' && op !== 'u' && op !== 'r' && op !== 'd')
    throw invalidArgument(`${place}.op`, `${JSON.stringify(op)} is no operation of Debezium: c, u, r and d are taken`);
  const deleted = op === 'd';
  const member = deleted ? 'before' : 'after';
  const row = envelope[member];
  if (!isObject(row)) {
    const fix = deleted ? 'let the table send it (REPLICA IDENTITY), its rowKey at least' : 'send the row as it is now';
    throw invalidArgument(`${place}.${member}`, `is missing in a change '${op}': ${fix}`);
  }
  return {
    deleted,
    row,
    before: envelope['before'],
    rowSchema: memberSchema(schema, member),
    beforeSchema: memberSchema(schema, 'before'),
    timeUs: timeOf(envelope['source'], place),
    historical: op === 'r',
  };
}

/** Newer versions of Debezium say it to the microsecond too. */
function timeOf(source: unknown, place: string): number {
  const { ts_us: us, ts_ms: ms } = isObject(source) ? source : {};
  const timeUs = us === undefined || us === null ? Number(ms ?? Number.NaN) * 1_000 : Number(us);
  if (!Number.isSafeInteger(timeUs))
    throw invalidArgument(`${place}.source.ts_ms`, 'is no time in milliseconds: send when the source changed the row');
  return timeUs;
}

/** What stands beside its schema, as Connect's converter writes it, or alone; no payload where the input is no object. */
export function unwrapped(input: unknown): { readonly schema: unknown; readonly payload: JsonObject | undefined } {
  if (!isObject(input)) return { schema: undefined, payload: undefined };
  const { schema, payload } = input;
  return Object.hasOwn(input, 'schema') && isObject(payload) ? { schema, payload } : { schema: undefined, payload: input };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
