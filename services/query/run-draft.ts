import { ThymeError } from '../../libs/errors/errors.js';
import { compileValueWriter } from '../../libs/schema/write-value.js';
import type { Field, Row } from '../../libs/schema/value-type.js';
import { present } from '../../libs/wire/present.js';
import type { QueryCaller } from './answers.js';
import type { EndedQuery, QueryRun, RunKeyValue } from './query-run.js';

/** Pairs of an offline query that its run keeps: more would make the audit larger than the answer. */
export const OFFLINE_PAIRS_KEPT_MAX = 10_000;

const NAME_LENGTH_MAX = 256;

/** A run while its query goes on: filled as things become known, finished once. */
export class RunDraft {
  readonly id: string;
  hadInputs = false;
  requestedTimestampUs: number | undefined;
  knownAtUs: number | 'timestamp' | undefined;
  asOfUs: number | undefined;
  rowCount = 0;
  hitCount = 0;
  readonly #kind: QueryRun['kind'];
  readonly #name: string;
  readonly #createdUs: number;
  readonly #caller: QueryCaller;
  readonly #keys: Row[] = [];
  readonly #timestampsUs: number[] = [];
  #keyFields: readonly Field[] = [];

  constructor(id: string, kind: QueryRun['kind'], name: string, { createdUs, caller }: { readonly createdUs: number; readonly caller: QueryCaller }) {
    this.id = id;
    this.#kind = kind;
    this.#name = name.slice(0, NAME_LENGTH_MAX).replaceAll('\0', ''); // as the request has it: it may be no featureset at all
    this.#createdUs = createdUs;
    this.#caller = caller;
  }

  /** Kept as it is; written out after the answer is on its way. */
  asks(keyFields: readonly Field[], keys: readonly Row[]): void {
    this.#keyFields = keyFields;
    this.#keys.length = 0;
    for (const key of keys) this.#keys.push(key);
  }

  /** One row of an offline query, up to what is kept. */
  asksAt(keyFields: readonly Field[], key: Row, timestampUs: number): void {
    this.#keyFields = keyFields;
    if (this.#keys.length >= OFFLINE_PAIRS_KEPT_MAX) return;
    this.#keys.push(key);
    this.#timestampsUs.push(timestampUs);
  }

  end(endedUs: number, error?: unknown): EndedQuery {
    return { entityCount: this.#keys.length, toRun: () => this.#toRun(endedUs, error) };
  }

  #toRun(endedUs: number, error: unknown): QueryRun {
    return present({
      id: this.id,
      kind: this.#kind,
      featureset: this.#name,
      entities: writeKeys(this.#keyFields, this.#keys),
      requestedTimestampUs: this.requestedTimestampUs,
      knownAtUs: this.knownAtUs,
      asOfUs: this.asOfUs,
      timestampsUs: this.#kind === 'offline' ? this.#timestampsUs : undefined,
      rowCount: this.rowCount,
      hitCount: this.hitCount,
      latencyMs: (endedUs - this.#createdUs) / 1_000,
      apiKeyFingerprint: this.#caller.apiKeyFingerprint,
      error: error === undefined ? undefined : describe(error),
      createdUs: this.#createdUs,
      hadInputs: this.hadInputs,
    });
  }
}

function describe(error: unknown): string {
  if (!(error instanceof ThymeError)) return 'THYME_INTERNAL';
  const places = error.violations.map(({ field }) => field).join(', ');
  return places === '' ? error.code : `${error.code}: ${places}`;
}

function writeKeys(fields: readonly Field[], keys: readonly Row[]): readonly (readonly RunKeyValue[])[] {
  const writers = fields.map(({ type }) => compileValueWriter(type));
  return keys.map((key) => key.map((value, i): RunKeyValue => {
    const written = writers[i]?.(value) ?? '';
    return typeof written === 'object' ? '' : written; // keys are scalars
  }));
}
