import { isUtf8 } from 'node:buffer';
import type { LogRequest } from '../../gen/thyme/v1/ingest_pb.js';
import type { StructValue } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import type { Field } from '../../libs/schema/value-type.js';
import { plainFields } from '../../libs/wire/untyped-values.js';
import { holdsDecimal, withExactDecimals, withLongNumbersQuoted } from './exact-decimals.js';
import { BATCH_RECORDS_MAX, BODY_BYTES_MAX, BODY_VALUES_MAX, VALUES_COUNTED_BYTES_MIN } from './ingest-limits.js';
import { exceedsValues } from './json-values.js';
import { UnreadableRecord } from './unreadable-record.js';

/** The records of a batch, before it is known what they should be. */
export type BatchBody =
  /** As JSON.parse gives them. */
  | { readonly kind: 'parsed'; readonly records: readonly unknown[] }
  | { readonly kind: 'messages'; readonly events: readonly StructValue[] }
  /** A JSON array of records, or one record a line. */
  | { readonly kind: 'json'; readonly bytes: Uint8Array };

const BYTE_ORDER_MARK = '\uFEFF';

export function bodyOf({ events, json }: Pick<LogRequest, 'events' | 'json'>): BatchBody {
  if (json.length === 0) return { kind: 'messages', events };
  if (events.length > 0) throw invalidArgument('json', 'send either events or json, not both');
  return { kind: 'json', bytes: json };
}

/** The records for a reader of these fields, in order; among them an `UnreadableRecord` for each that cannot be read. */
export function readBody(body: BatchBody, fields: readonly Field[]): readonly unknown[] {
  switch (body.kind) {
    case 'parsed':
      return body.records;
    case 'messages':
      return body.events.map((event) => recordOrReason(() => plainFields(event.fields, ''), ''));
    case 'json':
      return readJson(bodyText(body.bytes), fields);
  }
}

function readJson(text: string, fields: readonly Field[]): readonly unknown[] {
  const records = parseRecords(text);
  const quoted = holdsDecimal(fields) ? withLongNumbersQuoted(text) : undefined;
  return quoted === undefined ? records : withExactDecimals(records, parseRecords(quoted), fields);
}

function parseRecords(text: string): readonly unknown[] {
  const start = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  const first = /\S/g;
  first.lastIndex = start;
  const found = first.exec(text);
  if (found === null) return [];
  return found[0] === '[' ? parseArray(text.slice(found.index)) : parseLines(text.slice(found.index));
}

function bodyText(json: Uint8Array): string {
  if (json.length > BODY_BYTES_MAX) {
    throw new ThymeError(
      'THYME_BODY_TOO_LARGE',
      'INVALID_ARGUMENT',
      `json: ${json.length} bytes are over the limit of ${BODY_BYTES_MAX}: send several smaller batches`,
    );
  }
  if (json.length > VALUES_COUNTED_BYTES_MIN && exceedsValues(json, BODY_VALUES_MAX))
    throw invalidArgument('json', `holds more than ${BODY_VALUES_MAX} values: send several smaller batches`);
  // Decoding would put U+FFFD in place of a broken character, and store what nobody sent.
  if (!isUtf8(json)) throw invalidArgument('json', 'is not UTF-8: encode the text as UTF-8');
  return Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString('utf8');
}

function parseArray(text: string): readonly unknown[] {
  const parsed: unknown = parsedOrRefused(text);
  // A text that starts with a bracket is an array, or did not parse.
  return Array.isArray(parsed) ? parsed : [];
}

function parsedOrRefused(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalidArgument('json', `is no JSON array of records: ${reasonOf(cause)}`);
  }
}

function parseLines(text: string): readonly unknown[] {
  const records: unknown[] = [];
  for (let start = 0; start < text.length;) {
    const lineEnd = text.indexOf('\n', start);
    const end = lineEnd < 0 ? text.length : lineEnd;
    const line = text.slice(start, end);
    start = end + 1;
    if (line === '' || line.trim() === '') continue;
    if (records.length === BATCH_RECORDS_MAX)
      throw new ThymeError(
        'THYME_BATCH_TOO_LONG',
        'INVALID_ARGUMENT',
        `events: more than ${BATCH_RECORDS_MAX} records: send several smaller batches`,
      );
    records.push(recordOrReason(() => JSON.parse(line), line));
  }
  return records;
}

function recordOrReason(read: () => unknown, text: string): unknown {
  try {
    return read();
  } catch (cause) {
    return new UnreadableRecord(text, cause instanceof ThymeError ? cause.message : `is no JSON: ${reasonOf(cause)}`);
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
