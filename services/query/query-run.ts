/** What was asked, never what was answered (DESIGN 7). */
export interface QueryRun {
  /** Sorts by the time it was made. */
  readonly id: string;
  readonly kind: 'online' | 'batch' | 'offline' | 'lookup';
  /** The featureset, or the dataset of a lookup. */
  readonly featureset: string;
  /** As JSON has them: a value for each key field, times as text. The first ones, up to what is kept; empty where the ids were refused. */
  readonly entities: readonly (readonly RunKeyValue[])[];
  /** How many were asked for. Absent where they are all there, as in every run of before there was a limit. */
  readonly entityCount?: number | undefined;
  readonly requestedTimestampUs?: number | undefined;
  readonly knownAtUs?: number | 'timestamp' | undefined;
  /** T, once it was known: a replay asks at this instant again. */
  readonly asOfUs?: number | undefined;
  /** Offline: the instant of each entity. */
  readonly timestampsUs?: readonly number[] | undefined;
  readonly rowCount: number;
  /** Rows of whose entity anything had ever been recorded. */
  readonly hitCount: number;
  readonly latencyMs: number;
  readonly apiKeyFingerprint?: string | undefined;
  /** The error's code and the places that it names; its words could hold values. */
  readonly error?: string | undefined;
  readonly createdUs: number;
  readonly hadInputs: boolean;
}

export type RunKeyValue = string | number | boolean;

/** A query that has ended. Its run is written out after the answer is on its way. */
export interface EndedQuery {
  /** How many entities it holds on to. */
  readonly entityCount: number;
  /** The run is on record already: this is one more request of it. */
  readonly isContinued?: boolean;
  toRun(): QueryRun;
}

/** How many entities the run's query asked for. */
export function entityCountOf({ entities, entityCount = entities.length }: QueryRun): number {
  return entityCount;
}

/** Where ended queries leave their runs. Neither waits, neither throws. */
export interface RunRecorder {
  newId(createdUs: number): string;
  record(query: EndedQuery): void;
}
