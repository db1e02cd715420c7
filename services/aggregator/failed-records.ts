import { pipelineDeadLetter, reasonOf } from './dead-letters.js';
import { type FlowingRecord, partitionOfOrder } from './flowing-record.js';
import type { TickOutput } from './tick-output.js';
import type { TimelineFeed } from './timeline-feed.js';

/** Where a record failed. */
export interface FailedAt {
  /** Whose columns it has. */
  readonly stage: number;
  readonly record: FlowingRecord;
  /** It had passed all stages. */
  readonly whole?: boolean;
}

/** Records of one tick that a pipeline cannot take: they go to its dead letters, in the tick's transaction (S13, S23). */
export class FailedRecords {
  readonly #output: TickOutput;
  readonly #clockUs: number;

  constructor(output: TickOutput, clockUs: number) {
    this.#output = output;
    this.#clockUs = clockUs;
  }

  /** A step threw at it; too many of these one after another pause the pipeline. */
  threw(reader: TimelineFeed, at: FailedAt, error: unknown): void {
    reader.counters.dead++;
    reader.counters.failed++;
    reader.failuresInARow++;
    this.setAside(reader, at, reasonOf(error));
  }

  setAside({ plan }: TimelineFeed, { stage, record, whole = false }: FailedAt, reason: string): void {
    const fields = whole ? plan.fields : (plan.stages[stage]?.fields ?? []);
    // A reader that decodes a part of its records has one stage and no step that makes another row of it.
    const row =
      plan.records === plan.wholeRecords || record.source === undefined ? record.row : plan.wholeRecords.decode(record.source.value).row;
    const dead = {
      reason,
      partition: partitionOfOrder(record.orderSource),
      offset: record.orderOffset,
      eventTimeUs: record.eventTimeUs,
      fields,
      row,
    };
    this.#output.append(plan.deadTopic, pipelineDeadLetter(plan, dead, this.#clockUs));
  }
}
