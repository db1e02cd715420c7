import { create } from '@bufbuild/protobuf';
import { QueryOfflineRequestSchema, QueryOfflineResponseSchema, type OfflineQuestion, type QueryOfflineRequest, type QueryOfflineResponse } from '../../gen/thyme/v1/query_pb.js';
import type { ListValue } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import type { CallContext } from '../../libs/rpc/handlers.js';
import type { EntityPlaces } from './entity-places.js';
import type { Holder, Holders } from './holders.js';

export interface SpreadOptions {
  readonly holders: Holders;
  readonly places: EntityPlaces;
  readonly context: CallContext;
}

/**
 * A training set over several holders, in the order asked: each message's questions are spread over one stream for
 * each holder, and put together before the next message is taken. A holder that fails midway fails the
 * whole: what was answered so far is of one state, and another holder's may be older.
 */
export async function* spreadOffline(requests: AsyncIterable<QueryOfflineRequest>, options: SpreadOptions): AsyncGenerator<QueryOfflineResponse> {
  const branches = new Branches(options);
  let head: QueryOfflineRequest | undefined;
  let answered = false;
  try {
    for await (const request of requests) {
      head ??= request;
      if (request.questions.length === 0) continue;
      const rows = await branches.ask(head, request.questions);
      yield create(QueryOfflineResponseSchema, answered ? { rows } : { ...branches.head, rows });
      answered = true;
    }
    if (head === undefined) throw invalidArgument('featureset', 'the stream ended before its first message: name the featureset there');
    if (!answered) await branches.ask(head, []);
    await branches.finish();
    if (!answered) yield create(QueryOfflineResponseSchema, { ...branches.head });
  } finally {
    branches.abort();
  }
}

/** One stream for each holder that has been asked something. */
class Branches {
  readonly #options: SpreadOptions;
  readonly #open = new Map<Holder, Branch>();
  readonly #aborting = new AbortController();

  constructor(options: SpreadOptions) {
    this.#options = options;
  }

  /** Of the stream that was opened first, whose run is named. */
  get head(): Branch['head'] {
    const [first] = this.#open.values();
    return first?.head;
  }

  /** A row for each question, in order; with no question, one stream is opened for the names alone. */
  async ask(head: QueryOfflineRequest, questions: readonly OfflineQuestion[]): Promise<ListValue[]> {
    const { holders, places, context } = this.#options;
    const partitions = await places.partitions({ kind: 'featureset', name: head.featureset }, questions.map(({ entity }) => entity), context);
    const rows = new Array<ListValue>(questions.length);
    await Promise.all([...(await spreadOver(holders, partitions, context))].map(async ([holder, indexes]) => {
      const answered = await this.#branch(holder, head).ask(indexes.flatMap((i) => questions[i] ?? []));
      for (const [i, index] of indexes.entries()) rows[index] = answered[i] ?? notAnswered();
    }));
    return rows;
  }

  /** To the ends of the answers, so that each holder's run is recorded as whole. */
  async finish(): Promise<void> {
    await Promise.all([...this.#open.values()].map((branch) => branch.finish()));
  }

  abort(): void {
    this.#aborting.abort();
    for (const branch of this.#open.values()) branch.end();
  }

  #branch(holder: Holder, head: QueryOfflineRequest): Branch {
    const { context } = this.#options;
    const branch = this.#open.get(holder) ?? new Branch(holder, head, { ...context, signal: AbortSignal.any([context.signal, this.#aborting.signal]) });
    this.#open.set(holder, branch);
    return branch;
  }
}

async function spreadOver(holders: Holders, partitions: readonly (number | undefined)[], context: CallContext): Promise<ReadonlyMap<Holder, number[]>> {
  const chosen = new Map<number | undefined, Holder>();
  const spread = new Map<Holder, number[]>();
  const distinct = partitions.length === 0 ? [undefined] : new Set(partitions);
  for (const partition of distinct) {
    const [holder] = await holders.of(partition, context);
    if (holder !== undefined) chosen.set(partition, holder);
  }
  for (const holder of chosen.values()) spread.set(holder, []); // also where no question is asked
  for (const [i, partition] of partitions.entries()) {
    const holder = chosen.get(partition);
    if (holder !== undefined) spread.get(holder)?.push(i);
  }
  return spread;
}

/** One holder's stream: asked and answered in turns. */
class Branch {
  /** Of its first answer. */
  head: { readonly queryRunId: string; readonly features: string[] } | undefined;
  readonly #first: QueryOfflineRequest;
  readonly #answers: AsyncIterator<QueryOfflineResponse>;
  readonly #waiting: QueryOfflineRequest[] = [];
  #asked = false;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor({ query }: Holder, first: QueryOfflineRequest, context: CallContext) {
    this.#first = first;
    this.#answers = query.queryOffline(this.#requests(), context)[Symbol.asyncIterator]();
  }

  async ask(questions: readonly OfflineQuestion[]): Promise<readonly ListValue[]> {
    const { featureset, knownAtTimestamp, knownAtUs } = this.#first;
    const head = this.#asked ? {} : { featureset, knownAtTimestamp, ...(knownAtUs === undefined ? {} : { knownAtUs }) };
    this.#asked = true;
    this.#waiting.push(create(QueryOfflineRequestSchema, { ...head, questions: [...questions] }));
    this.#wake();
    const rows: ListValue[] = [];
    while (rows.length < questions.length && (await this.#read(rows)));
    return rows;
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async finish(): Promise<void> {
    this.end();
    while (await this.#read([]));
  }

  /** One message; whether there was one. */
  async #read(rows: ListValue[]): Promise<boolean> {
    const next = await this.#answers.next();
    if (next.done === true) return false;
    this.head ??= { queryRunId: next.value.queryRunId, features: next.value.features };
    for (const row of next.value.rows) rows.push(row);
    return true;
  }

  async *#requests(): AsyncGenerator<QueryOfflineRequest> {
    for (;;) {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) yield next;
      if (this.#ended) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

function notAnswered(): never {
  throw new ThymeError('THYME_ANSWER_CUT', 'UNAVAILABLE', 'a query service ended its answers early: ask again');
}
