import { datasetCodec, writeInputs } from '../../libs/client/class-codec.js';
import { datasetNameOf, featuresetNameOf } from '../../libs/definition/marks.js';
import type { EntityKey } from '../../libs/definition/extractor-context.js';
import type { Class, Row } from '../../libs/definition/names.js';
import type { Answered, QueryOptions } from '../../libs/definition/query-types.js';
import type { Revision } from '../../libs/definition/revision.js';
import type { Looked } from '../../libs/definition/stream.js';
import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import type { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { deadLetterTopic } from '../../libs/pipeline/topics.js';
import { describeExpectation } from '../ingest/expectation-counts.js';
import type { Ingest } from '../ingest/ingest.js';
import type { QueryCaller } from '../query/answers.js';
import type { QueryEngine } from '../query/engine.js';
import type { MemoryPartitions } from './memory-partitions.js';
import { instantUs, type MovedClock } from './test-clock.js';
import type {
  Added,
  AddOptions,
  DeadLetter,
  ExpectationResult,
  Pushed,
  TestAnswer,
  TestOfflineQuestion,
  TestOfflineRow,
  TestReadOptions,
  ReaderBooks,
  TestPlatform,
} from './test-results.js';
import { answeredRow, changeOf, deletedRow, entityInput, isUpserted } from './test-rows.js';

export const TEST_DEPLOYMENT = 'test';
const READ_ALL = { recordsMax: 100_000, bytesMax: 64 * 1024 * 1024 };
const CALLER: QueryCaller = { signal: new AbortController().signal };
const INDEX_PREFIX = 'index:';

/** What `testPlatform` puts together. */
export interface TestParts {
  readonly log: MemoryLog;
  readonly revision: Revision;
  readonly worked: MemoryPartitions;
  readonly ingest: Ingest;
  readonly engine: QueryEngine;
}

/** A deployment in memory, worked in the turns of whoever calls it. */
export class MemoryPlatform implements TestPlatform {
  readonly clock: MovedClock;
  readonly #parts: TestParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: MovedClock, parts: TestParts) {
    this.clock = clock;
    this.#parts = parts;
  }

  async add<C extends Class>(dataset: C, rows: Row<C> | readonly Row<C>[], options: AddOptions = {}): Promise<Added> {
    const codec = datasetCodec(dataset);
    const changedAtUs = changeTime(dataset, options);
    const records = (Array.isArray(rows) ? (rows as readonly unknown[]) : [rows]).map((row) => {
      const json = codec.write(row);
      return isUpserted(dataset) ? changeOf(json, 'upsert', changedAtUs) : json;
    });
    return accepted(await this.#push(dataset, records, options));
  }

  async delete<C extends Class>(dataset: C, keys: Partial<Row<C>> | readonly Partial<Row<C>>[], options: AddOptions = {}): Promise<Added> {
    const changedAtUs = changeTime(dataset, options);
    const list = Array.isArray(keys) ? (keys as readonly unknown[]) : [keys];
    return accepted(
      await this.#push(
        dataset,
        list.map((key) => changeOf(deletedRow(dataset, key), 'delete', changedAtUs)),
        options,
      ),
    );
  }

  push(dataset: Class, records: readonly unknown[], options: Pick<AddOptions, 'historical'> = {}): Promise<Pushed> {
    return this.#push(dataset, records, options);
  }

  query<C extends Class>(featureset: C, entity: EntityKey<Row<C>>, ...[options]: QueryOptions<C, TestReadOptions>): Promise<TestAnswer<C>> {
    const given: TestReadOptions & { readonly inputs?: unknown } = options ?? {};
    return this.#inTurn(async () => {
      const { columns, row, asOfUs } = await this.#parts.engine.query(
        {
          featureset: featuresetNameOf(featureset),
          entity: entityInput(entity),
          inputs: inputsOf(featureset, given.inputs),
          ...timesOf(given),
        },
        CALLER,
      );
      return { features: answeredRow(columns, row) as Answered<C>, asOf: new Date(Math.floor(asOfUs / 1_000)) };
    });
  }

  queryOffline<C extends Class>(
    featureset: C,
    questions: readonly TestOfflineQuestion<C>[],
    { knownAt }: { readonly knownAt?: Date | string } = {},
  ): Promise<readonly TestOfflineRow<C>[]> {
    const asked = questions.map((question: TestOfflineQuestion<C> & { readonly inputs?: unknown }, i) => ({
      entity: entityInput(question.entity),
      timestampUs: instantUs(question.timestamp, `questions[${i}].timestamp`),
      inputs: inputsOf(featureset, question.inputs),
    }));
    const known: number | 'timestamp' | undefined =
      knownAt === undefined || knownAt === 'timestamp' ? knownAt : instantUs(knownAt, 'knownAt');
    return this.#inTurn(async () => {
      const input = { featureset: featuresetNameOf(featureset), knownAt: known, judgeFirst: true };
      const { columns, rows } = this.#parts.engine.queryOffline(input, once(asked), CALLER);
      const answered: TestOfflineRow<C>[] = [];
      for await (const chunk of rows) {
        for (const { row } of chunk) {
          const question = questions[answered.length];
          if (question === undefined) throw new RangeError('the engine gives a row for each question');
          answered.push({ ...question, features: answeredRow(columns, row) as Answered<C> });
        }
      }
      return answered;
    });
  }

  lookup<C extends Class>(dataset: C, key: EntityKey<Row<C>>, options: TestReadOptions = {}): Promise<Looked<C>> {
    return this.#inTurn(async () => {
      const { columns, row } = await this.#parts.engine.lookup(
        { dataset: datasetNameOf(dataset), entity: entityInput(key), ...timesOf(options) },
        CALLER,
      );
      return (row === null ? null : answeredRow(columns, row)) as Looked<C>;
    });
  }

  expectations(dataset: Class): readonly ExpectationResult[] {
    const name = datasetNameOf(dataset);
    const counts = this.#parts.ingest.expectations().filter((count) => count.dataset === name);
    return counts.map(({ expectation, checked, failed }) => ({
      rule: describeExpectation(expectation),
      checked,
      failed,
      holds: checked === 0 || (checked - failed) / checked >= expectation.mostly,
    }));
  }

  async deadLetters(dataset: Class): Promise<readonly DeadLetter[]> {
    const { log, revision, worked } = this.#parts;
    const name = datasetNameOf(dataset);
    const version = revision.definitions.datasets.find((one) => one.name === name)?.version;
    if (version === undefined) throw invalidArgument(name, 'is not among the classes of this platform');
    const letters: DeadLetter[] = [];
    for (let partition = 0; partition < worked.views.partitionCount; partition++) {
      const { records } = await log.read({ topic: deadLetterTopic(TEST_DEPLOYMENT, name, version), partition }, 0, READ_ALL);
      letters.push(...records.map(({ value }) => letterOf(value)));
    }
    return letters;
  }

  pipelines(): readonly ReaderBooks[] {
    return this.#parts.worked.books().filter(({ pipeline }) => !pipeline.startsWith(INDEX_PREFIX));
  }

  #push(dataset: Class, records: readonly unknown[], { historical = false }: AddOptions): Promise<Pushed> {
    const name = datasetNameOf(dataset);
    return this.#inTurn(async () => {
      const before = this.#lateIn(name);
      const { accepted: count, errors } = await this.#parts.ingest.push({ dataset: name, body: { kind: 'parsed', records }, historical });
      await this.#parts.worked.settle();
      return { accepted: count, late: this.#lateIn(name) - before, refused: errors };
    });
  }

  /** Every reader of a dataset judges lateness alike, by the log alone (S10). */
  #lateIn(dataset: string): number {
    return Math.max(
      0,
      ...this.#parts.worked
        .books()
        .filter((books) => books.dataset === dataset)
        .map(({ late }) => late),
    );
  }

  /** After what was called before, and on the state as of the clock: histories are trimmed as it moves (S20). */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      await this.#parts.worked.settle();
      return work();
    });
    this.#last = turn.catch(() => undefined); // whoever called it is told
    return turn;
  }
}

function changeTime(dataset: Class, { changedAt }: AddOptions): number | undefined {
  if (changedAt === undefined) return undefined;
  if (!isUpserted(dataset))
    throw invalidArgument(
      'changedAt',
      `${datasetNameOf(dataset)} is not cdc: 'upsert': its rows are events, which happen at their own time`,
    );
  return instantUs(changedAt, 'changedAt');
}

function accepted({ accepted: count, late, refused }: Pushed): Added {
  if (refused.length === 0) return { accepted: count, late };
  const lines = refused.map(({ index, error }) => `rows[${index}]: ${error}`);
  throw new ThymeError(
    'THYME_ROWS_REFUSED',
    'INVALID_ARGUMENT',
    `${lines.join('\n')}\n(the other rows were added; 'push' tells what is refused without an error)`,
    refused.map(({ index, error }) => ({ field: `rows[${index}]`, description: error })),
  );
}

function inputsOf(featureset: Class, inputs: unknown): ReadonlyMap<string, unknown> | undefined {
  return inputs === undefined ? undefined : new Map(Object.entries(writeInputs(featureset, inputs) as object));
}

function timesOf({ timestamp, knownAt }: TestReadOptions): { readonly timestampUs?: number; readonly knownAtUs?: number } {
  return {
    ...(timestamp === undefined ? {} : { timestampUs: instantUs(timestamp, 'timestamp') }),
    ...(knownAt === undefined ? {} : { knownAtUs: instantUs(knownAt, 'knownAt') }),
  };
}

function letterOf(value: Uint8Array): DeadLetter {
  const letter = JSON.parse(Buffer.from(value).toString('utf8')) as { reason: string; record: string; pipeline?: string };
  return { reason: letter.reason, record: recordOf(letter.record), pipeline: letter.pipeline };
}

/** Long records are cut, and then are no JSON. */
function recordOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function* once<T>(item: T): AsyncGenerator<T> {
  yield item;
}
