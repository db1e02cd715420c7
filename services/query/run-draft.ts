import { ThymeError } from '../../libs/errors/errors.js';
import { formatDate } from '../../libs/schema/calendar-date.js';
import type { Field, Row, Value, ValueType } from '../../libs/schema/value-type.js';
import { asNumber } from '../../libs/schema/write-value.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import type { QueryCaller } from './answers.js';
import type { EndedQuery, QueryRun, RunKeyValue } from './query-run.js';

/** Entities that a run keeps of its query. With all of them, whoever asks in batches writes the audit as fast as the network brings ids. */
export const ENTITIES_KEPT_MAX = 100;
/** Characters of those entities: a key may have a kilobyte. The first is kept in any case. */
const ENTITIES_TEXT_MAX = 8_192;

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
  readonly isContinued: boolean;
  readonly #timestampsUs: number[] = [];
  #keys: Row[] = [];
  /** How many there were, of which #keys are the first. */
  #asked = 0;
  #keyFields: readonly Field[] = [];
  #endedUs = 0;
  #error: unknown;

  constructor(
    id: string,
    kind: QueryRun['kind'],
    name: string,
    {
      createdUs,
      caller,
      isContinued = false,
    }: { readonly createdUs: number; readonly caller: QueryCaller; readonly isContinued?: boolean },
  ) {
    this.isContinued = isContinued;
    this.id = id;
    this.#kind = kind;
    this.#name = name;
    this.createdUs = createdUs;
    this.#caller = caller;
  }

  get entityCount(): number {
    return this.#keys.length;
  }

  /** Keeps the first of them, as they are. */
  asks(keyFields: readonly Field[], keys: readonly Row[]): void {
    this.#keyFields = keyFields;
    this.#asked = keys.length;
    this.#keys = keys.slice(0, ENTITIES_KEPT_MAX);
  }

  /** One row of an offline query. */
  asksAt(keyFields: readonly Field[], key: Row, timestampUs: number): void {
    this.#keyFields = keyFields;
    this.#asked += 1;
    if (this.#keys.length >= ENTITIES_KEPT_MAX) return;
    this.#keys.push(key);
    this.#timestampsUs.push(timestampUs);
  }

  end(endedUs: number, error?: unknown): EndedQuery {
    this.#endedUs = endedUs;
    this.#error = error;
    return this;
  }

  toRun(): QueryRun {
    const entities = this.#entities();
    return {
      id: this.id,
      kind: this.#kind,
      featureset: this.#name.slice(0, NAME_LENGTH_MAX).replaceAll('\0', ''), // as the request has it: it may be no featureset at all
      entities,
      entityCount: entities.length < this.#asked ? this.#asked : undefined,
      requestedTimestampUs: this.requestedTimestampUs,
      knownAtUs: this.knownAtUs,
      asOfUs: this.asOfUs,
      timestampsUs: this.#kind === 'offline' ? this.#timestampsUs.slice(0, entities.length) : undefined,
      rowCount: this.rowCount,
      hitCount: this.hitCount,
      latencyMs: (this.#endedUs - this.createdUs) / 1_000,
      apiKeyFingerprint: this.#caller.apiKeyFingerprint,
      error: this.#error === undefined ? undefined : describe(this.#error),
      createdUs: this.createdUs,
      hadInputs: this.hadInputs,
    };
  }

  #entities(): readonly (readonly RunKeyValue[])[] {
    return withinText(this.#keys.map((key) => key.map((value, i) => keyValueOf(value, this.#keyFields[i]?.type))));
  }
}

/** As many as there is room for. */
export function withinText(entities: readonly (readonly RunKeyValue[])[]): readonly (readonly RunKeyValue[])[] {
  let text = 0;
  const end = entities.findIndex((key, i) => {
    for (const value of key) text += typeof value === 'string' ? value.length : 8;
    return i > 0 && text > ENTITIES_TEXT_MAX;
  });
  return end < 0 ? entities : entities.slice(0, end);
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
