import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DeadLetterSchema } from '../../gen/thyme/v1/ingest_pb.js';
import { mendedProducer } from '../../libs/codec/owned-producer.js';
import { parseDatasetName } from '../../libs/definition/dataset-name.js';
import type { Revision } from '../../libs/definition/revision.js';
import { invalidArgument, notFound, ThymeError } from '../../libs/errors/errors.js';
import type { Log, LogRecord } from '../../libs/log/log.js';
import { deadLetterTopic } from '../../libs/pipeline/topics.js';
import { parseTimestamp } from '../../libs/time/timestamp.js';
import type { DeadLetter } from './dead-letter.js';

const LIST_LIMIT_DEFAULT = 20;
const LIST_LIMIT_MAX = 100;
/** Characters of records in one page, beyond its first letter. */
const PAGE_TEXT_MAX = 1024 * 1024;
const READ_BYTES_MAX = 4 * 1024 * 1024;
const RECORD_BYTES_MAX = 1024 * 1024;

export interface DeadLettersOptions {
  readonly log: Log;
  readonly deployment: string;
  readonly revisions: { latest(): Revision | undefined };
  readonly push: (mended: MendedRecord) => Promise<{ readonly token: string; readonly errors: readonly { readonly error: string }[] }>;
}

export interface MendedRecord {
  readonly dataset: string;
  /** One JSON object. */
  readonly json: Uint8Array;
  /** The id as it is stored. */
  readonly producer: { readonly id: string; readonly sequence: number };
  readonly historical: boolean;
}

/** As the topic has it: of ingest, of a source, or of a pipeline. */
type StoredLetter = DeadLetter & { readonly pipeline?: string };

interface PlacedLetter {
  readonly partition: number;
  readonly offset: number;
  readonly atUs: number;
  readonly letter: StoredLetter;
}

interface DeadTopic {
  readonly topic: string;
  readonly version: number;
  readonly partitions: number;
}

/** What was set aside of a dataset (S12, S23): to be read, newest first, and to be pushed again once it is mended. */
export class DeadLetters {
  readonly #options: DeadLettersOptions;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /** Letters of all partitions by the time that they were set aside. A page reads a block of each partition, from its end backwards. */
  async list(
    dataset: string,
    { limit, cursor }: { readonly limit: number; readonly cursor: string },
  ): Promise<{ readonly deadLetters: MessageInitShape<typeof DeadLetterSchema>[]; readonly nextCursor: string }> {
    if (limit < 0 || limit > LIST_LIMIT_MAX) throw invalidArgument('limit', `send a whole number from 1 to ${LIST_LIMIT_MAX}`);
    const lettersMax = limit === 0 ? LIST_LIMIT_DEFAULT : limit;
    const { topic, version, partitions } = await this.#topicOf(dataset);
    const ends = cursor === '' ? await this.#ends(topic, partitions) : readCursor(cursor, partitions);
    const found = await Promise.all([...ends].map(async ([partition, end]) => this.#block({ topic, partition }, end, lettersMax)));
    const newest = found
      .flatMap(({ letters }) => letters)
      .sort((a, b) => b.atUs - a.atUs || b.partition - a.partition || b.offset - a.offset);
    const shown = withinText(newest.slice(0, lettersMax));
    const shownFrom = new Map(found.map(({ partition, start, letters }) => [partition, endAfter(partition, start, letters, shown)]));
    const left = [...shownFrom].filter(([, end]) => end > 0);
    return {
      deadLetters: shown.map((placed) => messageOf(placed, version)),
      nextCursor: left.length === 0 ? '' : Buffer.from(JSON.stringify(left)).toString('base64url'),
    };
  }

  /**
   * Pushes the mended record as the producer that the refused one had, or as one of the letter's own: however often this is
   * done, the record counts once (S13). Resolves to the push's token; what is still wrong is told, and is no other letter.
   */
  async pushAgain({
    dataset,
    id,
    json,
    historical,
  }: {
    readonly dataset: string;
    readonly id: string;
    readonly json: Uint8Array;
    readonly historical: boolean;
  }): Promise<string> {
    if (json.length > RECORD_BYTES_MAX) throw invalidArgument('event', `has more than ${RECORD_BYTES_MAX} bytes`);
    requireObject(json);
    const { topic, version, partitions } = await this.#topicOf(dataset);
    const place = placeOf(id);
    if (place === undefined || place.partition >= partitions) throw noLetter(dataset, id);
    const { records } = await this.#options.log.read({ topic, partition: place.partition }, place.offset, {
      recordsMax: 1,
      bytesMax: READ_BYTES_MAX,
    });
    const [record] = records;
    const letter = record?.offset === place.offset ? letterOf(record) : undefined;
    if (letter === undefined) throw noLetter(dataset, id);
    if (letter.pipeline !== undefined) throw takenIn(letter.pipeline);
    const { stored_producer_id: storedId, sequence } = letter;
    const own = mendedProducer(version, place.partition, place.offset);
    const producer = storedId === undefined || sequence === undefined ? own : { id: storedId, sequence };
    const { token, errors } = await this.#options.push({ dataset, json, producer, historical });
    const [refused] = errors;
    if (refused !== undefined) throw invalidArgument('event', `is still refused: ${refused.error}`);
    return token;
  }

  async #topicOf(name: string): Promise<DeadTopic> {
    const { log, deployment, revisions } = this.#options;
    const { dataset, version } = parseDatasetName(name);
    const { definitions, carryOvers = [] } = revisions.latest() ?? { definitions: { datasets: [] } };
    const known = [...definitions.datasets, ...carryOvers.map(({ from }) => from)].filter((each) => each.name === dataset);
    const found = known.find((each) => version === undefined || each.version === version);
    if (found === undefined)
      throw notFound(
        'dataset',
        name,
        definitions.datasets.map((each) => each.name),
      );
    const topic = deadLetterTopic(deployment, dataset, found.version);
    return { topic, version: found.version, partitions: (await log.partitionCount(topic)) ?? 0 };
  }

  async #ends(topic: string, partitions: number): Promise<ReadonlyMap<number, number>> {
    const all = Array.from({ length: partitions }, (_, partition) => partition);
    const ends = await Promise.all(
      all.map(async (partition) => [partition, await this.#options.log.endOffset({ topic, partition })] as const),
    );
    return new Map(ends.filter(([, end]) => end > 0));
  }

  /** The letters right before an offset; `start` is where the next block ends. */
  async #block(
    source: { readonly topic: string; readonly partition: number },
    end: number,
    length: number,
  ): Promise<{ readonly partition: number; readonly start: number; readonly letters: readonly PlacedLetter[] }> {
    const { partition } = source;
    const start = Math.max(0, end - length);
    const letters: PlacedLetter[] = [];
    for (let offset = start; offset < end;) {
      const { records, nextOffset } = await this.#options.log.read(source, offset, { recordsMax: end - offset, bytesMax: READ_BYTES_MAX });
      for (const record of records) {
        const letter = record.offset < end ? letterOf(record) : undefined;
        if (letter !== undefined) letters.push({ partition, offset: record.offset, atUs: atOf(letter), letter });
      }
      if (nextOffset <= offset) break;
      offset = nextOffset;
    }
    return { partition, start, letters };
  }
}

/** Before the oldest that was shown; where none of a block was, its end as before, and where it had none, its start. */
function endAfter(partition: number, start: number, letters: readonly PlacedLetter[], shown: readonly PlacedLetter[]): number {
  const hidden = letters.filter((letter) => !shown.includes(letter)).map(({ offset }) => offset);
  return hidden.length === 0 ? start : Math.max(...hidden) + 1;
}

function withinText(letters: readonly PlacedLetter[]): readonly PlacedLetter[] {
  let text = 0;
  return letters.filter(({ letter }, i) => {
    text += letter.record.length + letter.reason.length;
    return i === 0 || text <= PAGE_TEXT_MAX;
  });
}

/** Undefined for one that was erased (S26), and for what is none. */
function letterOf({ value }: LogRecord): StoredLetter | undefined {
  if (value.length === 0) return undefined;
  try {
    const letter = JSON.parse(Buffer.from(value).toString('utf8')) as StoredLetter | null; // this process's own, or an earlier one's
    return typeof letter?.reason === 'string' && typeof letter.record === 'string' ? letter : undefined;
  } catch {
    return undefined;
  }
}

function atOf({ at }: StoredLetter): number {
  return parseTimestamp(at);
}

function messageOf({ partition, offset, atUs, letter }: PlacedLetter, version: number): MessageInitShape<typeof DeadLetterSchema> {
  const { reason, record, truncated = false, producer_id = '', sequence, place = '', pipeline = '' } = letter;
  return {
    id: `${partition}-${offset}`,
    reason,
    version,
    atUs: BigInt(atUs),
    record,
    truncated,
    producerId: producer_id,
    place,
    pipeline,
    ...(sequence === undefined ? {} : { sequence: BigInt(sequence) }),
  };
}

function placeOf(id: string): { readonly partition: number; readonly offset: number } | undefined {
  const [, partition, offset] = /^(\d{1,4})-(\d{1,15})$/.exec(id) ?? [];
  return partition === undefined || offset === undefined ? undefined : { partition: Number(partition), offset: Number(offset) };
}

function readCursor(text: string, partitions: number): ReadonlyMap<number, number> {
  try {
    const pairs = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown;
    if (Array.isArray(pairs) && pairs.length <= partitions && pairs.every((pair) => isPair(pair, partitions))) return new Map(pairs);
  } catch {
    // it is none, as is what follows
  }
  throw invalidArgument('cursor', 'this is no cursor: pass the next_cursor of the page before, unchanged');
}

function isPair(pair: unknown, partitions: number): pair is readonly [number, number] {
  if (!Array.isArray(pair) || pair.length !== 2) return false;
  const [partition, end] = pair as readonly unknown[];
  return (
    Number.isSafeInteger(partition) &&
    Number.isSafeInteger(end) &&
    Number(partition) >= 0 &&
    Number(partition) < partitions &&
    Number(end) > 0
  );
}

/** One record, and not several: the others would be pushed as nobody's. */
function requireObject(json: Uint8Array): void {
  try {
    const event = JSON.parse(Buffer.from(json).toString('utf8')) as unknown;
    if (typeof event === 'object' && event !== null && !Array.isArray(event)) return;
  } catch {
    // it is refused like what is no object
  }
  throw invalidArgument('event', 'is no JSON object: send the mended record');
}

function noLetter(dataset: string, id: string): ThymeError {
  return new ThymeError('THYME_NOT_FOUND', 'NOT_FOUND', `no dead letter '${id.slice(0, 64)}' of ${dataset}: it may have been erased`);
}

function takenIn(pipeline: string): ThymeError {
  return new ThymeError(
    'THYME_LETTER_OF_PIPELINE',
    'FAILED_PRECONDITION',
    `the record is in its dataset, and failed in ${pipeline}: pushed again it would count twice elsewhere. Mend the pipeline, and raise its version`,
  );
}
