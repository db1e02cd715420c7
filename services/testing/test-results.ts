import type { EntityKey } from '../../libs/definition/extractor-context.js';
import type { Class, Duration, Row } from '../../libs/definition/names.js';
import type { Answered, QueryOptions, QuestionInputs } from '../../libs/definition/query-types.js';
import type { Looked } from '../../libs/definition/stream.js';

// What a test gives to its platform, and is given.

/** The deployment's clock (S3): it stands still until the test moves it, and never goes back. */
export interface TestClock {
  /** Cut to milliseconds. */
  now(): Date;
  /** By a duration such as '90s', '1h' or '7d'. */
  advance(by: Duration): void;
  /** To an instant that is not before now; INVALID_ARGUMENT for one that is. */
  set(to: Date | string): void;
}

/** Made by `testPlatform`. Each call begins when the one before has ended, so every answer includes every row that was added. */
export interface TestPlatform {
  readonly clock: TestClock;
  /**
   * Adds rows of the class, in order, until they are in every feature. Rejects where one of them is refused: the test's own
   * data is wrong.
   */
  add<C extends Class>(dataset: C, rows: Row<C> | readonly Row<C>[], options?: AddOptions): Promise<Added>;
  /** Deletes rows by the fields of their rowKey, for a dataset with `cdc: 'upsert'` (S17). */
  delete<C extends Class>(dataset: C, keys: Partial<Row<C>> | readonly Partial<Row<C>>[], options?: AddOptions): Promise<Added>;
  /**
   * Pushes records as any client may send them: JSON of any shape, envelopes of Debezium. What is refused is told, and is a
   * dead letter.
   */
  push(dataset: Class, records: readonly unknown[], options?: Pick<AddOptions, 'historical'>): Promise<Pushed>;
  /** One entity's features, now or as of an instant. */
  query<C extends Class>(featureset: C, entity: EntityKey<Row<C>>, ...[options]: QueryOptions<C, TestReadOptions>): Promise<TestAnswer<C>>;
  /**
   * A training set: (entity, instant) pairs, in the order asked. With `knownAt: 'timestamp'` each sees what was known at its
   * own time (S22).
   */
  queryOffline<C extends Class>(
    featureset: C,
    questions: readonly TestOfflineQuestion<C>[],
    options?: { readonly knownAt?: Date | string },
  ): Promise<readonly TestOfflineRow<C>[]>;
  /** A dataset's row, without extractors or defaults: of an aggregated one its windows, of any other its newest row (S5). */
  lookup<C extends Class>(dataset: C, key: EntityKey<Row<C>>, options?: TestReadOptions): Promise<Looked<C>>;
  /** What the dataset's expectations say of the rows so far; they never refuse one. */
  expectations(dataset: Class): readonly ExpectationResult[];
  /** The dataset's dead letters, in the order they came. */
  deadLetters(dataset: Class): Promise<readonly DeadLetter[]>;
  /** What each pipeline has done with the records that it read. */
  pipelines(): readonly ReaderBooks[];
}

/** How rows are added or deleted. */
export interface AddOptions {
  /** Never late, and known at its event time (S10, S22). */
  readonly historical?: boolean;
  /** With `cdc: 'upsert'`: when the source changed the rows; now where it is absent (S17). */
  readonly changedAt?: Date | string;
}

/** What became of rows that were added. */
export interface Added {
  /** Rows that are in the log, late ones among them. */
  readonly accepted: number;
  /** Of those, the ones that came too late for the dataset's `maxLateness`, and that no pipeline counts (S10). */
  readonly late: number;
}

/** What became of records that were pushed. */
export interface Pushed extends Added {
  /** Each of the others by its place in the push, with the reason that a client is told (S12). */
  readonly refused: readonly { readonly index: number; readonly error: string }[];
}

/** When a question is asked about; all absent is now, with everything known (S3, S22). */
export interface TestReadOptions {
  readonly timestamp?: Date | string;
  readonly knownAt?: Date | string;
}

/** One entity's features, typed as the class declares them. */
export interface TestAnswer<C> {
  readonly features: Answered<C>;
  /** The T that was used, cut to milliseconds. */
  readonly asOf: Date;
}

/** A row of a training set that is asked: an entity, an instant, and the inputs that its featureset takes. */
export type TestOfflineQuestion<C> = QuestionInputs<C> & { readonly entity: EntityKey<Row<C>>; readonly timestamp: Date | string };

/** The question with its answer. */
export type TestOfflineRow<C> = TestOfflineQuestion<C> & { readonly features: Answered<C> };

/** What an expectation says of the rows that were accepted. */
export interface ExpectationResult {
  /** Such as `amount between 0.01 and 50000`. */
  readonly rule: string;
  readonly checked: number;
  readonly failed: number;
  /** Whether the share of rows that keep to it is at least `mostly`. */
  readonly holds: boolean;
}

/** A record that was refused (S12), or at which a step of a pipeline threw (S23). */
export interface DeadLetter {
  readonly reason: string;
  /** The record as it was sent or stored. */
  readonly record: unknown;
  /** The pipeline whose step threw; undefined where the record never entered the dataset. */
  readonly pipeline: string | undefined;
}

/** What one reader of a dataset has done with its records, over all partitions; of all records it was given, it made one of these. */
export interface ReaderBooks {
  readonly pipeline: string;
  readonly dataset: string;
  /** It failed at one record after another, and reads no more (S23). */
  readonly paused: boolean;
  readonly applied: number;
  readonly filtered: number;
  /** Older than the watermark less `maxLateness` (S10). */
  readonly late: number;
  /** Changes that are older than what their row is (S17). */
  readonly outdated: number;
  readonly duplicate: number;
  /** A step threw at them: dead letters (S23). */
  readonly failed: number;
  /** Rows that were taken back by an update or a delete (S17). */
  readonly ended: number;
}
