import { randomBytes } from 'node:crypto';
import { encodeErase } from '../../libs/codec/erasure-record.js';
import { hexOf } from '../../libs/codec/hex.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import type { Revision } from '../../libs/definition/revision.js';
import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import { type AskedEntry, encodeEntry } from '../../libs/erasure/erasure-entry.js';
import { EntityKeys, keyFieldsOf } from '../../libs/feature/entity-keys.js';
import type { Token } from '../../libs/feature/token.js';
import type { Log, NewRecord, TransactionRecords } from '../../libs/log/log.js';
import { hasSameKeys, partitionFields } from '../../libs/pipeline/partition-fields.js';
import { datasetTopic, erasuresTopic, erasuresWriterId } from '../../libs/pipeline/topics.js';
import { erasingReaders } from './erasing-readers.js';

/** Entities of one request: each is a record in its dataset's topic, and three or four in that of the erasures. */
export const ERASED_ENTITIES_MAX = 1_000;
/** Records of one transaction, well within what a log takes. */
const MARKS_MAX = 20_000;
/** Of writers that took the topic of erasures from one another in the same moment. */
const ATTEMPTS_MAX = 5;
const ID_BYTES = 12;
const NO_KEY = new Uint8Array();

export interface ErasingPlace {
  readonly log: Log;
  readonly deployment: string;
  readonly nowUs: () => number;
}

export interface ErasureRequest {
  /** As the request names it: `Order`, or `Order@1` for an old version that is carried over (S19a). */
  readonly dataset: DatasetDefinition;
  readonly revision: Revision;
  /** As clients name entities. */
  readonly entities: readonly unknown[];
}

export interface Erased {
  readonly receipts: readonly AskedEntry[];
  /** A query that waits for it sees nothing of the entities' earlier rows (S21). */
  readonly token: Token;
}

/** A topic that may hold rows of the entities. */
interface MarkedTopic {
  readonly topic: string;
  /** Whether its records are keyed by the entity. */
  readonly byEntity: boolean;
}

/**
 * Erases entities (S26): a mark for each in every partition that may hold rows of it, and what the receipt says, in one
 * transaction. So the mark's place among the rows is what counts: everything that was acknowledged before lies before it.
 */
export async function eraseEntities(place: ErasingPlace, request: ErasureRequest): Promise<Erased> {
  const { log, deployment } = place;
  const { dataset, entities } = request;
  if (entities.length === 0 || entities.length > ERASED_ENTITIES_MAX)
    throw invalidArgument('entity_ids', `${entities.length} entities: send 1 to ${ERASED_ENTITIES_MAX}`);
  const keys = new EntityKeys(keyFieldsOf(dataset), dataset.name);
  const distinct = new Map(
    entities.map((entity, i) => {
      const { bytes, values } = keys.read(entity, `entity_ids[${i}]`);
      return [hexOf(bytes), { bytes, entity: values.length === 1 ? String(values[0]) : JSON.stringify(values) }];
    }),
  );
  const topics = markedTopics(request, deployment);
  const partitions = (await log.partitionCount(topics[0]?.topic ?? '')) ?? 0;
  const marks = distinct.size * topics.reduce((sum, { byEntity }) => sum + (byEntity ? 1 : partitions), 0);
  if (marks > MARKS_MAX)
    throw invalidArgument(
      'entity_ids',
      `${distinct.size} entities lie in ${marks} places, over the limit of ${MARKS_MAX}: send fewer at a time`,
    );
  await log.createTopic(erasuresTopic(deployment), partitions);
  for (let attempt = 1; ; attempt++) {
    try {
      return await commitErasure(place, request, { distinct: [...distinct.values()], topics, partitions });
    } catch (error) {
      // Another erasure took the writer: nothing of this one is there.
      if (!(error instanceof ThymeError) || error.code !== 'THYME_FENCED' || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

interface Erasing {
  readonly distinct: readonly { readonly bytes: Uint8Array; readonly entity: string }[];
  readonly topics: readonly MarkedTopic[];
  readonly partitions: number;
}

async function commitErasure({ log, deployment, nowUs }: ErasingPlace, request: ErasureRequest, erasing: Erasing): Promise<Erased> {
  const writer = await log.writer(erasuresWriterId(deployment));
  try {
    const parts = new Parts();
    const [first] = erasing.topics;
    const receipts: AskedEntry[] = [];
    const atUs = nowUs();
    const begins = await ends(log, erasing);
    for (const { bytes, entity } of erasing.distinct) {
      const id = `er_${randomBytes(ID_BYTES).toString('hex')}`;
      const home = partitionOf(slotOf(bytes), erasing.partitions);
      const placesOf = ({ byEntity }: MarkedTopic): readonly number[] => (byEntity ? [home] : range(erasing.partitions));
      for (const marked of erasing.topics) {
        for (const partition of placesOf(marked)) {
          const { topic } = marked;
          parts.add(topic, partition, { key: bytes, value: encodeErase({ appendTimeUs: atUs, id, entityKey: bytes }) });
          const entityKey = hexOf(bytes);
          const fromOffset = begins.get(`${topic}/${partition}`) ?? 0;
          parts.add(erasuresTopic(deployment), partition, entryRecord({ kind: 'begun', id, topic, partition, entityKey, fromOffset }));
        }
      }
      const { name, version } = request.dataset;
      const asked: AskedEntry = {
        kind: 'asked',
        id,
        atUs,
        dataset: name,
        version,
        topic: first?.topic ?? '',
        entity,
        partitions: first === undefined ? [] : placesOf(first),
        readers: erasingReaders(request.revision, request.dataset),
      };
      receipts.push(asked);
      parts.add(erasuresTopic(deployment), 0, entryRecord(asked));
    }
    const transaction = parts.list();
    const { offsets } = await writer.commit(transaction);
    const marks = transaction.flatMap(({ target, records }, i) =>
      target.topic === erasuresTopic(deployment) ? [] : [{ ...target, nextOffset: (offsets[i] ?? 0) + records.length }],
    );
    return { receipts, token: { marks, eventTimeUs: Number.NEGATIVE_INFINITY } };
  } finally {
    await writer.close();
  }
}

/** The dataset's topic first, then those of older versions that are carried over into it (S19a), as far as they have the same key. */
function markedTopics({ dataset, revision }: ErasureRequest, deployment: string): readonly MarkedTopic[] {
  const older = (revision.carryOvers ?? [])
    .filter(({ from, toVersion }) => from.name === dataset.name && toVersion <= dataset.version && hasSameKeys(from, dataset))
    .map(({ from }) => from);
  return [dataset, ...older].map((each) => ({
    topic: datasetTopic(deployment, each.name, each.version),
    byEntity: partitionFields(each).join() === each.keys.join(),
  }));
}

/** Before the marks: they lie there or behind. */
async function ends(log: Log, { topics, partitions }: Erasing): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (const { topic } of topics)
    for (const partition of range(partitions)) found.set(`${topic}/${partition}`, await log.endOffset({ topic, partition }));
  return found;
}

/** Records by where they go, in the order in which they were added. */
class Parts {
  readonly #parts = new Map<string, { readonly target: TransactionRecords['target']; readonly records: NewRecord[] }>();

  add(topic: string, partition: number, record: NewRecord): void {
    const name = `${topic}/${partition}`;
    const part = this.#parts.get(name);
    if (part === undefined) this.#parts.set(name, { target: { topic, partition }, records: [record] });
    else part.records.push(record);
  }

  list(): readonly TransactionRecords[] {
    return [...this.#parts.values()];
  }
}

function entryRecord(entry: Parameters<typeof encodeEntry>[0]): NewRecord {
  return { key: NO_KEY, value: encodeEntry(entry) };
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}
