import { headKey } from '../change/state-keys.js';
import { ThymeError } from '../errors/errors.js';
import { formatTimestamp } from '../time/timestamp.js';
import type { Instant, TimelineShape, WindowAnswer, WindowQuestion } from '../timeline/timeline.js';
import type { EntityKey, PartitionState, ReadContext } from './state-access.js';

export interface PlacedQuestion {
  /** What an error about this question names: `<featureset>.<feature>` or `<dataset>.<field>`. */
  readonly place: string;
  readonly question: WindowQuestion;
}

/** All questions to one timeline, so that its pages are fetched once for a group (DESIGN 7). */
export class TimelineRead {
  readonly #shape: TimelineShape;
  readonly #places: readonly string[];
  readonly #questions: readonly WindowQuestion[];
  /** How far back the questions reach; an endless window needs no more than that T itself is covered. */
  readonly #reachUs: number;

  constructor(
    readonly timelineId: number,
    shape: TimelineShape,
    questions: readonly PlacedQuestion[],
  ) {
    this.#shape = shape;
    this.#places = questions.map(({ place }) => place);
    this.#questions = questions.map(({ question }) => question);
    this.#reachUs = this.#questions.reduce((reachUs, { windowUs }) => Math.max(reachUs, windowUs ?? 0), 0);
  }

  /** One answer for each question, in order; all from one state of the group (S15). */
  read(key: EntityKey, { state, instant, readings }: ReadContext): readonly WindowAnswer[] {
    const partition = state.partitionOf(key.slot);
    this.#checkCovered(partition, instant);
    const { timelineId } = this;
    const reading =
      readings.find(timelineId, key.bytes) ??
      readings.open(timelineId, key.bytes, {
        shape: this.#shape,
        store: partition,
        headKey: headKey(key.slot, timelineId, key.bytes),
        instant,
      });
    return this.#questions.map((question) => reading.answer(question));
  }

  /** S20: covered means T − W ≥ horizon; where rows may be taken back, also K ≥ horizon: ends that were known by then are forgotten. */
  #checkCovered(partition: PartitionState, { asOfUs, knownAtUs }: Instant): void {
    const horizonUs = partition.horizonUs(this.timelineId);
    if (this.#shape.retractable === true && knownAtUs < horizonUs) throw notKnown(this.#places[0] ?? '', knownAtUs, horizonUs);
    if (asOfUs - this.#reachUs >= horizonUs) return;
    const index = this.#questions.findIndex(({ windowUs }) => asOfUs - (windowUs ?? 0) < horizonUs);
    const place = this.#places[index] ?? '';
    const fromUs = asOfUs - (this.#questions[index]?.windowUs ?? 0);
    const description = `asks for ${formatTimestamp(fromUs)}, but history is kept from ${formatTimestamp(horizonUs)} on: ask for a later time, or keep more history`;
    throw new ThymeError('THYME_NOT_COVERED', 'OUT_OF_RANGE', `${place} ${description}`, [{ field: place, description }]);
  }
}

function notKnown(place: string, knownAtUs: number, horizonUs: number): ThymeError {
  const description = `asks for what was known at ${formatTimestamp(knownAtUs)}, but what rows were before they were updated is kept from ${formatTimestamp(horizonUs)} on: ask for a later known_at, or keep more history`;
  return new ThymeError('THYME_NOT_COVERED', 'OUT_OF_RANGE', `${place} ${description}`, [{ field: place, description }]);
}
