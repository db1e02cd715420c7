import type { EntityKey, ListValue } from '../../gen/thyme/v1/values_pb.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { CallContext } from '../../libs/rpc/handlers.js';
import type { EntityPlaces } from './entity-places.js';
import { isElsewhere, tryEach, type Holder, type Holders } from './holders.js';

export interface SpreadOptions {
  readonly holders: Holders;
  readonly places: EntityPlaces;
  readonly context: CallContext;
}

/** One message of a holder's answer. */
interface RowsMessage {
  readonly rows: readonly ListValue[];
}

export interface SpreadQuestion<Message extends RowsMessage> {
  readonly featureset: string;
  /** The entity of each row. */
  readonly entities: readonly (EntityKey | undefined)[];
  /** One stream for some of the rows, which are named by their places in the whole, ascending. */
  ask(holder: Holder, rows: readonly number[], context: CallContext): AsyncIterable<Message>;
}

/** Some rows of the whole, in the order asked. */
export interface SpreadPart<Message> {
  readonly rows: ListValue[];
  /** The message that came last on each stream: the first ones with the first part, the ends with the last part. */
  readonly streams: readonly { readonly first: Message; readonly last: Message }[];
  readonly isLast: boolean;
}

/**
 * Rows of several holders, put together in the order asked. Each holder judges its rows before it answers the
 * first, and nothing goes out before all of them have. A holder that does not answer is replaced; one that
 * fails midway fails the whole: what was answered so far is of one state, and another holder's may be older.
 */
export async function* spreadRows<Message extends RowsMessage>(
  question: SpreadQuestion<Message>,
  { holders, places, context: outer }: SpreadOptions,
): AsyncGenerator<SpreadPart<Message>> {
  const aborting = new AbortController();
  const context = { ...outer, signal: AbortSignal.any([outer.signal, aborting.signal]) };
  const branches: Branch<Message>[] = [];
  try {
    const { featureset, entities } = question;
    const partitions = await places.partitions({ kind: 'featureset', name: featureset }, entities, context);
    const groups = await groupRows(partitions, holders, context);
    const open = (group: Group): Promise<Branch<Message>> => Branch.open(question.ask(group.holder, group.rows, context), group.rows);
    const opened = await Promise.allSettled(groups.map((group) => openGroup(group, partitions, { holders, context, open })));
    for (const outcome of opened) if (outcome.status === 'fulfilled') branches.push(...outcome.value);
    const failures = opened.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    if (failures.length > 0) throw firstOf(failures);
    yield* inOrder(branches, entities.length);
  } finally {
    aborting.abort();
    for (const branch of branches) branch.leave();
  }
}

interface Group {
  readonly holder: Holder;
  readonly rows: readonly number[];
}

/** Without rows, one holder, for the names alone. An id that is none goes to somebody, who says so. */
async function groupRows(partitions: readonly (number | undefined)[], holders: Holders, context: CallContext): Promise<readonly Group[]> {
  const chosen = new Map<number | undefined, Holder>();
  for (const partition of partitions.length === 0 ? [undefined] : new Set(partitions)) {
    const [holder] = await holders.of(partition, context);
    if (holder !== undefined) chosen.set(partition, holder);
  }
  const rowsOf = new Map<Holder, number[]>([...chosen.values()].map((holder) => [holder, []]));
  for (const [row, partition] of partitions.entries()) {
    const holder = chosen.get(partition);
    if (holder !== undefined) rowsOf.get(holder)?.push(row);
  }
  return [...rowsOf].map(([holder, rows]) => ({ holder, rows }));
}

/** The group's stream; where its holder does not answer, one for each of its partitions with the others. */
async function openGroup<T>(
  { holder, rows }: Group,
  partitions: readonly (number | undefined)[],
  { holders, context, open }: Pick<SpreadOptions, 'holders' | 'context'> & { readonly open: (group: Group) => Promise<T> },
): Promise<readonly T[]> {
  try {
    return [await open({ holder, rows })];
  } catch (error) {
    if (!isElsewhere(error) || context.signal.aborted) throw error;
    holders.failed(holder);
  }
  const distinct = rows.length === 0 ? [undefined] : [...new Set(rows.map((row) => partitions[row]))];
  return Promise.all(
    distinct.map((partition) => {
      const part = rows.filter((row) => partitions[row] === partition);
      return tryEach(holders, partition, context, (other) => open({ holder: other, rows: part }));
    }),
  );
}

/** The rows that are there go out before any stream is waited for. */
async function* inOrder<Message extends RowsMessage>(
  branches: readonly Branch<Message>[],
  count: number,
): AsyncGenerator<SpreadPart<Message>> {
  const branchOf = new Array<Branch<Message>>(count);
  for (const branch of branches) for (const row of branch.asked) branchOf[row] = branch;
  const part = (isLast: boolean): SpreadPart<Message> => ({ rows, streams: branches, isLast });
  let rows: ListValue[] = [];
  for (const branch of branchOf) {
    let row = branch.take();
    while (row === undefined) {
      if (rows.length > 0) yield part(false);
      rows = [];
      if (!(await branch.read())) throw notAnswered();
      row = branch.take();
    }
    rows.push(row);
  }
  // To the ends of the answers: each holder's run is then recorded as whole, and the last messages are there.
  await Promise.all(branches.map((branch) => branch.finish()));
  yield part(true);
}

/** One holder's stream, a message at a time. */
class Branch<Message extends RowsMessage> {
  readonly asked: readonly number[];
  readonly first: Message;
  last: Message;
  readonly #messages: AsyncIterator<Message>;
  #taken = 0;

  private constructor(messages: AsyncIterator<Message>, first: Message, asked: readonly number[]) {
    this.#messages = messages;
    this.first = first;
    this.last = first;
    this.asked = asked;
  }

  /** Resolves with the first message, by which all rows are judged. */
  static async open<Message extends RowsMessage>(messages: AsyncIterable<Message>, asked: readonly number[]): Promise<Branch<Message>> {
    const iterator = messages[Symbol.asyncIterator]();
    const first = await iterator.next();
    if (first.done === true) throw notAnswered();
    return new Branch(iterator, first.value, asked);
  }

  /** The next row of the message that came last. */
  take(): ListValue | undefined {
    return this.last.rows[this.#taken++];
  }

  /** One message more; whether there was one. */
  async read(): Promise<boolean> {
    const next = await this.#messages.next();
    if (next.done === true) return false;
    this.last = next.value;
    this.#taken = 0;
    return true;
  }

  async finish(): Promise<void> {
    while (await this.read());
  }

  leave(): void {
    void this.#messages.return?.().catch(() => undefined);
  }
}

/** Gives the refusal of the earliest row among several: as one holder of all rows would say. */
function firstOf(failures: readonly unknown[]): unknown {
  const rowOf = (failure: unknown): number => {
    const field = failure instanceof ThymeError ? failure.violations[0]?.field : undefined;
    return Number(/^\w+\[(\d+)\]/.exec(field ?? '')?.[1] ?? Number.POSITIVE_INFINITY);
  };
  return failures.reduce((first, failure) => (rowOf(failure) < rowOf(first) ? failure : first));
}

function notAnswered(): ThymeError {
  return new ThymeError('THYME_ANSWER_CUT', 'UNAVAILABLE', 'a query service ended its answers early: ask again');
}
