// The typed client, for code that has the classes: `import { ThymeClient } from 'thyme/client'`.
//
//   class-codec.ts  - values between the class's types and JSON
//   rest-client.ts  - the requests

import type { EntityKey } from '../definition/extractor-context.js';
import type { Class, Row } from '../definition/names.js';
import type { Answered, AskedInputs, QueryOptions } from '../definition/query-types.js';
import type { Looked } from '../definition/stream.js';
import { ThymeError } from '../errors/errors.js';
import type { JsonValue } from '../schema/write-value.js';
import { datasetCodec, featuresetCodec, keyFields, writeInputs } from './class-codec.js';
import { RestClient, type RestClientOptions } from './rest-client.js';

export { RestError } from './rest-client.js';

/** A Date, or RFC 3339 text, which holds microseconds and not only milliseconds. */
export type Instant = Date | string;

/** When a question is asked about; all absent is now, with everything known (S3, S22). */
export interface ReadOptions {
  readonly timestamp?: Instant;
  readonly knownAt?: Instant;
  /** A push's token: the answer includes its rows (S21). */
  readonly after?: string;
}

export interface AnswerInfo {
  readonly queryRunId: string;
  /** The T that was used, cut to milliseconds. */
  readonly asOf: Date;
  /** The same to the microsecond: as `timestamp` it gives the same answer again (S4). */
  readonly asOfExact: string;
  /** How far the state may lie behind, µs; null where the replica is cut off from its owner. */
  readonly lagUs: number | null;
}

export interface Answer<C> extends AnswerInfo {
  readonly features: Answered<C>;
}

export interface BatchAnswer<C> extends AnswerInfo {
  /** A row for each entity, in their order. */
  readonly rows: readonly Answered<C>[];
}

export interface OfflineQuestion<C> {
  readonly entity: EntityKey<Row<C>>;
  readonly timestamp: Instant;
}

export interface OfflineRow<C> extends OfflineQuestion<C> {
  readonly features: Answered<C>;
  /** Of the request that this row came with: a large training set is asked in several. */
  readonly queryRunId: string;
}

export interface OfflineOptions {
  /** An instant, or 'timestamp': each row then sees what was known at its own time (S22). */
  readonly knownAt?: Instant;
}

export interface LogOptions {
  /** Never late, and known at its event time (S10, S22). */
  readonly historical?: boolean;
  /** With `sequence`, of the first row, a call may be made again and counts once (S13). */
  readonly producerId?: string;
  readonly sequence?: number;
}

export interface Logged {
  readonly eventsSent: number;
  /** For `after`; undefined where nothing was sent. */
  readonly token: string | undefined;
}

/** Only an answer for one entity takes request-time inputs. */
type WithoutInputs<C> = keyof AskedInputs<C> extends never ? unknown : 'it has request-time inputs: use query, one entity at a time';

/** Rows in one push, and questions in one offline request: far below the limits of a body. */
const LOG_ROWS = 2_000;
const OFFLINE_QUESTIONS = 5_000;

/** Reads and writes of a deployment by the classes that were committed to it. */
export class ThymeClient {
  readonly #rest: RestClient;

  constructor(options: RestClientOptions) {
    this.#rest = new RestClient(options);
  }

  /** One entity's features, now or as of an instant. Rejects with RestError in the deployment's words. */
  async query<C extends Class>(featureset: C, entity: EntityKey<Row<C>>, ...[options]: QueryOptions<C, ReadOptions>): Promise<Answer<C>> {
    const codec = featuresetCodec(featureset);
    const given: ReadOptions & { readonly inputs?: unknown } = options ?? {};
    const inputs = given.inputs === undefined ? {} : { inputs: writeInputs(featureset, given.inputs) };
    const { body, queryRunId } = await this.#rest.post('/features', { featureset: codec.name, entity_id: entity, ...timesOf(given), ...inputs });
    return { features: codec.read(memberOf(body, 'features')) as Answered<C>, ...infoOf(body, queryRunId) };
  }

  /** Many entities at one instant. */
  async queryBatch<C extends Class>(featureset: C & WithoutInputs<C>, entities: readonly EntityKey<Row<C>>[], options: ReadOptions = {}): Promise<BatchAnswer<C>> {
    const codec = featuresetCodec(featureset);
    const { body, queryRunId } = await this.#rest.post('/features/batch', { featureset: codec.name, entity_ids: entities, ...timesOf(options) });
    const names = memberOf(body, 'features') as readonly string[];
    const values = memberOf(body, 'values') as readonly (readonly unknown[])[];
    // The first column repeats the entity.
    const rows = values.map((row) => codec.read(Object.fromEntries(names.slice(1).map((name, i) => [name, row[i + 1]]))) as Answered<C>);
    return { rows, ...infoOf(body, queryRunId) };
  }

  /** A training set: many (entity, instant) pairs, answered in their order while they are read. */
  async *queryOffline<C extends Class>(
    featureset: C & WithoutInputs<C>,
    questions: Iterable<OfflineQuestion<C>> | AsyncIterable<OfflineQuestion<C>>,
    { knownAt }: OfflineOptions = {},
  ): AsyncGenerator<OfflineRow<C>> {
    for await (const asked of chunked(questions, OFFLINE_QUESTIONS)) yield* await this.#askOffline<C>(featureset, asked, knownAt);
  }

  /** A dataset's row, without extractors or defaults: of an aggregated one its windows, of any other its newest row (S5). */
  async lookup<C extends Class>(dataset: C, key: EntityKey<Row<C>>, options: ReadOptions = {}): Promise<Looked<C>> {
    const codec = datasetCodec(dataset);
    const fields = keyFields(key);
    const entity = fields === undefined ? { entity_id: String(key) } : Object.fromEntries(Object.entries(fields).map(([name, value]) => [`entity.${name}`, value]));
    const { body } = await this.#rest.get('/features', { entity_type: codec.name, ...entity, ...timesOf(options) });
    const row = memberOf(body, 'features');
    return (row === null ? null : codec.read(row)) as Looked<C>;
  }

  /**
   * Pushes rows, in order. They are checked before the first is sent; what the deployment refuses all the
   * same rejects with RestError, which names each refused row, and the others of that request are accepted.
   */
  async log<C extends Class>(dataset: C, rows: readonly Row<C>[], { historical, producerId, sequence }: LogOptions = {}): Promise<Logged> {
    const codec = datasetCodec(dataset);
    const events = rows.map((row, i) => withPlace(`rows[${i}]`, () => codec.write(row)));
    let logged: Logged = { eventsSent: 0, token: undefined };
    for (let start = 0; start < events.length; start += LOG_ROWS) {
      const numbered = sequence === undefined ? {} : { sequence: sequence + start };
      const { body } = await this.#rest.post('/api/v1/log', { dataset: codec.name, events: events.slice(start, start + LOG_ROWS), historical, producer_id: producerId, ...numbered });
      const token = memberOf(body, 'token');
      logged = { eventsSent: logged.eventsSent + Number(memberOf(body, 'events_sent')), token: typeof token === 'string' ? token : logged.token };
    }
    return logged;
  }

  async #askOffline<C extends Class>(featureset: C, asked: readonly OfflineQuestion<C>[], knownAt: Instant | undefined): Promise<readonly OfflineRow<C>[]> {
    const codec = featuresetCodec(featureset);
    const queries = asked.map(({ entity, timestamp }) => ({ entity_id: entity, timestamp: instantText(timestamp) }));
    const { body, queryRunId = '' } = await this.#rest.post('/features/offline', { featureset: codec.name, queries, known_at: knownAt && instantText(knownAt) });
    const results = memberOf(body, 'results') as readonly unknown[];
    return asked.map((question, i) => ({ ...question, features: codec.read(memberOf(results[i], 'features')) as Answered<C>, queryRunId }));
  }
}

function timesOf({ timestamp, knownAt, after }: ReadOptions): { timestamp?: string; known_at?: string; after?: string } {
  return {
    ...(timestamp === undefined ? {} : { timestamp: instantText(timestamp) }),
    ...(knownAt === undefined ? {} : { known_at: instantText(knownAt) }),
    ...(after === undefined ? {} : { after }),
  };
}

function instantText(instant: Instant): string {
  return typeof instant === 'string' ? instant : instant.toISOString();
}

function infoOf(body: unknown, queryRunId = ''): AnswerInfo {
  const asOfExact = String(memberOf(body, 'as_of'));
  const lagUs = memberOf(memberOf(body, 'freshness'), 'lag_us');
  return { queryRunId, asOf: new Date(asOfExact), asOfExact, lagUs: typeof lagUs === 'number' ? lagUs : null };
}

function memberOf(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null && Object.hasOwn(json, name) ? (json as Readonly<Record<string, unknown>>)[name] : undefined;
}

function withPlace(place: string, write: () => JsonValue): JsonValue {
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
