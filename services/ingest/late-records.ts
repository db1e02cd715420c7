import { compileRecordCodec, PUSH_LANE, statedChangeTimeUs, type DatasetRecord } from '../../libs/codec/dataset-record.js';
import { decodeErasure, isErasure } from '../../libs/codec/erasure-record.js';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import type { Revision } from '../../libs/definition/revision.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { EntityKeys, keyFieldsOf } from '../../libs/feature/entity-keys.js';
import { entityOfRecords } from '../../libs/erasure/entity-of-records.js';
import type { ErasureBook } from '../../libs/erasure/erasure-book.js';
import type { MaskedLog } from '../../libs/erasure/masked-log.js';
import type { LogRecord, TopicPartition } from '../../libs/log/log.js';
import { datasetTopic, historyTopic } from '../../libs/pipeline/topics.js';
import { askedDataset } from './asked-dataset.js';
import { JudgedPartition, type Judge, type LatePlace } from './judged-partition.js';

const LIST_LIMIT_DEFAULT = 20;
const LIST_LIMIT_MAX = 100;
/** Records that one call judges: about a second; the next call goes on with the rest. */
const CALL_RECORDS_MAX = 100_000;
/** Records of one read: some milliseconds of decoding between two turns of the event loop. */
const READ = { recordsMax: 1_000, bytesMax: 4 * 1024 * 1024 };
/** Dataset versions whose judgement is remembered; the one that was asked for longest ago is begun anew. */
const JUDGED_DATASETS_MAX = 8;

export interface LateRecordsOptions {
  /** As it is read after erasures, which `erasures` knows. */
  readonly log: MaskedLog;
  readonly erasures: ErasureBook;
  readonly deployment: string;
  readonly revisions: { latest(): Revision | undefined };
}

export interface LateQuestion {
  readonly dataset: string;
  /** Its id as requests name it; undefined for all. */
  readonly entity: unknown;
  readonly fromUs: number | undefined;
  readonly toUs: number | undefined;
  readonly limit: number;
}

export interface LateRecord extends LatePlace {
  readonly maxLatenessUs: number;
  readonly record: DatasetRecord;
}

export interface LateAnswer {
  readonly dataset: DatasetDefinition;
  /** The newest first, by when the log took them in. */
  readonly records: readonly LateRecord[];
  readonly found: number;
  readonly judged: number;
  readonly unjudged: number;
  readonly forgotten: number;
}

interface JudgedDataset {
  readonly definition: DatasetDefinition;
  readonly judge: Judge;
  readonly partitions: readonly JudgedPartition[];
  /** Calls read on one after the other. */
  reading: Promise<unknown>;
}

/**
 * Records that came too late (S10). They lie in the dataset's topic like all others, and nowhere else: what decides lateness is in the log
 * alone, so it is judged here again, from the log's beginning, when somebody asks; who does not ask pays nothing. It is judged by the
 * `maxLateness` that is in force now: a reader that was committed under another one has dropped by that.
 */
export class LateRecords {
  readonly #options: LateRecordsOptions;
  readonly #judged = new Map<string, JudgedDataset>();

  constructor(options: LateRecordsOptions) {
    this.#options = options;
  }

  /** Judges on, at most CALL_RECORDS_MAX records, and lists what is known of by then. */
  async list({ dataset: name, entity, fromUs, toUs, limit }: LateQuestion, signal: AbortSignal): Promise<LateAnswer> {
    if (limit < 0 || limit > LIST_LIMIT_MAX) throw invalidArgument('limit', `send a whole number from 1 to ${LIST_LIMIT_MAX}`);
    const judged = await this.#judgedDataset(name);
    await this.#options.erasures.refresh(); // what is judged, and what is shown, may be of who was erased meanwhile (S26)
    const { definition } = judged;
    const key = entity === undefined ? undefined : keyText(new EntityKeys(keyFieldsOf(definition), name).read(entity, 'entity_id').bytes);
    const reading = judged.reading.then(() => this.#readOn(judged, signal));
    judged.reading = reading.catch(() => undefined); // the next call tries again, where this one failed
    await reading;
    signal.throwIfAborted();
    const places = judged.partitions
      .flatMap(({ late }) => late)
      .filter((place) => key === undefined || place.entityKey === key)
      .filter(({ eventTimeUs }) => eventTimeUs >= (fromUs ?? -Infinity) && eventTimeUs <= (toUs ?? Infinity))
      .sort((a, b) => b.appendTimeUs - a.appendTimeUs || b.offset - a.offset);
    const sum = (of: (partition: JudgedPartition) => number): number => judged.partitions.reduce((all, each) => all + of(each), 0);
    return {
      dataset: definition,
      records: await this.#contents(judged, places.slice(0, limit === 0 ? LIST_LIMIT_DEFAULT : limit)),
      found: places.length,
      judged: sum((partition) => partition.judged),
      unjudged: await this.#unjudged(judged),
      forgotten: sum((partition) => partition.forgotten),
    };
  }

  /** Begun anew where another version, another `maxLateness` or more fields are in force. */
  async #judgedDataset(name: string): Promise<JudgedDataset> {
    const { log, erasures, deployment, revisions } = this.#options;
    const { definition, ofSourceUs, hasHistory } = askedDataset(name, revisions.latest());
    const { name: dataset, version, maxLatenessUs, fields } = definition;
    const place = JSON.stringify([dataset, version, maxLatenessUs, ofSourceUs, fields.map((field) => field.name)]);
    const known = this.#judged.get(place);
    const topics = [...(hasHistory ? [historyTopic(deployment, dataset, version)] : []), datasetTopic(deployment, dataset, version)];
    erasures.know(datasetTopic(deployment, dataset, version), entityOfRecords(definition));
    const count = maxLatenessUs === undefined && ofSourceUs === undefined ? 0 : ((await log.partitionCount(topics.at(-1) ?? '')) ?? 0);
    const judged: JudgedDataset = known ?? {
      definition,
      judge: compileJudge(definition, ofSourceUs),
      partitions: Array.from({ length: count }, (_, partition) => new JudgedPartition(topics, partition)),
      reading: Promise.resolve(),
    };
    this.#judged.delete(place); // so that it is the newest
    this.#judged.set(place, judged);
    for (const oldest of [...this.#judged.keys()].slice(0, -JUDGED_DATASETS_MAX)) this.#judged.delete(oldest);
    return judged;
  }

  async #readOn({ partitions, judge }: JudgedDataset, signal: AbortSignal): Promise<void> {
    let left = CALL_RECORDS_MAX;
    for (const partition of partitions) {
      while (left > 0 && !signal.aborted) {
        const source = partition.next();
        const { records, nextOffset } = await this.#options.log.read(source, partition.offset, {
          ...READ,
          recordsMax: Math.min(left, READ.recordsMax),
        });
        left -= records.length;
        for (const record of records) {
          partition.take(record, judge);
          partition.readTo(source, record.offset + 1); // each once, also where the next one cannot be read
        }
        if (records.length === 0 && nextOffset === partition.offset && !partition.nextTopic()) break;
        partition.readTo(source, nextOffset);
      }
    }
  }

  async #contents({ judge }: JudgedDataset, places: readonly LatePlace[]): Promise<readonly LateRecord[]> {
    const found = await Promise.all(
      places.map(async (place): Promise<readonly LateRecord[]> => {
        const record = await this.#recordAt(place.source, place.offset);
        if (record === undefined || isErasure(record.value)) return [];
        return [{ ...place, maxLatenessUs: judge.maxLatenessUs(place.lane) ?? 0, record: judge.whole.decode(record.value) }];
      }),
    );
    return found.flat();
  }

  async #recordAt(source: TopicPartition, offset: number): Promise<LogRecord | undefined> {
    const { records } = await this.#options.log.read(source, offset, { ...READ, recordsMax: 1 });
    return records[0]?.offset === offset ? records[0] : undefined;
  }

  async #unjudged({ partitions }: JudgedDataset): Promise<number> {
    const left = await Promise.all(
      partitions.flatMap((partition) =>
        partition.unread().map(async ({ source, offset }) => Math.max(0, (await this.#options.log.endOffset(source)) - offset)),
      ),
    );
    return left.reduce((sum, one) => sum + one, 0);
  }
}

function compileJudge(definition: DatasetDefinition, ofSourceUs: number | undefined): Judge {
  const { keys, fields, name } = definition;
  const keyFields = keyFieldsOf(definition);
  const entityKeys = new EntityKeys(keyFields, name);
  const indices = keys.map((key) => fields.findIndex((field) => field.name === key));
  return {
    brief: compileRecordCodec(fields, new Set(keys)),
    whole: compileRecordCodec(fields),
    timeUs: (record) => (record.change === undefined ? record.eventTimeUs : statedChangeTimeUs(record)),
    maxLatenessUs: (lane) => (lane === PUSH_LANE ? definition.maxLatenessUs : ofSourceUs),
    entityKey: ({ row }) => {
      const values = indices.map((index) => row[index] ?? null);
      return values.includes(null) ? '' : keyText(entityKeys.of(values).bytes); // of a deleted row whose key is not told
    },
    erasedKey: (value) => {
      const erasure = decodeErasure(value);
      return erasure.kind === 'erase' ? keyText(erasure.entityKey) : undefined;
    },
  };
}

function keyText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
