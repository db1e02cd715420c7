// Ingest: takes pushed records into dataset topics.
//
//   handlers.ts        - the RPCs of thyme.v1.IngestService
//   batch-body.ts      - the records of a request, from messages, a JSON array or JSON lines
//   exact-decimals.ts  - decimals that a double cannot hold, from the text itself
//   dataset-doors.ts   - finds what the newest revision says about the dataset
//   dataset-door.ts    - judges a record against it, stamps and encodes it
//   append-batch.ts    - appends what was admitted, by partition
//   dead-letter.ts     - what was refused, with the reason
//
// Invariants:
//   I1. An answer is sent when every record that it counts is durable (S13).
//   I2. A record is refused alone: the others of its batch stay accepted, and keep their sequences (S12, S13).
//   I3. Ingest keeps no state of producers: a repeat is appended again and dropped by who reads it (S13),
//       so any number of ingests may run.
import type { Revision } from '../../libs/definition/revision.js';
import { crashPoint } from '../../libs/change/crash-point.js';
import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import { encodeToken } from '../../libs/feature/token.js';
import type { Log, NewRecord } from '../../libs/log/log.js';
import type { Clock } from '../../libs/time/clock.js';
import { TurnBudget } from '../../libs/time/turns.js';
import { appendToTopic } from './append-batch.js';
import { readBody, type BatchBody } from './batch-body.js';
import type { Stamp } from './dataset-door.js';
import { DatasetDoors, type DatasetCounts, type DatasetDoor } from './dataset-doors.js';
import { deadLetterRecord } from './dead-letter.js';
import type { ExpectationCount } from './expectation-counts.js';
import { BATCH_RECORDS_MAX, ERROR_LENGTH_MAX, ERRORS_LISTED_MAX, PRODUCER_BATCH_RECORDS_MAX, PRODUCER_ID_BYTES_MAX, SLICE_RECORDS } from './ingest-limits.js';

export interface IngestOptions {
  readonly deployment: string;
  readonly log: Log;
  readonly revisions: { latest(): Revision | undefined };
  readonly clock: Pick<Clock, 'nowUs'>;
  /** False while the disk has only the room that what was accepted needs: new records are then refused. */
  readonly hasRoom: () => boolean;
}

export interface Batch {
  readonly dataset: string;
  readonly body: BatchBody;
  /** Of the first record; the others follow, and refused ones use theirs up (S13). */
  readonly producer?: { readonly id: string; readonly sequence: number };
  /** Never late, and known at its event time (S10, S22). */
  readonly historical: boolean;
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
  readonly #doors: DatasetDoors;
  /** Shared by all pushes: else, with many of them, whatever else the process does would get a small part of its time. */
  readonly #turns = new TurnBudget(SLICE_RECORDS);

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#doors = new DatasetDoors(options.log, options.deployment);
  }

  /** Resolves when the accepted records are durable (I1). Rejects where the batch as a whole is at fault, or the log is. */
  async push(batch: Batch): Promise<BatchResult> {
    const door = await this.#doors.open(batch.dataset, this.#options.revisions.latest());
    if (!this.#options.hasRoom()) throw diskFull();
    const records = readBody(batch.body, door.dataset.fields);
    checkBatch(records.length, batch.producer);
    const sorted = await this.#sort(records, batch, door);
    const { log } = this.#options;
    crashPoint('ingest.beforeAppend');
    const [marks] = await settled([appendToTopic(log, door.topic, sorted.admitted), appendDead(log, door, sorted.dead)]);
    crashPoint('ingest.afterAppend');
    const refused = sorted.dead.length;
    door.counts.accepted += sorted.accepted;
    door.counts.refused += refused;
    return { accepted: sorted.accepted, refused, errors: sorted.errors, token: encodeToken({ marks, eventTimeUs: sorted.eventTimeUs }) };
  }

  /** For status and metrics; since this process started. */
  counts(): readonly Readonly<DatasetCounts>[] {
    return this.#doors.all().map((door) => ({ ...door.counts }));
  }

  expectations(): readonly ExpectationCount[] {
    return this.#doors.all().flatMap((door) => door.expectations.snapshot());
  }

  async #sort(records: readonly unknown[], { producer, historical }: Batch, door: DatasetDoor): Promise<Sorted> {
    const appendTimeUs = this.#options.clock.nowUs();
    const stamp: Stamp = { appendTimeUs, historical, ...(producer === undefined ? {} : { producerId: producer.id }) };
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
        refuse(i, input, error.message, door, stamp, sequence, sorted);
      }
    }
    return sorted;
  }
}

function admit(input: unknown, door: DatasetDoor, stamp: Stamp, sequence: number, into: Sorted): void {
  const { partition, eventTimeUs, row, ignored, record } = door.admit(input, stamp, sequence);
  const records = into.admitted.get(partition);
  if (records === undefined) into.admitted.set(partition, [record]);
  else records.push(record);
  into.accepted++;
  into.eventTimeUs = Math.max(into.eventTimeUs, eventTimeUs);
  door.counts.ignoredFields += ignored;
  door.expectations.count(row);
}

function refuse(index: number, input: unknown, reason: string, door: DatasetDoor, stamp: Stamp, sequence: number, into: Sorted): void {
  const { name: dataset, version } = door.dataset;
  const producer = stamp.producerId === undefined ? {} : { producer_id: stamp.producerId, sequence };
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
    throw new ThymeError('THYME_BATCH_TOO_LONG', 'INVALID_ARGUMENT', `events: ${length} records are over the limit of ${recordsMax}${why}: send several smaller batches`);
  }
  if (producer === undefined) return;
  const bytes = Buffer.byteLength(producer.id);
  if (bytes === 0 || bytes > PRODUCER_ID_BYTES_MAX) throw invalidArgument('producer_id', `has ${bytes} bytes: use 1 to ${PRODUCER_ID_BYTES_MAX}`);
  if (producer.sequence < 0 || !Number.isSafeInteger(producer.sequence + length)) throw invalidArgument('sequence', 'count from 0, and stay below 2^53');
}

function diskFull(): ThymeError {
  return new ThymeError('THYME_DISK_FULL', 'RESOURCE_EXHAUSTED', 'the disk has room only for what was accepted before: free some, or add a disk, and send this again');
}

/** Both results, once neither is at work any more, also when one fails. */
async function settled<A, B>(work: readonly [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
