import { ThymeError } from '../../libs/errors/errors.js';
import { formatDate } from '../../libs/schema/calendar-date.js';
import type { Field, Row, Value, ValueType } from '../../libs/schema/value-type.js';
import { asNumber } from '../../libs/schema/write-value.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import type { QueryCaller } from './answers.js';
import type { EndedQuery, QueryRun, RunKeyValue } from './query-run.js';

/** Pairs of an offline query that its run keeps: more would make the audit larger than the answer. */
export const OFFLINE_PAIRS_KEPT_MAX = 10_000;

const NAME_LENGTH_MAX = 256;

/** A run while its query goes on: filled as things become known, ended once. Whatever can wait for the answer to go does. */
export class RunDraft implements EndedQuery {
  readonly id: string;
  readonly createdUs: number;
  hadInputs = false;
  requestedTimestampUs: number | undefined;
  knownAtUs: number | 'timestamp' | undefined;
  asOfUs: number | undefined;
  rowCount = 0;
  hitCount = 0;
  readonly #kind: QueryRun['kind'];
  readonly #name: string;
  readonly #caller: QueryCaller;
  readonly #timestampsUs: number[] = [];
  #keys: Row[] = [];
  #keyFields: readonly Field[] = [];
  #endedUs = 0;
  #error: unknown;

  constructor(id: string, kind: QueryRun['kind'], name: string, { createdUs, caller }: { readonly createdUs: number; readonly caller: QueryCaller }) {
    this.id = id;
    this.#kind = kind;
    this.#name = name;
    this.createdUs = createdUs;
    this.#caller = caller;
  }

  get entityCount(): number {
    return this.#keys.length;
  }

  /** Takes the keys over as they are. */
  asks(keyFields: readonly Field[], keys: Row[]): void {
    this.#keyFields = keyFields;
    this.#keys = keys;
  }

  /** One row of an offline query, up to what is kept. */
  asksAt(keyFields: readonly Field[], key: Row, timestampUs: number): void {
    this.#keyFields = keyFields;
    if (this.#keys.length >= OFFLINE_PAIRS_KEPT_MAX) return;
    this.#keys.push(key);
    this.#timestampsUs.push(timestampUs);
  }

  end(endedUs: number, error?: unknown): EndedQuery {
    this.#endedUs = endedUs;
    this.#error = error;
    return this;
  }

  toRun(): QueryRun {
    return {
      id: this.id,
      kind: this.#kind,
      featureset: this.#name.slice(0, NAME_LENGTH_MAX).replaceAll('\0', ''), // as the request has it: it may be no featureset at all
      entities: this.#keys.map((key) => key.map((value, i) => keyValueOf(value, this.#keyFields[i]?.type))),
      requestedTimestampUs: this.requestedTimestampUs,
      knownAtUs: this.knownAtUs,
      asOfUs: this.asOfUs,
      timestampsUs: this.#kind === 'offline' ? this.#timestampsUs : undefined,
      rowCount: this.rowCount,
      hitCount: this.hitCount,
      latencyMs: (this.#endedUs - this.createdUs) / 1_000,
      apiKeyFingerprint: this.#caller.apiKeyFingerprint,
      error: this.#error === undefined ? undefined : describe(this.#error),
      createdUs: this.createdUs,
      hadInputs: this.hadInputs,
    };
  }
}

function describe(error: unknown): string {
  if (!(error instanceof ThymeError)) return 'THYME_INTERNAL';
  const places = error.violations.map(({ field }) => field).join(', ');
  return places === '' ? error.code : `${error.code}: ${places}`;
}

/** Keys are scalars; times become text. */
function keyValueOf(value: Value, type: ValueType | undefined): RunKeyValue {
  if (type?.kind === 'timestamp') return formatTimestamp(asNumber(value));
  if (type?.kind === 'date') return formatDate(asNumber(value));
  return value === null || typeof value === 'object' ? '' : value;
}
