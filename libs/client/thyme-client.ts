// The typed client, for code that has the classes: `import { ThymeClient } from 'thyme/client'`.
//
//   class-codec.ts  - values between the class's types and JSON
//   push.ts         - requests that push events
//   rest-client.ts  - the requests
//   retries.ts      - which of them are made again
//   rest-error.ts   - how they fail

import type { EntityKey } from '../definition/extractor-context.js';
import type { Class, Row } from '../definition/names.js';
import type { Answered, BatchOptions, QueryOptions, QuestionInputs } from '../definition/query-types.js';
import type { Looked } from '../definition/stream.js';
import { ThymeError } from '../errors/errors.js';
import type { JsonValue } from '../schema/write-value.js';
import { datasetCodec, featuresetCodec, keyFields, keyText, writeInputs } from './class-codec.js';
import { hasRoom, pushAll, refusalIn, type Push, type PushAnswer } from './push.js';
import { RestClient, type RequestOptions, type RestClientOptions } from './rest-client.js';
import { RefusedEventsError, RestError } from './rest-error.js';

export { ThymeError } from '../errors/errors.js';
export type { RestClientOptions } from './rest-client.js';
export { DeadlineError, RefusedEventsError, RestError, UnreachableError } from './rest-error.js';

/** A Date, or RFC 3339 text, which holds microseconds and not only milliseconds. */
export type TimestampInput = Date | string;

/** How long a call may take, and what ends it. */
export interface CallOptions {
  /** Ends the call, which then rejects with the signal's reason; the deployment stops working for it. */
  readonly signal?: AbortSignal;
  /** With all that it is made again, ms; 60,000 where neither it nor the client's is given. Rejects with DeadlineError after that. */
  readonly timeoutMs?: number;
}

/** When a question is asked about; all absent is now, with everything known (S3, S22). */
export interface ReadOptions extends CallOptions {
  readonly timestamp?: TimestampInput;
  readonly knownAt?: TimestampInput;
  /** A push's token: the answer includes its rows (S21). */
  readonly after?: string;
}

/** What every answer says of itself. */
export interface AnswerInfo {
  readonly queryRunId: string;
  /** The T that was used, cut to milliseconds. */
  readonly asOf: Date;
  /** The same to the microsecond: as `timestamp` it gives the same answer again (S4). */
  readonly asOfExact: string;
  /** How far the state may lie behind, µs; null where the replica is cut off from its owner. */
  readonly lagUs: number | null;
}

/** One entity's features, typed as the class declares them. */
export interface Answer<C> extends AnswerInfo {
  readonly features: Answered<C>;
}

/** Many entities' features, all as of one instant. */
export interface BatchAnswer<C> extends AnswerInfo {
  /** A row for each entity, in their order. */
  readonly rows: readonly Answered<C>[];
}

/** A dataset's row. */
export interface LookupAnswer<C> extends AnswerInfo {
  /** Null where a dataset that no pipeline aggregates into has none (S5). */
  readonly row: Looked<C>;
}

/** A row of a training set that is asked: an entity, an instant, and the inputs that its featureset takes. */
export type OfflineQuestion<C> = QuestionInputs<C> & { readonly entity: EntityKey<Row<C>>; readonly timestamp: TimestampInput };

/** An answer beside its question `Q`, with whatever else that has, such as a label. */
export type OfflineRow<C, Q = OfflineQuestion<C>> = Q & {
  readonly features: Answered<C>;
  /** The run that this row is on record with: one for all of them, in however many requests they were asked. */
  readonly queryRunId: string;
};

/** What holds for a whole training set. */
export interface OfflineOptions {
  /** An instant, or 'timestamp': each row then sees what was known at its own time (S22). */
  readonly knownAt?: TimestampInput;
}

/** How rows are pushed. */
export interface LogOptions extends CallOptions {
  /** Never late, and known at its event time (S10, S22). */
  readonly historical?: boolean;
  /** With `sequence`, of the first row, a call may be made again and counts once (S13). */
  readonly producerId?: string;
  readonly sequence?: number;
  /** An earlier push's token: the answer's covers both. */
  readonly after?: string;
}

/** What became of a push. */
export interface Logged {
  readonly eventsSent: number;
  /** For `after`: it covers all of the rows, in however many requests they went (S21). Undefined where nothing was sent. */
  readonly token: string | undefined;
}

/** Questions in one offline request: far below the limit of a body. */
const OFFLINE_QUESTIONS = 5_000;

/** How often a read, or a push that counts once, is made again where nothing else is said. */
const RETRIES = 2;

/**
 * Reads and writes of a deployment by the classes that were committed to it. Reads that found no answer, or a deployment that was
 * stopping or had too much to do, are made again up to `retries` times; so is a push with `producerId` and `sequence`, and no other.
 */
export class ThymeClient {
  readonly #rest: RestClient;

  constructor(options: RestClientOptions) {
    this.#rest = new RestClient({ retries: RETRIES, ...options });
  }

  /** One entity's features, now or as of an instant. Rejects with RestError in the deployment's words. */
  async query<C extends Class>(featureset: C, entity: EntityKey<Row<C>>, ...[options]: QueryOptions<C, ReadOptions>): Promise<Answer<C>> {
    const codec = featuresetCodec(featureset);
    const given: ReadOptions & { readonly inputs?: unknown } = options ?? {};
    const inputs = given.inputs === undefined ? {} : { inputs: writeInputs(featureset, given.inputs) };
    const asked = { featureset: codec.name, entity_id: entity, ...timesOf(given), ...inputs };
    const { body, queryRunId } = await this.#rest.post('/features', asked, readOnly(given));
    return { features: codec.read(memberOf(body, 'features')) as Answered<C>, ...infoOf(body, queryRunId) };
  }

  /** Many entities at one instant. Request-time inputs are one object for all of them, or a list with those of each. */
  async queryBatch<C extends Class>(
    featureset: C,
    entities: readonly EntityKey<Row<C>>[],
    ...[options]: BatchOptions<C, ReadOptions>
  ): Promise<BatchAnswer<C>> {
    const codec = featuresetCodec(featureset);
    const given: ReadOptions & { readonly inputs?: unknown } = options ?? {};
    const inputs = given.inputs === undefined ? {} : { inputs: batchInputs(featureset, given.inputs) };
    const asked = { featureset: codec.name, entity_ids: entities, ...timesOf(given), ...inputs };
    const { body, queryRunId } = await this.#rest.post('/features/batch', asked, readOnly(given));
    const names = memberOf(body, 'features') as readonly string[];
    const values = memberOf(body, 'values') as readonly (readonly unknown[])[];
    // The first column repeats the entity.
    const rows = values.map((row) => codec.read(Object.fromEntries(names.slice(1).map((name, i) => [name, row[i + 1]]))) as Answered<C>);
    return { rows, ...infoOf(body, queryRunId) };
  }

  /**
   * A training set: many (entity, instant) pairs, answered in their order while they are read. Labels in a question come
   * back beside its features.
   */
  async *queryOffline<C extends Class, Q extends OfflineQuestion<C> = OfflineQuestion<C>>(
    featureset: C,
    questions: Iterable<Q> | AsyncIterable<Q>,
    { knownAt }: OfflineOptions = {},
  ): AsyncGenerator<OfflineRow<C, Q>> {
    let start = 0;
    let queryRunId: string | undefined;
    for await (const asked of chunked(questions, OFFLINE_QUESTIONS)) {
      queryRunId = yield* this.#askOffline<C, Q>(featureset, { asked, start, queryRunId }, knownAt);
      start += asked.length;
    }
  }

  /** A dataset's row, without extractors or defaults: of an aggregated one its windows, of any other its newest row (S5). */
  async lookup<C extends Class>(dataset: C, key: EntityKey<Row<C>>, options: ReadOptions = {}): Promise<LookupAnswer<C>> {
    const codec = datasetCodec(dataset);
    const fields = keyFields(key);
    const entity =
      fields === undefined
        ? { entity_id: keyText(key) }
        : Object.fromEntries(Object.entries(fields).map(([name, value]) => [`entity.${name}`, value]));
    const parameters = { entity_type: codec.name, ...entity, ...timesOf(options) };
    const { body, queryRunId } = await this.#rest.get('/features', parameters, readOnly(options));
    const row = memberOf(body, 'features');
    return { row: (row === null ? null : codec.read(row)) as Looked<C>, ...infoOf(body, queryRunId) };
  }

  /**
   * Pushes rows, in order. They are checked before the first is sent; what the deployment refuses all the
   * same rejects with RefusedEventsError, which names each refused row, and the others of that request are accepted. `timeoutMs` is
   * of each request that the rows go in.
   */
  async log<C extends Class>(dataset: C, rows: readonly Row<C>[], options: LogOptions = {}): Promise<Logged> {
    const { historical, producerId, sequence, after } = options;
    const codec = datasetCodec(dataset);
    const events = rows.map((row, i) => withPlace(`rows[${i}]`, () => JSON.stringify(codec.write(row))));
    let logged: Logged = { eventsSent: 0, token: after };
    for (const { start, end } of pushesOf(events)) {
      const push = {
        dataset: codec.name,
        events: events.slice(start, end),
        historical,
        producerId,
        sequence: sequence === undefined ? undefined : sequence + start,
        // Each carries the token of the one before, so the last answer's covers them all (S21).
        after: logged.token,
      };
      const { eventsSent, token } = await this.#push(push, { start, logged }, options);
      logged = { eventsSent: logged.eventsSent + eventsSent, token: token ?? logged.token };
    }
    return logged;
  }

  async #push(
    push: Push,
    { start, logged }: { readonly start: number; readonly logged: Logged },
    { signal, timeoutMs }: LogOptions,
  ): Promise<PushAnswer> {
    try {
      return await pushAll(this.#rest, push, { signal, timeoutMs });
    } catch (error) {
      const answer = refusalIn(error);
      if (answer === undefined || !(error instanceof RestError)) throw error;
      const { message, code, violations, problem } = error;
      const refused = answer.refused.map(({ index, error: why }) => ({ index: start + index, error: why }));
      const accepted = { eventsSent: logged.eventsSent + answer.eventsSent, token: answer.token ?? logged.token };
      throw new RefusedEventsError(message, { code, violations, problem, cause: error }, refused, accepted);
    }
  }

  async #offlineLines(request: object, start: number): ReturnType<RestClient['postLines']> {
    try {
      return await this.#rest.postLines('/features/offline', JSON.stringify(request));
    } catch (error) {
      throw countedFrom(start, error);
    }
  }

  /** `start` is the place of the first of them in all that are asked: errors name the whole's. Returns the run, for the next. */
  async *#askOffline<C extends Class, Q extends OfflineQuestion<C>>(
    featureset: C,
    { asked, start, queryRunId: before }: { readonly asked: readonly Q[]; readonly start: number; readonly queryRunId: string | undefined },
    knownAt: TimestampInput | undefined,
  ): AsyncGenerator<OfflineRow<C, Q>, string> {
    const codec = featuresetCodec(featureset);
    const queries = asked.map((question, i) => questionJson(featureset, question, `questions[${start + i}]`));
    const request = { featureset: codec.name, queries, known_at: knownAt && instantText(knownAt), query_run_id: before };
    const { lines, queryRunId = '' } = await this.#offlineLines(request, start);
    let answered = 0;
    for await (const line of lines) {
      const question = asked[answered++];
      if (question === undefined) throw new RestError(0, `more rows than the ${asked.length} questions`);
      const features = codec.read(memberOf(JSON.parse(line), 'features')) as Answered<C>;
      yield { ...question, features, queryRunId };
    }
    if (answered < asked.length) throw new RestError(0, `${answered} rows answer ${asked.length} questions`);
    return queryRunId;
  }
}

function readOnly({ signal, timeoutMs }: CallOptions): RequestOptions {
  return { signal, timeoutMs, mayRepeat: true };
}

/** A refusal of one request, its rows counted from the first of all requests. */
function countedFrom(start: number, error: unknown): unknown {
  if (start === 0 || !(error instanceof RestError)) return error;
  const counted = (text: string): string => text.replace(/^queries\[(\d+)\]/, (_match, row: string) => `queries[${start + Number(row)}]`);
  const violations = error.violations.map(({ field, description }) => ({ field: counted(field), description }));
  const { code, problem, queryRunId } = error;
  return new RestError(error.status, counted(error.message), { code, problem, queryRunId, violations, cause: error });
}

interface AnyQuestion {
  readonly entity: unknown;
  readonly timestamp: TimestampInput;
  readonly inputs?: unknown;
}

function questionJson(featureset: Class, { entity, timestamp, inputs }: AnyQuestion, place: string): object {
  const written = inputs === undefined ? {} : { inputs: withPlace(place, () => writeInputs(featureset, inputs)) };
  return { entity_id: entity, timestamp: instantText(timestamp), ...written };
}

function batchInputs(featureset: Class, inputs: unknown): JsonValue {
  if (!Array.isArray(inputs)) return writeInputs(featureset, inputs);
  return inputs.map((one, i) => withPlace(`inputs[${i}]`, () => writeInputs(featureset, one)));
}

/** Where each request begins and ends: as many events as go into one, by number and by bytes. */
function* pushesOf(events: readonly string[]): Generator<{ readonly start: number; readonly end: number }> {
  let start = 0;
  let bytes = 0;
  for (const [i, event] of events.entries()) {
    const eventBytes = Buffer.byteLength(event);
    if (!hasRoom(i - start, bytes, eventBytes)) {
      yield { start, end: i };
      [start, bytes] = [i, 0];
    }
    bytes += eventBytes;
  }
  if (start < events.length) yield { start, end: events.length };
}

function timesOf({ timestamp, knownAt, after }: ReadOptions): { timestamp?: string; known_at?: string; after?: string } {
  return {
    ...(timestamp === undefined ? {} : { timestamp: instantText(timestamp) }),
    ...(knownAt === undefined ? {} : { known_at: instantText(knownAt) }),
    ...(after === undefined ? {} : { after }),
  };
}

function instantText(instant: TimestampInput): string {
  return typeof instant === 'string' ? instant : instant.toISOString();
}

function infoOf(body: unknown, queryRunId = ''): AnswerInfo {
  const asOfExact = String(memberOf(body, 'as_of'));
  const lagUs = memberOf(memberOf(body, 'freshness'), 'lag_us');
  return { queryRunId, asOf: new Date(asOfExact), asOfExact, lagUs: typeof lagUs === 'number' ? lagUs : null };
}

function memberOf(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null && Object.hasOwn(json, name)
    ? (json as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function withPlace<T>(place: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!(error instanceof ThymeError)) throw error;
    throw new ThymeError(error.code, error.status, `${place}: ${error.message}`, error.violations, { cause: error });
  }
}

async function* chunked<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let chunk: T[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
