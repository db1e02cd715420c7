import { slotOf } from '../../libs/codec/slot.js';
import type { Applier } from '../../libs/change/applier.js';
import { headKey } from '../../libs/change/state-keys.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Turns } from '../../libs/time/turns.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import { reasonOf } from './dead-letters.js';
import type { FailedRecords } from './failed-records.js';
import type { FlowingRecord } from './flowing-record.js';
import type { TickOutput } from './tick-output.js';
import type { TimelineFeed } from './timeline-feed.js';

/** A record that has passed all stages. */
export interface Published {
  readonly record: FlowingRecord;
  readonly key: Uint8Array;
}

interface PublishingParts {
  readonly applier: Applier;
  readonly output: TickOutput;
  readonly failed: FailedRecords;
}

/** What one tick publishes (S25): a row of the output dataset for each record, once its groups have got all that the tick brought. */
export class PublishingRun {
  readonly #applier: Applier;
  readonly #output: TickOutput;
  readonly #failed: FailedRecords;
  readonly #published = new Map<TimelineFeed, Published[]>();

  constructor({ applier, output, failed }: PublishingParts) {
    this.#applier = applier;
    this.#output = output;
    this.#failed = failed;
  }

  add(reader: TimelineFeed, item: Published): void {
    const published = this.#published.get(reader);
    if (published === undefined) this.#published.set(reader, [item]);
    else published.push(item);
  }

  async finish(reader: TimelineFeed, isErased: (item: Published) => boolean, turns: Turns): Promise<void> {
    for (const item of this.#published.get(reader) ?? []) {
      if (!isErased(item)) this.#publish(reader, item);
      if (turns.step()) await turns.next();
    }
    this.#published.delete(reader);
  }

  /** The values known at this tick, at the record's event time. */
  #publish(reader: TimelineFeed, { record, key }: Published): void {
    const { publish, id } = reader.plan;
    if (publish === undefined) return;
    const { appendTimeUs, historical } = record;
    try {
      // What a version of a row adds to its group is there from its change time on (S17).
      const startUs = record.change?.kind === 'begins' && publish.questions.length > 0 ? record.change.startUs : undefined;
      const eventTimeUs = startUs ?? record.eventTimeUs;
      const instant = { asOfUs: eventTimeUs, knownAtUs: Number.POSITIVE_INFINITY };
      const answers =
        publish.questions.length === 0
          ? []
          : readWindows(this.#applier.shape(id), this.#applier.pages, headKey(slotOf(key), id, key), instant, publish.questions);
      const row = publish.outputRow(record.row, eventTimeUs, answers);
      if (publish.json !== undefined) this.#output.append(publish.json.topic, publish.json.encode(row));
      this.#output.append(publish.topic, {
        key,
        value: publish.records.encode({ eventTimeUs, appendTimeUs, lane: publish.lane, historical, row }),
      });
    } catch (error) {
      if (!(error instanceof ThymeError) || error.status === 'UNAVAILABLE' || error.disposition !== 'retry') throw error; // of the state, for no author's code runs here
      reader.counters.failed++; // its group has it: it counts as applied
      this.#failed.setAside(reader, { stage: reader.plan.stages.length - 1, record, whole: true }, reasonOf(error));
    }
  }
}
