import { decodeErasure, encodeErased, isErasure } from '../../libs/codec/erasure-record.js';
import { hexOf } from '../../libs/codec/hex.js';
import { compileRowCodec } from '../../libs/codec/row-codec.js';
import { decodeKey } from '../../libs/codec/entity-key.js';
import type { Revision } from '../../libs/definition/revision.js';
import { entityOfRecords } from '../../libs/erasure/entity-of-records.js';
import { type EntityOf, ErasureBook, erasedForm } from '../../libs/erasure/erasure-book.js';
import { type AskedEntry, type BegunEntry, decodeEntry } from '../../libs/erasure/erasure-entry.js';
import type { Log, LogRecord, NewRecord, TopicPartition } from '../../libs/log/log.js';
import { readToEnd } from '../../libs/log/read-to-end.js';
import { datasetTopic, deadLettersOf, erasuresTopic, historyOf } from '../../libs/pipeline/topics.js';
import { decodeCurrentRow } from './current-row.js';
import type { PartitionTask } from './partition-task.js';
import type { ReaderPlan } from './reader-plan.js';

const NO_KEY = new Uint8Array();

/** What stands in the topic of erasures, and how far the tasks had come when it was read. */
export interface PassedErasures {
  /** Asked for, and not settled. */
  readonly open: readonly AskedEntry[];
  /** `<id> <topic> <partition>` of the marks that every reader has come past, in all partitions that it passes on to. */
  readonly passed: ReadonlySet<string>;
  /** Ids of which a mark is not among them. */
  readonly pendingIds: ReadonlySet<string>;
  /** The passed ones whose entity is still named, with their marks' offsets. */
  readonly marks: readonly (BegunEntry & { readonly offset: number })[];
}

/** How the records of each dataset's topic name their entities: of a topic that no definition knows any more nobody can tell. */
export type KnownTopics = ReadonlyMap<string, EntityOf>;

export function knownTopics(deployment: string, revision: Revision | undefined): KnownTopics {
  const older = (revision?.carryOvers ?? []).map(({ from }) => from);
  return new Map(
    [...(revision?.definitions.datasets ?? []), ...older].map((dataset) => [
      datasetTopic(deployment, dataset.name, dataset.version),
      entityOfRecords(dataset),
    ]),
  );
}

/** The tasks' places are read first: what a task has passed on it has written by then. */
export async function passedErasures(
  log: Log,
  { deployment, known }: { readonly deployment: string; readonly known: KnownTopics },
  tasks: readonly PartitionTask[],
): Promise<PassedErasures> {
  const places = tasks.flatMap(({ commit }) => [...(commit?.positions ?? []), ...(commit?.cursors ?? [])]);
  const begun: BegunEntry[] = [];
  const asked = new Map<string, AskedEntry>();
  const topic = erasuresTopic(deployment);
  for (let partition = 0; partition < tasks.length; partition++) {
    for await (const { records } of readToEnd(log, { topic, partition })) {
      for (const { value } of records) {
        const entry = decodeEntry(value);
        if (entry?.kind === 'begun') begun.push(entry);
        if (entry?.kind === 'asked') asked.set(entry.id, entry);
        if (entry?.kind === 'settled') asked.delete(entry.id);
      }
    }
  }
  const book = new ErasureBook(log, deployment);
  await book.refresh();
  const passed = new Set<string>();
  const pendingIds = new Set<string>();
  const marks: (BegunEntry & { readonly offset: number })[] = [];
  for (const entry of begun) {
    const offset = entry.entityKey === '' ? undefined : book.offsetOf(entry);
    const isPassed =
      (known.has(entry.topic) || offset === undefined) &&
      places
        .filter((place) => place.topic === entry.topic && place.partition === entry.partition)
        .every(({ nextOffset }) => offset === undefined || nextOffset > offset);
    if (!isPassed) pendingIds.add(entry.id);
    else passed.add(`${entry.id} ${entry.topic} ${entry.partition}`);
    if (isPassed && offset !== undefined) marks.push({ ...entry, offset });
  }
  return { open: [...asked.values()], passed, pendingIds, marks };
}

/** Which records belong to erased entities, and what is left of them. */
export class ErasedRecords {
  /** By topic and partition, then by the entity's key in hex: the offset of its mark. */
  readonly #offsets = new Map<string, Map<string, number>>();
  readonly #ids: ReadonlySet<string>;
  readonly #topics: ReadonlySet<string>;
  readonly #partitionCount: number;
  readonly #plans: readonly ReaderPlan[];
  readonly #known: KnownTopics;

  constructor({ marks }: PassedErasures, known: KnownTopics, tasks: readonly PartitionTask[]) {
    this.#ids = new Set(marks.map(({ id, topic }) => `${id} ${topic}`));
    this.#topics = new Set(marks.map(({ topic }) => topic));
    this.#partitionCount = tasks.length;
    this.#known = known;
    this.#plans = (tasks[0]?.readers ?? []).map(({ plan }) => plan);
    for (const { topic, partition, entityKey, offset } of marks) {
      const name = `${topic}/${partition}`;
      const offsets = this.#offsets.get(name) ?? new Map<string, number>();
      this.#offsets.set(name, offsets.set(entityKey, Math.max(offset, offsets.get(entityKey) ?? 0)));
    }
  }

  /** Where some may lie: the datasets' topics, their histories and their dead letters. */
  async sources(log: Log): Promise<readonly TopicPartition[]> {
    const sources: TopicPartition[] = [];
    for (const topic of this.#topics) {
      for (const each of [topic, historyOf(topic), deadLettersOf(topic)]) {
        const count = await log.partitionCount(each);
        for (let partition = 0; partition < (count ?? 0); partition++) sources.push({ topic: each, partition });
      }
    }
    return sources;
  }

  /** The topics with marks, in all partitions. */
  markSources(): readonly TopicPartition[] {
    return [...this.#topics].flatMap((topic) => Array.from({ length: this.#partitionCount }, (_, partition) => ({ topic, partition })));
  }

  endOf({ topic, partition }: TopicPartition): number {
    if (!this.#topics.has(topic)) return Number.POSITIVE_INFINITY;
    return Math.max(0, ...(this.#offsets.get(`${topic}/${partition}`)?.values() ?? [])) + 1;
  }

  /** Undefined where the record stays as it is. */
  left(source: TopicPartition, record: LogRecord): NewRecord | undefined {
    const { topic, partition } = source;
    const dataset = [...this.#topics].find((each) => topic === each || topic === historyOf(each) || topic === deadLettersOf(each));
    if (dataset === undefined || record.value.length === 0) return undefined;
    if (topic === deadLettersOf(dataset)) return this.#deadLetterLeft(dataset, record);
    if (isErasure(record.value)) return undefined;
    const entityKey = this.#known.get(dataset)?.(record);
    const offset = entityKey && this.#offsets.get(`${dataset}/${partition}`)?.get(hexOf(entityKey));
    if (offset === undefined || (topic === dataset && record.offset >= offset)) return undefined;
    return { key: NO_KEY, value: erasedForm(record.value) };
  }

  /** Whether a step by row keeps a version of a row that was erased. */
  isErasedRow(readerId: number, value: Uint8Array): boolean {
    const plan = this.#plans.find(({ id }) => id === readerId);
    if (plan === undefined || !this.#topics.has(plan.topic)) return false;
    const { row, orderOffset } = decodeCurrentRow(value, compileRowCodec(plan.dataset.fields));
    const entityKey = row && plan.entityOf?.(row); // of one whose rows are its entities, the changes say that they were forgotten
    if (entityKey === undefined) return false;
    const name = hexOf(entityKey);
    for (let partition = 0; partition < this.#partitionCount; partition++)
      if (orderOffset < (this.#offsets.get(`${plan.topic}/${partition}`)?.get(name) ?? -1)) return true;
    return false;
  }

  /** Of a mark: the last to go, since all that is left to do is found by it. */
  markLeft({ topic }: TopicPartition, { value }: LogRecord): NewRecord | undefined {
    if (!isErasure(value)) return undefined;
    const mark = decodeErasure(value);
    if (mark.kind !== 'erase' || !this.#ids.has(`${mark.id} ${topic}`)) return undefined;
    return { key: NO_KEY, value: encodeErased({ appendTimeUs: mark.appendTimeUs }) };
  }

  /** A dead letter has the record as JSON, whole or cut: one goes that has a value of the key, as text, in it. */
  #deadLetterLeft(topic: string, { value }: LogRecord): NewRecord | undefined {
    const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
    for (let partition = 0; partition < this.#partitionCount; partition++)
      for (const name of this.#offsets.get(`${topic}/${partition}`)?.keys() ?? [])
        if (decodeKey(Buffer.from(name, 'hex')).every((part) => text.includes(textOf(part)))) return { key: NO_KEY, value: NO_KEY };
    return undefined;
  }
}

/** As it stands in JSON within JSON. */
function textOf(part: unknown): string {
  return JSON.stringify(JSON.stringify(typeof part === 'string' ? part : String(part)).slice(1, -1)).slice(1, -1);
}
