import { statedChangeTimeUs, type DatasetRecord } from '../../libs/codec/dataset-record.js';
import type { ErasedRecord, EraseMark } from '../../libs/codec/erasure-record.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import type { Applier } from '../../libs/change/applier.js';
import type { Change } from '../../libs/change/change.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Stage } from '../../libs/pipeline/compile.js';
import type { StepContext } from '../../libs/pipeline/steps.js';
import type { Row } from '../../libs/schema/value-type.js';
import type { LogRecord } from '../../libs/log/log.js';
import { Turns } from '../../libs/time/turns.js';
import { type ErasingPlace, ErasingRun } from './erasing-run.js';
import { FailedRecords } from './failed-records.js';
import { type FlowingRecord, knownUs, orderSourceOf, partitionOfOrder, type VersionChange } from './flowing-record.js';
import { GroupTable } from './group-table.js';
import { IndexLookup, StateUnreadable } from './index-lookup.js';
import type { TimelineFeed } from './timeline-feed.js';
import { type Published, PublishingRun } from './publishing-run.js';
import type { ReaderPlan } from './reader-plan.js';
import type { RekeyedRecord } from './rekey-message.js';
import type { LivingRow, RowStep } from './row-step.js';
import type { StepWatch } from './step-watch.js';
import type { TickOutput } from './tick-output.js';

type VersionEnds = Extract<VersionChange, { kind: 'ends' }>;

/** Whether it is no record of its own, but runs to the group of one: it is in no books. */
function takesBack(change: VersionChange | undefined): boolean {
  return change !== undefined && change.kind !== 'begins';
}

interface RunPlace extends ErasingPlace {
  readonly clockUs: number;
  readonly stepWatch: StepWatch | undefined;
  /** By an index's reader: those that join with it. */
  readonly joiners: ReadonlyMap<number, readonly TimelineFeed[]>;
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
  #flowing: TimelineFeed | undefined;
  readonly #groups = new Map<TimelineFeed, GroupTable>();
  readonly #publishing: PublishingRun;
  readonly #failed: FailedRecords;
  readonly #erasing: ErasingRun;

  constructor(place: RunPlace, applier: Applier, output: TickOutput) {
    this.#place = place;
    this.#applier = applier;
    this.#output = output;
    this.#erasing = new ErasingRun(place, applier, output);
    this.#failed = new FailedRecords(output, place.clockUs);
    this.#publishing = new PublishingRun({ applier, output, failed: this.#failed });
    const lookup = new IndexLookup(applier);
    this.#context = {
      eventTimeUs: 0,
      newest: (dataset, key, eventTimeUs) => {
        this.#flowing?.noteJoined(dataset, key, eventTimeUs);
        const right = this.#flowing?.plan.rights.get(dataset);
        return right && lookup.newest(right, key, eventTimeUs);
      },
    };
  }

  /** A record of the reader's dataset, at its place there: judged once, here (S10, S13). */
  take(reader: TimelineFeed, record: DatasetRecord, source: LogRecord, place: number): void {
    const { counters } = reader;
    counters.read++;
    if (record.producerId !== undefined && record.sequence !== undefined) {
      const verdict = reader.sequences.observe(record.producerId, record.sequence);
      if (verdict === 'seen') {
        counters.duplicate++;
        return;
      }
      if (verdict === 'forgotten') return this.#takeForgotten(reader, record, source, place);
    }
    // S17: a change is judged by its change time.
    const timeUs = record.change === undefined ? record.eventTimeUs : statedChangeTimeUs(record);
    const watermarkUs = reader.lanes.observe(record.lane, timeUs, record.appendTimeUs);
    const movedUs = Math.min(timeUs, record.appendTimeUs);
    if (movedUs > counters.watermarkUs) counters.watermarkUs = movedUs;
    const maxLatenessUs = record.historical ? undefined : reader.plan.maxLatenessUs(record.lane);
    if (maxLatenessUs !== undefined && timeUs < watermarkUs - maxLatenessUs) {
      counters.late++;
      return;
    }
    if (reader.rows !== undefined) return this.#takeChange(reader, reader.rows, record, source);
    const { eventTimeUs, appendTimeUs, historical, row } = record;
    this.#flow(reader, 0, {
      eventTimeUs,
      appendTimeUs,
      historical,
      orderSource: orderSourceOf(0, this.#place.partition),
      orderOffset: place,
      row,
      source,
    });
  }

  /** What lies in the dataset's topic for an erased entity (S26): its mark, or what is left of a record. */
  async takeErasure(reader: TimelineFeed, erasure: EraseMark | ErasedRecord, place: number): Promise<void> {
    reader.counters.read++;
    reader.counters.erased++;
    if (erasure.kind === 'erase') {
      await this.#erasing.take(reader, erasure, place);
    } else if (erasure.producerId !== undefined && erasure.sequence !== undefined) {
      reader.sequences.observe(erasure.producerId, erasure.sequence);
    }
  }

  /** A change of a row (S17): the version before it ends, and then the new one begins. They may go to different groups. */
  #takeChange(reader: TimelineFeed, rows: RowStep, record: DatasetRecord, source: LogRecord): void {
    const { counters } = reader;
    const verdict = rows.observe(source, record);
    if (verdict.kind === 'outdated') counters.outdated++;
    if (verdict.kind === 'repeat') counters.duplicate++;
    if (verdict.kind !== 'changed') return;
    const { changeTimeUs, knownUs, startUs, ended } = verdict;
    const orderSource = orderSourceOf(0, this.#place.partition);
    if (ended !== undefined) this.#flow(reader, 0, endOf(ended, { orderSource, rowKey: source.key, endUs: changeTimeUs, knownUs }));
    if (record.change?.deleted === true) {
      counters.applied++;
      return;
    }
    const { eventTimeUs, appendTimeUs, historical, row } = record;
    const change = { kind: 'begins', startUs, knownUs } as const;
    this.#flow(reader, 0, { eventTimeUs, appendTimeUs, historical, orderSource, orderOffset: source.offset, row, source, change });
  }

  /** A record that another task has re-keyed. */
  takeRekeyed(reader: TimelineFeed, { readerId: _readerId, stage, rowBytes, ...record }: RekeyedRecord): void {
    const { change, orderSource } = record;
    if (change?.kind === 'erases' && change.fromOffset === Number.NEGATIVE_INFINITY)
      return this.#erasing.enter(reader, stage, { key: rowBytes, orderSource, change });
    if (!takesBack(change)) reader.counters.received++;
    const row = reader.plan.stageRows[stage]?.decode(rowBytes, 0) ?? [];
    this.#flow(reader, stage, { ...record, row, source: undefined });
  }

  /** Folds what the reader's groups have got; called once a tick and reader, when it has got everything. */
  async finish(reader: TimelineFeed): Promise<void> {
    const groups = this.#groups.get(reader)?.entries;
    if (groups !== undefined) {
      for (const { key, rows, ends } of groups) {
        const at = { timelineId: reader.plan.id, groupKey: key };
        if (rows.length > 0) this.#fold({ kind: 'rows', ...at, rows });
        if (ends !== undefined) this.#foldEnds(reader, { kind: 'ended', ...at, ends });
        if (this.turns.step()) await this.turns.next();
      }
      this.#groups.delete(reader);
    }
    for await (const record of this.#erasing.sweep(reader)) {
      this.#flow(reader, 0, record);
      if (this.turns.step()) await this.turns.next();
    }
    await this.#erasing.fold(reader);
    await this.#publishing.finish(reader, ({ key, record }) => this.#erasing.isErased(reader, key, record), this.turns);
    this.#erasing.finish(reader);
  }

  #fold(change: Change): void {
    this.#applier.fold(change);
    this.#output.changes.push(change);
  }

  #foldEnds({ counters }: TimelineFeed, change: Extract<Change, { kind: 'ended' }>): void {
    const missedBefore = this.#applier.missedEnds;
    this.#fold(change);
    const missed = this.#applier.missedEnds - missedBefore;
    counters.ended += change.ends.length - missed;
    // A step was another function than when the row came.
    counters.failed += missed;
  }

  #flow(reader: TimelineFeed, firstStage: number, record: FlowingRecord): void {
    const isEnd = takesBack(record.change);
    let { row } = record;
    let stage = firstStage;
    /** The row's key where it goes next: nothing is done behind the last move, which is to its group. */
    let key: Uint8Array | undefined;
    this.#context.eventTimeUs = record.eventTimeUs;
    this.#flowing = reader;
    try {
      for (; ; stage++) {
        const at = reader.plan.stages[stage];
        const passed = at?.callsAuthor === true ? this.#runWatched(reader.plan, at, { record, row }) : this.#runSteps(at, row);
        if (passed === undefined) {
          if (!isEnd) reader.counters.filtered++;
          break;
        }
        row = passed;
        const next = at?.nextKey;
        if (next === undefined) {
          this.#apply(reader, row === record.row ? record : { ...record, row }, at?.steps.length === 0 ? key : undefined);
          break;
        }
        key = next(row);
        const destination = key === undefined ? this.#place.partition : partitionOf(slotOf(key), this.#place.partitionCount);
        if (destination !== this.#place.partition) {
          this.#output.rekey(destination, reader.plan, stage + 1, { ...record, row });
          if (!isEnd) reader.counters.sent++;
          break;
        }
      }
      if (!isEnd) reader.failuresInARow = 0;
    } catch (error) {
      if (error instanceof StateUnreadable) throw error.cause;
      if (isEnd) return; // the record itself is among the dead letters, so there is nothing to end
      this.#failed.threw(reader, { stage: firstStage, record }, error);
    }
  }

  /** S23: a record at which a step never returned is not given to it again. */
  #runWatched(plan: ReaderPlan, stage: Stage, { record, row }: { readonly record: FlowingRecord; readonly row: Row }): Row | undefined {
    const { stepWatch } = this.#place;
    if (stepWatch === undefined) return this.#runSteps(stage, row);
    const place = { partition: partitionOfOrder(record.orderSource), offset: record.orderOffset };
    if (stepWatch.isCondemned(plan, place))
      throw new ThymeError(
        'THYME_STEP_HUNG',
        'DEADLINE_EXCEEDED',
        `${plan.name}: a step did not return at this record, and the process was ended for it`,
      );
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

  /** Everything that may throw comes before anything is kept. `knownKey` is its group's, where that has been computed. */
  #apply(reader: TimelineFeed, record: FlowingRecord, knownKey: Uint8Array | undefined): void {
    const { plan, counters } = reader;
    const topicKey = record.source?.key ?? record.rowKey;
    const key = knownKey ?? (plan.groupsByRecordKey && topicKey !== undefined ? topicKey : plan.keyOf(record.row));
    if (key === undefined) throw new ThymeError('THYME_NO_KEY', 'INVALID_ARGUMENT', `${plan.name}: a field of its key is null`);
    const { change } = record;
    if (change?.kind === 'ends') return this.#applyEnd(reader, { record, key }, change);
    if (change?.kind === 'erases') return this.#erasing.add(reader, { key, orderSource: record.orderSource, change });
    if (plan.measureValues !== undefined) {
      const values = plan.measureValues(record.row);
      const { eventTimeUs, orderSource, orderOffset } = record;
      const startUs = change?.startUs;
      const groups = this.#groupsOf(reader);
      // Spelled out twice: most rows have no start, and are to pay nothing for it.
      if (startUs === undefined) groups.add(key, { eventTimeUs, orderSource, orderOffset, knownUs: knownUs(record), values });
      else groups.add(key, { startUs, eventTimeUs, orderSource, orderOffset, knownUs: knownUs(record), values });
    }
    if (plan.publish !== undefined) this.#publishing.add(reader, { record, key });
    counters.applied++;
    if (!plan.isIndex) return;
    for (const joiner of this.#place.joiners.get(plan.id) ?? []) joiner.noteRightRow(plan.dataset.name, key, record.eventTimeUs);
  }

  /** S25: what was published stays as it was. */
  #applyEnd(reader: TimelineFeed, { record, key }: Published, { endUs, knownUs: endKnownUs }: VersionEnds): void {
    const { plan, counters } = reader;
    if (plan.measureValues !== undefined) {
      plan.measureValues(record.row); // throws where it threw for the row
      const { eventTimeUs, orderSource, orderOffset } = record;
      this.#groupsOf(reader).addEnd(key, { eventTimeUs, orderSource, orderOffset, endUs, endKnownUs });
    }
    if (plan.publish !== undefined) counters.unpublished++;
  }

  #groupsOf(reader: TimelineFeed): GroupTable {
    let groups = this.#groups.get(reader);
    if (groups === undefined) {
      groups = new GroupTable();
      this.#groups.set(reader, groups);
    }
    return groups;
  }

  /** S13: nobody can tell whether it was seen. */
  #takeForgotten(reader: TimelineFeed, record: DatasetRecord, source: LogRecord, place: number): void {
    reader.counters.dead++;
    const { eventTimeUs, appendTimeUs, historical, row, producerId, sequence } = record;
    const flowing = {
      eventTimeUs,
      appendTimeUs,
      historical,
      orderSource: orderSourceOf(0, this.#place.partition),
      orderOffset: place,
      row,
      source,
    };
    this.#failed.setAside(
      reader,
      { stage: 0, record: flowing },
      `sequence ${sequence} of producer '${producerId}' is too far below its newest to tell whether it was seen: retry sooner`,
    );
  }
}

interface EndOfVersion {
  readonly orderSource: number;
  readonly rowKey: Uint8Array;
  readonly endUs: number;
  readonly knownUs: number;
}

/** The version that ends, as it came. */
function endOf(version: LivingRow, { orderSource, rowKey, endUs, knownUs }: EndOfVersion): FlowingRecord {
  const { eventTimeUs, appendTimeUs, historical, orderOffset, row } = version;
  return { eventTimeUs, appendTimeUs, historical, orderSource, orderOffset, row, rowKey, change: { kind: 'ends', endUs, knownUs } };
}
