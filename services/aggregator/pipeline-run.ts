import type { DatasetRecord } from '../../libs/codec/dataset-record.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import type { Applier } from '../../libs/change/applier.js';
import { headKey } from '../../libs/change/state-keys.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Stage } from '../../libs/pipeline/compile.js';
import type { StepContext } from '../../libs/pipeline/steps.js';
import type { Row } from '../../libs/schema/value-type.js';
import type { LogRecord } from '../../libs/log/log.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import { Turns } from '../../libs/time/turns.js';
import { pipelineDeadLetter, reasonOf } from './dead-letters.js';
import { type FlowingRecord, knownUs, orderSourceOf, partitionOfOrder } from './flowing-record.js';
import { GroupTable } from './group-table.js';
import { IndexLookup } from './index-lookup.js';
import type { Reader } from './reader.js';
import type { ReaderPlan, RevisionPlan } from './reader-plan.js';
import type { RekeyedRecord } from './rekey-message.js';
import type { StepWatch } from './step-watch.js';
import type { TickOutput } from './tick-output.js';

interface Published {
  readonly record: FlowingRecord;
  readonly key: Uint8Array;
}

interface RunPlace {
  readonly partition: number;
  readonly partitionCount: number;
  readonly clockUs: number;
  readonly stepWatch: StepWatch | undefined;
  /** By dataset: the readers that join with it. */
  readonly joiners: ReadonlyMap<string, readonly Reader[]>;
}

/** Records or groups between two turns of others: some millisecond. A record is one step, and most make a group's step as well. */
const STEPS_PER_TURN = 128;

/** Runs the records of one tick through the stages, and folds them group by group (DESIGN 4, step 1). */
export class PipelineRun {
  /**
   * Between two records, or two groups, others may have a turn: what a tick sees and changes is its own until it
   * is committed (overlay.ts).
   */
  readonly turns = new Turns(STEPS_PER_TURN);
  readonly #place: RunPlace;
  readonly #applier: Applier;
  readonly #output: TickOutput;
  readonly #context: { eventTimeUs: number } & StepContext;
  /** Whose record is under way. */
  #flowing: Reader | undefined;
  readonly #groups = new Map<Reader, GroupTable>();
  readonly #published = new Map<Reader, Published[]>();

  constructor(place: RunPlace, applier: Applier, output: TickOutput, plan: RevisionPlan) {
    this.#place = place;
    this.#applier = applier;
    this.#output = output;
    const lookup = new IndexLookup(plan, applier);
    this.#context = {
      eventTimeUs: 0,
      newest: (dataset, key, eventTimeUs) => {
        this.#flowing?.noteJoined(dataset, key, eventTimeUs);
        return lookup.newest(dataset, key, eventTimeUs);
      },
    };
  }

  /** A record of the reader's dataset topic: judged once, here (S10, S13). */
  take(reader: Reader, record: DatasetRecord, source: LogRecord): void {
    const { counters } = reader;
    counters.read++;
    if (record.producerId !== undefined && record.sequence !== undefined) {
      const verdict = reader.sequences.observe(record.producerId, record.sequence);
      if (verdict === 'seen') {
        counters.duplicate++;
        return;
      }
      if (verdict === 'forgotten') return this.#takeForgotten(reader, record, source);
    }
    const watermarkUs = reader.lanes.observe(record.lane, record.eventTimeUs, record.appendTimeUs);
    const movedUs = Math.min(record.eventTimeUs, record.appendTimeUs);
    if (movedUs > counters.watermarkUs) counters.watermarkUs = movedUs;
    const maxLatenessUs = record.historical ? undefined : reader.plan.maxLatenessUs(record.lane);
    if (maxLatenessUs !== undefined && record.eventTimeUs < watermarkUs - maxLatenessUs) {
      counters.late++;
      return;
    }
    const { eventTimeUs, appendTimeUs, historical, row } = record;
    this.#flow(reader, 0, { eventTimeUs, appendTimeUs, historical, orderSource: orderSourceOf(0, this.#place.partition), orderOffset: source.offset, row, source });
  }

  /** A record that another task has re-keyed. */
  takeRekeyed(reader: Reader, { readerId: _readerId, stage, rowBytes, ...record }: RekeyedRecord): void {
    reader.counters.received++;
    const row = reader.plan.stageRows[stage]?.decode(rowBytes, 0) ?? [];
    this.#flow(reader, stage, { ...record, row, source: undefined });
  }

  /** Folds what the reader's groups have got; called once a tick and reader, when it has got everything. */
  async finish(reader: Reader): Promise<void> {
    const groups = this.#groups.get(reader)?.groups;
    if (groups !== undefined) {
      for (const { key, rows } of groups) {
        const change = { kind: 'rows', timelineId: reader.plan.id, groupKey: key, rows } as const;
        this.#applier.fold(change);
        this.#output.changes.push(change);
        if (this.turns.isOver()) await this.turns.next();
      }
      this.#groups.delete(reader);
    }
    const published = this.#published.get(reader);
    if (published === undefined) return;
    for (const item of published) {
      this.#publish(reader, item);
      if (this.turns.isOver()) await this.turns.next();
    }
    this.#published.delete(reader);
  }

  #flow(reader: Reader, firstStage: number, record: FlowingRecord): void {
    let { row } = record;
    let stage = firstStage;
    this.#context.eventTimeUs = record.eventTimeUs;
    this.#flowing = reader;
    try {
      for (; ; stage++) {
        const at = reader.plan.stages[stage];
        const passed = at?.callsAuthor === true ? this.#runWatched(reader.plan, at, { record, row }) : this.#runSteps(at, row);
        if (passed === undefined) {
          reader.counters.filtered++;
          break;
        }
        row = passed;
        const next = reader.plan.stages[stage]?.nextKey;
        if (next === undefined) {
          this.#apply(reader, row === record.row ? record : { ...record, row });
          break;
        }
        const key = next(row);
        const destination = key === undefined ? this.#place.partition : partitionOf(slotOf(key), this.#place.partitionCount);
        if (destination !== this.#place.partition) {
          this.#output.rekey(destination, reader.plan, stage + 1, { ...record, row });
          reader.counters.sent++;
          break;
        }
      }
      reader.failuresInARow = 0;
    } catch (error) {
      this.#fail(reader, { stage: firstStage, record }, error);
    }
  }

  /** S23: a record at which a step never returned is not given to it again. */
  #runWatched(plan: ReaderPlan, stage: Stage, { record, row }: { readonly record: FlowingRecord; readonly row: Row }): Row | undefined {
    const { stepWatch } = this.#place;
    if (stepWatch === undefined) return this.#runSteps(stage, row);
    const place = { partition: partitionOfOrder(record.orderSource), offset: record.orderOffset };
    if (stepWatch.isCondemned(plan, place)) throw new ThymeError('THYME_STEP_HUNG', 'DEADLINE_EXCEEDED', `${plan.name}: a step did not return at this record, and the process was ended for it`);
    stepWatch.enter(plan, place);
    try {
      return this.#runSteps(stage, row);
    } finally {
      stepWatch.leave();
    }
  }

  #runSteps(stage: Stage | undefined, row: Row): Row | undefined {
    let current = row;
    for (const step of stage?.steps ?? []) {
      const after = step(current, this.#context);
      if (after === undefined) return undefined;
      current = after;
    }
    return current;
  }

  /** Everything that may throw comes before anything is kept. */
  #apply(reader: Reader, record: FlowingRecord): void {
    const { plan, counters } = reader;
    const key = plan.groupsByRecordKey && record.source !== undefined ? record.source.key : plan.keyOf(record.row);
    if (key === undefined) throw new ThymeError('THYME_NO_KEY', 'INVALID_ARGUMENT', `${plan.name}: a field of its key is null`);
    if (plan.measureValues !== undefined) {
      const values = plan.measureValues(record.row);
      const { eventTimeUs, orderSource, orderOffset } = record;
      this.#groupsOf(reader).add(key, { eventTimeUs, orderSource, orderOffset, knownUs: knownUs(record), values });
    }
    if (plan.publish !== undefined) {
      const published = this.#published.get(reader);
      if (published === undefined) this.#published.set(reader, [{ record, key }]);
      else published.push({ record, key });
    }
    counters.applied++;
    if (!plan.isIndex) return;
    for (const joiner of this.#place.joiners.get(plan.dataset.name) ?? []) joiner.noteRightRow(plan.dataset.name, key, record.eventTimeUs);
  }

  #groupsOf(reader: Reader): GroupTable {
    let groups = this.#groups.get(reader);
    if (groups === undefined) {
      groups = new GroupTable();
      this.#groups.set(reader, groups);
    }
    return groups;
  }

  /** The values known at this tick, at the record's event time (S25). */
  #publish(reader: Reader, { record, key }: Published): void {
    const { publish, id } = reader.plan;
    if (publish === undefined) return;
    const { eventTimeUs, appendTimeUs, historical } = record;
    try {
      const instant = { asOfUs: eventTimeUs, knownAtUs: Number.POSITIVE_INFINITY };
      const answers = publish.questions.length === 0 ? [] : readWindows(this.#applier.shape(id), this.#applier.pages, headKey(slotOf(key), id, key), instant, publish.questions);
      const row = publish.outputRow(record.row, eventTimeUs, answers);
      if (publish.json !== undefined) this.#output.append(publish.json.topic, publish.json.encode(row));
      this.#output.append(publish.topic, { key, value: publish.records.encode({ eventTimeUs, appendTimeUs, lane: publish.lane, historical, row }) });
    } catch (error) {
      if (!(error instanceof ThymeError)) throw error; // no author's code runs here
      reader.counters.failed++; // its group has it: it counts as applied
      this.#deadLetter(reader, { stage: reader.plan.stages.length - 1, record, whole: true }, reasonOf(error));
    }
  }

  /** S13: nobody can tell whether it was seen. */
  #takeForgotten(reader: Reader, record: DatasetRecord, source: LogRecord): void {
    reader.counters.dead++;
    const { eventTimeUs, appendTimeUs, historical, row, producerId, sequence } = record;
    const flowing = { eventTimeUs, appendTimeUs, historical, orderSource: orderSourceOf(0, this.#place.partition), orderOffset: source.offset, row, source };
    this.#deadLetter(reader, { stage: 0, record: flowing }, `sequence ${sequence} of producer '${producerId}' is too far below its newest to tell whether it was seen: retry sooner`);
  }

  #fail(reader: Reader, at: { readonly stage: number; readonly record: FlowingRecord }, error: unknown): void {
    reader.counters.dead++;
    reader.counters.failed++;
    reader.failuresInARow++;
    this.#deadLetter(reader, at, reasonOf(error));
  }

  #deadLetter(reader: Reader, at: { readonly stage: number; readonly record: FlowingRecord; readonly whole?: boolean }, reason: string): void {
    const { plan } = reader;
    const { record } = at;
    const fields = at.whole === true ? plan.fields : (plan.stages[at.stage]?.fields ?? []);
    // A reader that decodes a part of its records has one stage and no step that makes another row of it.
    const row = plan.records === plan.wholeRecords || record.source === undefined ? record.row : plan.wholeRecords.decode(record.source.value).row;
    const dead = { reason, partition: partitionOfOrder(record.orderSource), offset: record.orderOffset, eventTimeUs: record.eventTimeUs, fields, row };
    this.#output.append(plan.deadTopic, pipelineDeadLetter(plan, dead, this.#place.clockUs));
  }
}
