// Ingest: takes pushed records into dataset topics.
//
//   handlers.ts        - the RPCs of thyme.v1.IngestService
//   batch-body.ts      - the records of a request, from messages, a JSON array or JSON lines
//   exact-decimals.ts  - decimals that a double cannot hold, from the text itself
//   dataset-doors.ts   - finds what the newest revision says about the dataset
//   dataset-door.ts    - judges a record against it, stamps and encodes it
//   change-door.ts     - the same where records are changes of rows (S17), which change-reader.ts and debezium-envelope.ts read
//   append-batch.ts    - appends what was admitted, by partition
//   dead-letter.ts     - what was refused, with the reason; dead-letters.ts - read, and pushed again once it is mended
//   late-records.ts    - what came too late (S10), judged again when somebody asks; judged-partition.ts - of one partition
//   newest-records.ts  - the end of a dataset's topic, for people to look at
//   erasing.ts         - erases entities (S26), which erasure-receipts.ts tells of
//
// Invariants:
//   I1. An answer is sent when every record that it counts is durable (S13).
//   I2. A record is refused alone: the others of its batch stay accepted, and keep their sequences (S12, S13).
//   I3. Ingest keeps no state of producers that an answer depends on: a repeat is appended again and dropped
//       by who reads it (S13), so any number of ingests may run.
//   I4. A producer's id is stored with the key that it belongs to.
import type { ListNewestRecordsRequest, ListNewestRecordsResponse } from '../../gen/thyme/v1/ingest_pb.js';
import type { Revision } from '../../libs/definition/revision.js';
import { ownedProducerId } from '../../libs/codec/owned-producer.js';
import { crashPoint } from '../../libs/lifecycle/crash-point.js';
import { INDEX_PREFIX } from '../../libs/definition/timeline-topics.js';
import { ERASE_WITHIN_US } from '../../libs/erasure/erase-within.js';
import { ErasureBook } from '../../libs/erasure/erasure-book.js';
import type { AskedEntry, ErasingReader } from '../../libs/erasure/erasure-entry.js';
import { MaskedLog } from '../../libs/erasure/masked-log.js';
import { invalidArgument, notFound, ThymeError } from '../../libs/errors/errors.js';
import { decodeToken, encodeToken, mergeTokens, type Token, type TokenKey } from '../../libs/feature/token.js';
import type { Log, NewRecord } from '../../libs/log/log.js';
import type { Clock } from '../../libs/time/clock.js';
import { TurnBudget } from '../../libs/time/turns.js';
import { appendToTopic } from './append-batch.js';
import { readBody, type BatchBody } from './batch-body.js';
import { bodyFields } from './exact-decimals.js';
import { PRODUCER_ID_BYTES_MAX } from '../../libs/codec/dataset-record.js';
import type { Stamp } from './dataset-door.js';
import { DatasetDoors, type DatasetCounts, type DatasetDoor } from './dataset-doors.js';
import { deadLetterRecord } from './dead-letter.js';
import { DeadLetters, type MendedRecord } from './dead-letters.js';
import { eraseEntities } from './erasing.js';
import type { ErasureTerms } from './erasure-messages.js';
import { type ErasureReceipt, ErasureReceipts } from './erasure-receipts.js';
import type { ExpectationCount } from './expectation-counts.js';
import { BATCH_RECORDS_MAX, ERROR_LENGTH_MAX, ERRORS_LISTED_MAX, PRODUCER_BATCH_RECORDS_MAX, SLICE_RECORDS } from './ingest-limits.js';
import { LateRecords, type LateRecordsOptions } from './late-records.js';
import { newestRecords } from './newest-records.js';
import { SequenceJumps } from './sequence-jumps.js';

export interface IngestOptions {
  readonly deployment: string;
  readonly log: Log;
  readonly revisions: { latest(): Revision | undefined };
  readonly clock: Pick<Clock, 'nowUs'>;
  /** False while the disk has only the room that what was accepted needs: new records are then refused. */
  readonly hasRoom: () => boolean;
  /** By which the tokens of answers are authenticated. */
  readonly tokenKey: TokenKey;
  /** How long after an erasure its bytes may be there (S26); 30 days if absent. */
  readonly eraseWithinUs?: number;
  /** Whether somebody takes them out of the log; so if absent. */
  readonly rewritesLog?: boolean;
  /** Whether nobody pushes without a key. */
  readonly keysRequired: boolean;
}

export interface Batch {
  readonly dataset: string;
  readonly body: BatchBody;
  /** Whose id it is, and the sequence of the first record; the others follow, and refused ones use theirs up (S13). */
  readonly producer?: {
    readonly id: string;
    readonly sequence: number;
    /** The fingerprint of the key that the id belongs to; absent for who pushes without one. */
    readonly fingerprint?: string | undefined;
    /** The id is one as it is stored: a dead letter's. */
    readonly isStored?: boolean;
  };
  /** Never late, and known at its event time (S10, S22). */
  readonly historical: boolean;
  /** It is a dead letter already: refused again, it is told and not set aside once more. */
  readonly isMended?: boolean;
  /** The token of an earlier push; the answer's token covers both (S21). */
  readonly after?: string;
}

export interface BatchResult {
  readonly accepted: number;
  readonly refused: number;
  /** The first ERRORS_LISTED_MAX that were refused. */
  readonly errors: readonly { readonly index: number; readonly error: string }[];
  readonly token: string;
}

/** What became of a batch's records before any of them is appended. */
interface Sorted {
  readonly admitted: Map<number, NewRecord[]>;
  readonly dead: NewRecord[];
  readonly errors: { index: number; error: string }[];
  accepted: number;
  eventTimeUs: number;
}

export class Ingest {
  readonly #options: IngestOptions;
  /** Shared with the sources, so that one count holds all records of a dataset. */
  readonly doors: DatasetDoors;
  readonly lateRecords: LateRecords;
  /** What people are shown of topics, which are read as they are after erasures. */
  readonly #shown: LateRecordsOptions;
  readonly #receipts: ErasureReceipts;
  readonly #jumps = new SequenceJumps();
  /** Shared by all pushes: else, with many of them, whatever else the process does would get a small part of its time. */
  readonly #turns = new TurnBudget(SLICE_RECORDS);

  constructor(options: IngestOptions) {
    this.#options = options;
    this.doors = new DatasetDoors(options.log, options.deployment);
    const { log, deployment, revisions } = options;
    const erasures = new ErasureBook(log, deployment);
    this.#shown = { log: new MaskedLog(log, erasures), erasures, deployment, revisions };
    this.lateRecords = new LateRecords(this.#shown);
    this.#receipts = new ErasureReceipts(options.log, options.deployment);
  }

  /** Resolves when the accepted records are durable (I1). Rejects where the batch as a whole is at fault, or the log is. */
  async push(batch: Batch): Promise<BatchResult> {
    const after = batch.after === undefined || batch.after === '' ? undefined : decodeToken(batch.after, this.#options.tokenKey);
    const door = await this.doors.open(batch.dataset, this.#options.revisions.latest());
    if (!this.#options.hasRoom()) throw diskFull();
    const records = readBody(batch.body, bodyFields(door.dataset));
    checkBatch(records.length, batch.producer);
    const producerId = this.#ownedId(batch);
    const sorted = await this.#sort(records, batch, door, producerId);
    const { log } = this.#options;
    // Before anything is appended: an answer that cannot be given must not come after records were taken.
    if (after !== undefined) mergeTokens(after, tokenOfNothing(door.topic, sorted.admitted.keys()));
    crashPoint('ingest.beforeAppend');
    const dead = batch.isMended === true ? [] : sorted.dead;
    const [marks] = await settled([appendToTopic(log, door.topic, sorted.admitted), appendDead(log, door, dead)]);
    crashPoint('ingest.afterAppend');
    const refused = dead.length;
    door.counts.accepted += sorted.accepted;
    door.counts.refused += refused;
    if (producerId !== undefined) this.#jumps.note(batch.dataset, producerId, (batch.producer?.sequence ?? 0) + records.length - 1);
    const token = { marks, eventTimeUs: sorted.eventTimeUs };
    const merged = after === undefined ? token : mergeTokens(after, token);
    return { accepted: sorted.accepted, refused, errors: sorted.errors, token: encodeToken(merged, this.#options.tokenKey) };
  }

  newestRecords(request: ListNewestRecordsRequest): Promise<ListNewestRecordsResponse> {
    return newestRecords(request, this.#shown);
  }

  /** Dead letters of a dataset, to be read and pushed again. */
  get deadLetters(): DeadLetters {
    const { log, deployment, revisions } = this.#options;
    return new DeadLetters({ log, deployment, revisions, push: (mended) => this.#pushMended(mended) });
  }

  /** Resolves when the erasure is durable (S26): from then on it lies behind all that was acknowledged before. */
  async erase(
    dataset: string,
    entities: readonly unknown[],
  ): Promise<{ readonly receipts: readonly AskedEntry[]; readonly token: string }> {
    const { log, deployment, clock, tokenKey } = this.#options;
    const revision = this.#options.revisions.latest();
    const door = await this.doors.open(dataset, revision, 'erase from');
    if (revision === undefined) throw notFound('dataset', dataset, []);
    const place = { log, deployment, nowUs: () => clock.nowUs() };
    const { receipts, token } = await eraseEntities(place, { dataset: door.dataset, revision, entities });
    return { receipts, token: encodeToken(token, tokenKey) };
  }

  get erasureTerms(): ErasureTerms {
    const { eraseWithinUs = ERASE_WITHIN_US, rewritesLog = true } = this.#options;
    return { eraseWithinUs, rewritesLog };
  }

  /** What became of an erasure; NOT_FOUND. */
  erasure(id: string): Promise<ErasureReceipt> {
    const pipelines = this.#options.revisions.latest()?.definitions.pipelines ?? [];
    const isDefined = ({ name, version }: ErasingReader): boolean =>
      name.startsWith(INDEX_PREFIX) || pipelines.some((pipeline) => pipeline.name === name && pipeline.version === version);
    return this.#receipts.get(id, isDefined);
  }

  #pushMended({ dataset, json, producer, historical }: MendedRecord): Promise<BatchResult> {
    const bytes = Buffer.concat([Buffer.from('['), json, Buffer.from(']')]);
    return this.push({ dataset, body: { kind: 'json', bytes }, producer: { ...producer, isStored: true }, historical, isMended: true });
  }

  /** The producer's id as it is stored, if it may go on with that sequence. */
  #ownedId({ dataset, producer }: Batch): string | undefined {
    if (producer === undefined) return undefined;
    if (producer.isStored === true) return producer.id;
    const id = ownedProducerId(producer.id, producer.fingerprint, this.#options.keysRequired);
    this.#jumps.check(dataset, id, producer.sequence);
    return id;
  }

  /** For status and metrics; since this process started. */
  counts(): readonly Readonly<DatasetCounts>[] {
    return this.doors.all().map((door) => ({ ...door.counts }));
  }

  expectations(): readonly ExpectationCount[] {
    return this.doors.all().flatMap((door) => door.expectations.snapshot());
  }

  async #sort(
    records: readonly unknown[],
    { producer, historical }: Batch,
    door: DatasetDoor,
    producerId: string | undefined,
  ): Promise<Sorted> {
    const appendTimeUs = this.#options.clock.nowUs();
    const stamp: Stamp = { appendTimeUs, historical, ...(producerId === undefined ? {} : { producerId }) };
    const sorted: Sorted = { admitted: new Map(), dead: [], errors: [], accepted: 0, eventTimeUs: Number.NEGATIVE_INFINITY };
    for (let i = 0; i < records.length; i++) {
      const input = records[i];
      const turn = i % SLICE_RECORDS === 0 ? this.#turns.take(Math.min(SLICE_RECORDS, records.length - i)) : undefined;
      if (turn !== undefined) await turn;
      const sequence = (producer?.sequence ?? 0) + i;
      try {
        admit(input, door, stamp, sequence, sorted);
      } catch (error) {
        if (!(error instanceof ThymeError) || error.status === 'INTERNAL') throw error;
        refuse(
          i,
          input,
          error.message,
          { door, stamp, producer: producer === undefined ? {} : { producer_id: producer.id, sequence, ...storedAs(producerId) } },
          sorted,
        );
      }
    }
    return sorted;
  }
}

/** The partitions that a batch will be appended to. */
function tokenOfNothing(topic: string, partitions: Iterable<number>): Token {
  return { marks: [...partitions].map((partition) => ({ topic, partition, nextOffset: 0 })), eventTimeUs: Number.NEGATIVE_INFINITY };
}

function admit(input: unknown, door: DatasetDoor, stamp: Stamp, sequence: number, into: Sorted): void {
  const { partition, eventTimeUs, row, ignored, record } = door.admit(input, stamp, sequence);
  const records = into.admitted.get(partition);
  if (records === undefined) into.admitted.set(partition, [record]);
  else records.push(record);
  into.accepted++;
  into.eventTimeUs = Math.max(into.eventTimeUs, eventTimeUs);
  door.counts.ignoredFields += ignored;
  if (row !== undefined) door.expectations.count(row);
}

/** Nothing is said where it is the client's own. */
function storedAs(producerId: string | undefined): { readonly stored_producer_id?: string } {
  return producerId === undefined ? {} : { stored_producer_id: producerId };
}

interface Refusing {
  readonly door: DatasetDoor;
  readonly stamp: Stamp;
  /** As the client knows it. */
  readonly producer: { readonly producer_id?: string; readonly sequence?: number; readonly stored_producer_id?: string };
}

function refuse(index: number, input: unknown, reason: string, { door, stamp, producer }: Refusing, into: Sorted): void {
  const { name: dataset, version } = door.dataset;
  into.dead.push(deadLetterRecord({ reason, dataset, version, atUs: stamp.appendTimeUs, ...producer }, input));
  if (into.errors.length < ERRORS_LISTED_MAX) into.errors.push({ index, error: reason.slice(0, ERROR_LENGTH_MAX) });
}

/** Dead letters have no key that is sure to be readable, so they share one partition, in the order they came. */
async function appendDead(log: Log, door: DatasetDoor, dead: readonly NewRecord[]): Promise<void> {
  if (dead.length > 0) await appendToTopic(log, door.deadTopic, new Map([[0, dead]]));
}

function checkBatch(length: number, producer: Batch['producer']): void {
  const recordsMax = producer === undefined ? BATCH_RECORDS_MAX : PRODUCER_BATCH_RECORDS_MAX;
  if (length > recordsMax) {
    const why = producer === undefined ? '' : ' with a producer_id, since that is how far back a repeat is recognised';
    throw new ThymeError(
      'THYME_BATCH_TOO_LONG',
      'INVALID_ARGUMENT',
      `events: ${length} records are over the limit of ${recordsMax}${why}: send several smaller batches`,
    );
  }
  if (producer === undefined) return;
  const bytes = Buffer.byteLength(producer.id);
  if (bytes === 0 || bytes > PRODUCER_ID_BYTES_MAX)
    throw invalidArgument('producer_id', `has ${bytes} bytes: use 1 to ${PRODUCER_ID_BYTES_MAX}`);
  if (producer.sequence < 0 || !Number.isSafeInteger(producer.sequence + length))
    throw invalidArgument('sequence', 'count from 0, and stay below 2^53');
}

function diskFull(): ThymeError {
  return new ThymeError(
    'THYME_DISK_FULL',
    'RESOURCE_EXHAUSTED',
    'the disk has room only for what was accepted before: free some, or add a disk, and send this again',
  );
}

/** Both results, once neither is at work any more, also when one fails. */
async function settled<A, B>(work: readonly [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
