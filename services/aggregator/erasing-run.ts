import type { Applier } from '../../libs/change/applier.js';
import type { Change } from '../../libs/change/change.js';
import { encodeErase, type EraseMark, isErasure } from '../../libs/codec/erasure-record.js';
import { hexOf } from '../../libs/codec/hex.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import { encodeEntry, type DoneEntry } from '../../libs/erasure/erasure-entry.js';
import type { LogRecord } from '../../libs/log/log.js';
import { firstPlace, placeOf } from '../../libs/pipeline/record-place.js';
import { erasuresTopic } from '../../libs/pipeline/topics.js';
import { isWithin } from '../../libs/timeline/erase-rows.js';
import { type Erasing, type FlowingRecord, orderSourceOf } from './flowing-record.js';
import type { ReaderPlan } from './reader-plan.js';
import type { TickOutput } from './tick-output.js';
import type { TimelineFeed } from './timeline-feed.js';

const NO_KEY = new Uint8Array();

export interface ErasingPlace {
  readonly deployment: string;
  readonly partition: number;
  readonly partitionCount: number;
  /** Of a topic in this partition. */
  readonly endOffset: (topic: string) => Promise<number>;
  /** As it lies there, in pieces: what was erased too, unless it was rewritten. */
  readonly recordsOf: (topic: string, beforeOffset: number) => AsyncIterable<readonly LogRecord[]>;
}

interface SweptMark {
  readonly id: string;
  readonly place: number;
}

interface ErasedGroup {
  readonly key: Uint8Array;
  readonly orderSource: number;
  readonly change: Erasing;
}

/**
 * What erasures do to the groups of one tick (S26). Everything of a source below an offset goes, whenever in the tick that is
 * folded: rows behind the erasure have higher offsets.
 */
export class ErasingRun {
  readonly #place: ErasingPlace;
  readonly #applier: Applier;
  readonly #output: TickOutput;
  readonly #groups = new Map<TimelineFeed, ErasedGroup[]>();
  /** Marks whose rows went to groups of their own, which are found by running the steps again. */
  readonly #swept = new Map<TimelineFeed, Map<string, SweptMark>>();

  constructor(place: ErasingPlace, applier: Applier, output: TickOutput) {
    this.#place = place;
    this.#applier = applier;
    this.#output = output;
  }

  /** A reader has come to an entity's mark in its dataset. */
  async take(reader: TimelineFeed, mark: EraseMark, place: number): Promise<void> {
    const { plan, rows } = reader;
    const { entityOf } = plan;
    const orderSource = orderSourceOf(0, this.#place.partition);
    const isEntity = (key: Uint8Array | undefined): boolean => key !== undefined && Buffer.compare(key, mark.entityKey) === 0;
    await rows?.forget((rowKey, row) => isEntity(entityOf === undefined ? rowKey : row && entityOf(row)));
    this.#tell(reader, { kind: 'done', id: mark.id, passed: true, rows: 0 });
    const change = { kind: 'erases', id: mark.id, fromOffset: Number.NEGATIVE_INFINITY, beforeOffset: place } as const;
    if (plan.groupsByEntity) this.enter(reader, 0, { key: mark.entityKey, orderSource, change });
    else if (plan.isSwept) {
      const marks = this.#swept.get(reader) ?? new Map<string, SweptMark>();
      this.#swept.set(reader, marks.set(hexOf(mark.entityKey), { id: mark.id, place }));
    }
  }

  /**
   * The erased entities' records once more, for a reader whose groups they do not name: each runs through the steps as it did,
   * and so finds its group. One look at the topic from its beginning for all marks of a tick.
   */
  async *sweep(reader: TimelineFeed): AsyncGenerator<FlowingRecord> {
    const marks = this.#swept.get(reader);
    if (marks === undefined) return;
    this.#swept.delete(reader);
    const { plan } = reader;
    const last = Math.max(...[...marks.values()].map(({ place }) => place));
    for (const isHistory of plan.history === undefined ? [false] : [true, false]) {
      const topic = isHistory && plan.history !== undefined ? plan.history.topic : plan.topic;
      const begin = firstPlace(isHistory);
      for await (const records of this.#place.recordsOf(topic, isHistory ? Number.POSITIVE_INFINITY : last))
        for (const record of records) yield* this.#found(plan, marks, record, placeOf(record.offset, begin));
    }
  }

  *#found(plan: ReaderPlan, marks: ReadonlyMap<string, SweptMark>, source: LogRecord, place: number): Generator<FlowingRecord> {
    if (source.value.length === 0 || isErasure(source.value)) return;
    const { entityOf, wholeRecords } = plan;
    if (entityOf === undefined && !marks.has(hexOf(source.key))) return; // most are not decoded
    const { eventTimeUs, appendTimeUs, historical, row } = wholeRecords.decode(source.value);
    const entityKey = entityOf === undefined ? source.key : entityOf(row);
    const mark = entityKey && marks.get(hexOf(entityKey));
    if (mark === undefined || place >= mark.place) return;
    const change = { kind: 'erases', id: mark.id, fromOffset: place, beforeOffset: place + 1 } as const;
    const order = { orderSource: orderSourceOf(0, this.#place.partition), orderOffset: place };
    yield { eventTimeUs, appendTimeUs, historical, ...order, row, source, change };
  }

  /** All of an entity goes: on to the stage of its group, on every way that its rows may have taken. */
  enter(reader: TimelineFeed, stage: number, group: ErasedGroup): void {
    const { partition, partitionCount } = this.#place;
    const last = reader.plan.stages.length - 1;
    if (stage === last) return this.add(reader, group);
    const home = partitionOf(slotOf(group.key), partitionCount);
    const destinations = stage + 1 === last ? [home] : Array.from({ length: partitionCount }, (_, each) => each);
    for (const destination of destinations) {
      if (destination === partition) this.enter(reader, stage + 1, group);
      else this.#output.rekeyErase(destination, reader.plan, stage + 1, flowing(group), group.key);
    }
  }

  /** The group is here. */
  add(reader: TimelineFeed, group: ErasedGroup): void {
    const groups = this.#groups.get(reader);
    if (groups === undefined) this.#groups.set(reader, [group]);
    else groups.push(group);
  }

  /** Whether something that was about to be published is gone. */
  isErased(reader: TimelineFeed, key: Uint8Array, record: FlowingRecord): boolean {
    return (this.#groups.get(reader) ?? []).some(
      ({ key: erased, orderSource, change }) => isWithin({ ...change, orderSource }, record) && Buffer.compare(erased, key) === 0,
    );
  }

  /** Once the tick's rows are folded. */
  async fold(reader: TimelineFeed): Promise<void> {
    for (const { key, orderSource, change } of this.#groups.get(reader) ?? []) {
      const before = this.#applier.erasedRows;
      const { fromOffset, beforeOffset, id } = change;
      if (reader.plan.measureValues !== undefined)
        this.#fold({ kind: 'erased', timelineId: reader.plan.id, groupKey: key, orderSource, fromOffset, beforeOffset });
      this.#tell(reader, { kind: 'done', id, passed: false, rows: this.#applier.erasedRows - before });
      if (fromOffset === Number.NEGATIVE_INFINITY) await this.#passOn(reader.plan, key, id);
    }
  }

  /** After what the tick publishes was published, or left out. */
  finish(reader: TimelineFeed): void {
    this.#groups.delete(reader);
  }

  /** What the pipeline has published of the group goes by an erasure of that dataset's own (S25). */
  async #passOn({ publish }: ReaderPlan, key: Uint8Array, id: string): Promise<void> {
    if (publish === undefined) return;
    const { topic, json } = publish;
    const { partition } = this.#place;
    this.#output.append(topic, { key, value: encodeErase({ appendTimeUs: 0, id, entityKey: key }) });
    const entityKey = hexOf(key);
    this.#note({ kind: 'begun', id, topic, partition, entityKey, fromOffset: await this.#place.endOffset(topic) });
    if (json !== undefined) this.#output.append(json.topic, json.tombstone(key));
  }

  #tell({ plan: { name, version } }: TimelineFeed, done: Omit<DoneEntry, 'name' | 'version' | 'partition'>): void {
    this.#note({ ...done, name, version, partition: this.#place.partition });
  }

  #note(entry: Parameters<typeof encodeEntry>[0]): void {
    this.#output.append(erasuresTopic(this.#place.deployment), { key: NO_KEY, value: encodeEntry(entry) });
  }

  #fold(change: Change): void {
    this.#applier.fold(change);
    this.#output.changes.push(change);
  }
}

function flowing({ orderSource, change }: ErasedGroup): Omit<FlowingRecord, 'row'> {
  return { eventTimeUs: 0, appendTimeUs: 0, historical: false, orderSource, orderOffset: 0, change };
}
