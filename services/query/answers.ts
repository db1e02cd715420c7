import type { Field, Row } from '../../libs/schema/value-type.js';
import type { GivenInputs } from './row-inputs.js';

/** How fresh an answer's state was. */
export interface Freshness {
  /** The oldest watermark of the partitions and timelines that were read, µs; undefined before any record. */
  readonly watermarkUs: number | undefined;
  /** How far the replica may lie behind its owner, µs; undefined when it is cut off. */
  readonly lagUs: number | undefined;
}

/** When a question is asked about; all absent is now, with everything known (S3, S22). */
export interface QueryTime {
  readonly timestampUs?: number | undefined;
  readonly knownAtUs?: number | undefined;
  /** A push's token: wait for its records (S21). */
  readonly after?: string | undefined;
}

/** Who asks, and until when. */
export interface QueryCaller {
  /** Aborted at the deadline, or when the caller is gone. */
  readonly signal: AbortSignal;
  /** Whether it has been, without asking for the signal: to make one costs as much as a small query. */
  readonly isOver?: boolean;
  /** The first 8 hex digits of the key's SHA-256. */
  readonly apiKeyFingerprint?: string;
  /** Told the run's id before anything else happens, so that a failure and a stream can carry it too. */
  readonly onQueryRunId?: (id: string) => void;
  /** A replay leaves no run of its own. */
  readonly isReplay?: boolean;
}

/**
 * An entity as a request names it: its id, or for a composite key an object of its fields or a list
 * in their order. Coerced to the key's types (REST 8).
 */
export type EntityInput = unknown;

export interface QueryInput extends QueryTime {
  readonly featureset: string;
  readonly entity: EntityInput;
  readonly inputs?: GivenInputs | undefined;
}

export interface BatchInput extends QueryTime {
  readonly featureset: string;
  readonly entities: readonly EntityInput[];
  /** Request-time inputs that all entities share, or a list with those of each. */
  readonly inputs?: GivenInputs | readonly GivenInputs[] | undefined;
  /** The place of each entity in the whole batch, where these are a part of one: errors name it. */
  readonly rowNumbers?: readonly number[] | undefined;
}

export interface LookupInput extends QueryTime {
  readonly dataset: string;
  readonly entity: EntityInput;
}

export interface OfflineInput {
  readonly featureset: string;
  /** 'timestamp': each row sees what was known at its own time (S22). */
  readonly knownAt?: number | 'timestamp' | undefined;
  /** All questions are judged before the first is answered; otherwise each message of them as it comes. */
  readonly judgeFirst?: boolean | undefined;
  /** The run of an earlier request of the same training set, which this one is put on record with. */
  readonly continuedRunId?: string | undefined;
}

export interface OfflineQuestion {
  readonly entity: EntityInput;
  readonly timestampUs: number;
  readonly inputs?: GivenInputs | undefined;
  /** Its place in the whole training set, where the questions are a part of one: errors name it. */
  readonly rowNumber?: number | undefined;
}

interface Answer {
  readonly queryRunId: string;
  /** The key's fields; `entity` and `entities` have their values. */
  readonly keyFields: readonly Field[];
  /** A featureset's features, or a dataset's fields. */
  readonly columns: readonly Field[];
  readonly asOfUs: number;
  readonly pointInTime: boolean;
  readonly freshness: Freshness;
}

export interface QueryAnswer extends Answer {
  readonly featureset: string;
  readonly entity: Row;
  /** One value for each column. */
  readonly row: Row;
}

/** What is known of a batch's answer before its first row. */
export interface BatchHead extends Omit<Answer, 'freshness'> {
  readonly featureset: string;
  readonly entities: readonly Row[];
}

/** Some rows of a batch, in the order asked. */
export interface BatchPart {
  readonly head: BatchHead;
  readonly rows: readonly Row[];
  /** About what they take in an answer. */
  readonly bytes: number;
}

export interface BatchAnswer extends Answer, BatchHead {
  /** In the order asked. */
  readonly rows: readonly Row[];
}

export interface LookupAnswer extends Answer {
  readonly dataset: string;
  readonly entity: Row;
  /** Null where a raw dataset has none (S5). */
  readonly row: Row | null;
}

export interface OfflineRow {
  readonly entity: Row;
  readonly timestampUs: number;
  readonly row: Row;
}

export interface OfflineAnswer {
  readonly queryRunId: string;
  readonly featureset: string;
  readonly keyFields: readonly Field[];
  readonly columns: readonly Field[];
  /** Chunks in the order asked. Consume it to its end, or leave the loop: both close what it holds. */
  readonly rows: AsyncIterable<readonly OfflineRow[]>;
}
