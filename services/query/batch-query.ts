import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import type { FeaturePlan } from '../../libs/feature/feature-plan.js';
import type { EntityKey } from '../../libs/feature/state-access.js';
import type { Row } from '../../libs/schema/value-type.js';
import type { Instant } from '../../libs/timeline/timeline.js';
import type { BatchHead, BatchInput, BatchPart } from './answers.js';
import { evaluateRows, pendingRowBytesAfter, type AskedRow } from './evaluate-rows.js';
import { ANSWER_CHUNK_BYTES, BATCH_CHUNK_ROWS, BATCH_ENTITIES_MAX, BATCH_HELD_BYTES, PENDING_ROW_BYTES_MIN } from './query-limits.js';
import type { QueryTick } from './query-tick.js';
import { RowInputs } from './row-inputs.js';
import type { RowTurns } from './row-turns.js';

/** Takes some rows of a batch; resolves when the next ones are wanted. */
export type TakePart = (part: BatchPart) => Promise<void> | void;

/** A row of a batch that may be answered, but for the instant. */
export type JudgedRow = Omit<AskedRow, 'instant'>;

/** Every entity and its inputs, before anything is answered; INVALID_ARGUMENT names the row. */
export function judgeBatch(plan: FeaturePlan, { entities, inputs: given, rowNumbers }: BatchInput): readonly JudgedRow[] {
  const reader = new RowInputs(plan);
  const perRow = isPerRow(given) ? given : undefined;
  const shared = perRow === undefined && given !== undefined && !isPerRow(given) ? reader.read(given) : undefined;
  return entities.map((entity, i) => {
    const number = rowNumbers?.[i] ?? i;
    const place = `entities[${number}]`;
    const key: EntityKey = plan.keys.read(entity, place);
    const inputs = shared ?? (perRow === undefined ? reader.read() : reader.read(perRow[i], `inputs[${number}]`));
    return { key, inputs, place };
  });
}

/** What can be told without a revision. */
export function checkBatch({ entities, inputs }: BatchInput): void {
  if (entities.length > BATCH_ENTITIES_MAX)
    throw invalidArgument('entities', `${entities.length} are over the limit of ${BATCH_ENTITIES_MAX}: send several batches`);
  if (isPerRow(inputs) && inputs.length !== entities.length)
    throw invalidArgument('inputs', `${inputs.length} for ${entities.length} entities: send one for each, or one object for all`);
}

export function hasInputs({ inputs }: BatchInput): boolean {
  return isPerRow(inputs) ? inputs.some(({ size }) => size > 0) : (inputs?.size ?? 0) > 0;
}

function isPerRow(inputs: BatchInput['inputs']): inputs is Exclude<BatchInput['inputs'], ReadonlyMap<string, unknown> | undefined> {
  return Array.isArray(inputs);
}

interface Destination {
  readonly head: BatchHead;
  /** Throws where what was looked up so far makes the rows no answer. */
  readonly mayBegin: () => void;
}

/**
 * Where a batch's rows go: held back up to a bound, so that what fails in the beginning is told by a status
 * and can be asked of another revision; from then on they go as they come.
 */
export class BatchDelivery {
  readonly #take: TakePart;
  #held: { readonly rows: Row[]; bytes: number }[] = [];
  #heldBytes = 0;
  #hasBegun = false;

  constructor(take: TakePart) {
    this.#take = take;
  }

  /** Before each attempt at an answer. One that was begun cannot be taken back: another revision's rows do not follow the first's. */
  restart(): void {
    if (this.#hasBegun) throw lookedUpMore();
    this.#held = [];
    this.#heldBytes = 0;
  }

  async add(rows: readonly Row[], bytes: number, to: Destination): Promise<void> {
    const last = this.#held.at(-1);
    if (last !== undefined && last.bytes + bytes <= ANSWER_CHUNK_BYTES) {
      for (const row of rows) last.rows.push(row);
      last.bytes += bytes;
    } else this.#held.push({ rows: [...rows], bytes });
    this.#heldBytes += bytes;
    if (this.#hasBegun || this.#heldBytes > BATCH_HELD_BYTES) await this.#send(to);
  }

  /** At the end: what is still held; without rows, the head alone. */
  async finish(to: Destination): Promise<void> {
    if (!this.#hasBegun && this.#held.length === 0) this.#held.push({ rows: [], bytes: 0 });
    await this.#send(to);
  }

  async #send({ head, mayBegin }: Destination): Promise<void> {
    mayBegin();
    this.#hasBegun = true;
    for (let part = this.#held.shift(); part !== undefined; part = this.#held.shift()) await this.#take({ head, ...part });
    this.#heldBytes = 0;
  }
}

interface BatchEvaluation extends Destination {
  readonly instant: Instant;
  readonly tick: QueryTick;
  readonly signal: AbortSignal;
  readonly turns: RowTurns;
  readonly delivery: BatchDelivery;
}

/** Small batches are one synchronous block; larger ones hold their tick and let others in between (S15). Gives the hits. */
export async function evaluateBatch(plan: FeaturePlan, judged: readonly JudgedRow[], evaluation: BatchEvaluation): Promise<number> {
  const { instant, tick, signal, turns, delivery } = evaluation;
  if (judged.length > BATCH_CHUNK_ROWS) tick.hold();
  let hitCount = 0;
  let pendingRowBytes = PENDING_ROW_BYTES_MIN;
  for (let start = 0; start < judged.length;) {
    const block = judged.slice(start, start + BATCH_CHUNK_ROWS);
    if (start > 0) await turns.take(block.length, signal);
    const asked = block.map((row): AskedRow => ({ ...row, instant }));
    const evaluated = await evaluateRows(plan, asked, { tick, signal, pendingRowBytes });
    pendingRowBytes = pendingRowBytesAfter(evaluated);
    hitCount += evaluated.hitCount;
    start += evaluated.rows.length;
    await delivery.add(evaluated.rows, evaluated.bytes, evaluation);
  }
  await delivery.finish(evaluation);
  return hitCount;
}

/** Another attempt knows what was looked up; where the answer has begun, there is none. */
export function lookedUpMore(): ThymeError {
  return new ThymeError('THYME_LOOKUP_CHANGED', 'ABORTED', 'an extractor looked up something new in the middle of the answer: ask again');
}
