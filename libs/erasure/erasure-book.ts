import { appendTimeOf, decodeErasure, encodeErased, isErasure } from '../codec/erasure-record.js';
import { peekProducer } from '../codec/dataset-record.js';
import { hexOf } from '../codec/hex.js';
import type { Log, LogRecord, TopicPartition } from '../log/log.js';
import { readToEnd } from '../log/read-to-end.js';
import { erasuresTopic, historyOf } from '../pipeline/topics.js';
import { type BegunEntry, decodeEntry } from './erasure-entry.js';

/** A look at a whole topic: as much as a tick reads at once. */
const SWEEP_LIMITS = { recordsMax: 8_192, bytesMax: 2 * 1_048_576 };
const NO_KEY = new Uint8Array();

/** The entity of a record of a topic whose keys name rows (S17); undefined for a record that names none. */
export type EntityOf = (record: LogRecord) => Uint8Array | undefined;

/**
 * Which records of which topics belong to erased entities: (topic, partition, entity) → the offset of its newest erasure. Read from the
 * topic of erasures, which outlives stores and tasks; where each mark lies is looked up in the dataset's topic itself.
 */
export class ErasureBook {
  readonly #log: Log;
  readonly #topic: string;
  readonly #masks = new Map<string, Mask>();
  readonly #entityOf = new Map<string, EntityOf>();
  /** Where each partition of the topic of erasures is read on; empty until there is one. */
  #nextOffsets: number[] = [];

  constructor(log: Log, deployment: string) {
    this.#log = log;
    this.#topic = erasuresTopic(deployment);
  }

  /** How to tell the entity of this topic's records. */
  know(topic: string, entityOf: EntityOf): void {
    this.#entityOf.set(topic, entityOf);
  }

  /** Reads on to the end that is there now: what was acknowledged before the call is known after it. */
  async refresh(): Promise<void> {
    const partitions = this.#nextOffsets.length || ((await this.#log.partitionCount(this.#topic)) ?? 0);
    for (let partition = 0; partition < partitions; partition++) {
      const begun: BegunEntry[] = [];
      const nextOffset = await this.#readOn({ topic: this.#topic, partition }, this.#nextOffsets[partition] ?? 0, ({ value }) => {
        const entry = decodeEntry(value);
        if (entry?.kind === 'begun' && entry.entityKey !== '') begun.push(entry);
        return false;
      });
      for (const entry of begun.sort((a, b) => a.fromOffset - b.fromOffset)) await this.#place(entry);
      this.#nextOffsets[partition] = nextOffset;
    }
  }

  /** Undefined where nothing was ever erased. */
  maskOf({ topic, partition }: TopicPartition): Mask | undefined {
    return this.#masks.size === 0 ? undefined : this.#masks.get(`${topic}/${partition}`);
  }

  /** Of an entry's mark; undefined where it is not there (any more). */
  offsetOf({ topic, partition, id, entityKey }: BegunEntry): number | undefined {
    return this.#masks.get(`${topic}/${partition}`)?.offsetOf(id, entityKey);
  }

  /** A partition's records below an offset as they lie there, what was erased included. */
  async *recordsOf(source: TopicPartition, beforeOffset: number): AsyncGenerator<readonly LogRecord[]> {
    for (let offset = 0; offset < beforeOffset;) {
      const { records, nextOffset } = await this.#log.read(source, offset, SWEEP_LIMITS);
      yield records;
      if (nextOffset === offset) return;
      offset = nextOffset;
    }
  }

  /** Finds the entry's mark, and takes up every other that it meets on the way. */
  async #place({ topic, partition, entityKey, id, fromOffset }: BegunEntry): Promise<void> {
    const name = `${topic}/${partition}`;
    let mask = this.#masks.get(name);
    if (mask === undefined) {
      mask = new Mask(this.#entityOf, topic);
      this.#masks.set(name, mask);
      // All of a history lies before what its version's topic holds (record-place.ts).
      this.#masks.set(`${historyOf(topic)}/${partition}`, mask.ofHistory());
    }
    if (mask.has(id, entityKey)) return;
    const found = mask;
    await this.#readOn({ topic, partition }, fromOffset, ({ value, offset }) => {
      if (!isErasure(value)) return false;
      const mark = decodeErasure(value);
      if (mark.kind !== 'erase') return false;
      found.add(mark.id, hexOf(mark.entityKey), offset);
      return found.has(id, entityKey);
    });
  }

  /** Until the visitor says that it has enough, or to the end; gives where to read on. */
  async #readOn(source: TopicPartition, from: number, visit: (record: LogRecord) => boolean): Promise<number> {
    let readOn = from;
    for await (const { records, nextOffset } of readToEnd(this.#log, source, from)) {
      readOn = nextOffset;
      if (records.some(visit)) break;
    }
    return readOn;
  }
}

/** What a partition's records show of themselves. */
export class Mask {
  readonly #entityOf: ReadonlyMap<string, EntityOf>;
  readonly #topic: string;
  readonly #offsets: Map<string, number>;
  readonly #marks = new Map<string, number>();
  readonly #isHistory: boolean;
  #endOffset = 0;

  constructor(entityOf: ReadonlyMap<string, EntityOf>, topic: string, offsets?: Map<string, number>) {
    this.#entityOf = entityOf;
    this.#topic = topic;
    this.#offsets = offsets ?? new Map<string, number>();
    this.#isHistory = offsets !== undefined;
  }

  /** The same entities' in the history of the topic's version. */
  ofHistory(): Mask {
    return new Mask(this.#entityOf, this.#topic, this.#offsets);
  }

  /** Records from here on are as they are. */
  get endOffset(): number {
    return this.#isHistory ? Number.POSITIVE_INFINITY : this.#endOffset;
  }

  has(id: string, entityKey: string): boolean {
    return this.#marks.has(`${id} ${entityKey}`);
  }

  offsetOf(id: string, entityKey: string): number | undefined {
    return this.#marks.get(`${id} ${entityKey}`);
  }

  add(id: string, entityKey: string, offset: number): void {
    this.#marks.set(`${id} ${entityKey}`, offset);
    this.#offsets.set(entityKey, Math.max(offset, this.#offsets.get(entityKey) ?? 0));
    this.#endOffset = Math.max(this.#endOffset, offset);
  }

  /** The record, or what is left of it: its place, and what tells a retry. */
  seen(record: LogRecord): LogRecord {
    if (record.offset >= this.endOffset || record.value.length === 0 || isErasure(record.value)) return record;
    const entityOf = this.#entityOf.get(this.#topic);
    const entityKey = entityOf === undefined ? record.key : entityOf(record);
    if (entityKey === undefined) return record;
    const erasedAt = this.#offsets.get(hexOf(entityKey));
    if (erasedAt === undefined || (record.offset >= erasedAt && !this.#isHistory)) return record;
    return { offset: record.offset, key: NO_KEY, value: erasedForm(record.value) };
  }
}

/** A record's value when its entity was erased. */
export function erasedForm(value: Uint8Array): Uint8Array {
  return encodeErased({ appendTimeUs: appendTimeOf(value), ...peekProducer(value) });
}
