import type { Revision } from '../../libs/definition/revision.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Log, LogRecord, NewRecord, TransactionalWriter } from '../../libs/log/log.js';
import { decodeRevision, encodeRevision } from '../../libs/wire/revisions.js';
import { registryTopic, registryWriterId } from './deployment-topics.js';
import { revisionTooLarge } from './registry-errors.js';

/** The value of a record: | version u8 = 1 or 2 | thyme.v1.Revision |, its key the revision's number as text. */
const FORMAT_VERSION = 2;
/**
 * What those know that carry no records into new dataset versions: they would read a raised one without its history, so
 * only without any is it written.
 */
const VERSION_WITHOUT_CARRY_OVERS = 1;

/** Kafka refuses messages over 1 MiB by default; this leaves room for key and framing. */
const REVISION_BYTES_MAX = 1_000_000;

const READ_LIMITS = { recordsMax: 100, bytesMax: 4_194_304 };

export interface StoredRevision {
  readonly offset: number;
  readonly revision: Revision;
}

/** The topic that holds all commits of a deployment, in order. */
export class RevisionLog {
  readonly #log: Log;
  readonly #source: { readonly topic: string; readonly partition: 0 };
  readonly #writerId: string;

  constructor(log: Log, deployment: string) {
    this.#log = log;
    this.#source = { topic: registryTopic(deployment), partition: 0 };
    this.#writerId = registryWriterId(deployment);
  }

  /** Fences every other registry: what is read after this is all there will be until this writer commits (L4). */
  writer(): Promise<TransactionalWriter> {
    return this.#log.writer(this.#writerId);
  }

  /** Throws what names the limit, before anything is written, where the revision is too large. */
  recordOf(revision: Revision): NewRecord {
    const encoded = encodeRevision(revision);
    if (encoded.length > REVISION_BYTES_MAX) throw revisionTooLarge(encoded.length, REVISION_BYTES_MAX);
    return { key: Buffer.from(String(revision.number)), value: Buffer.concat([Uint8Array.of(versionFor(revision)), encoded]) };
  }

  async commit(writer: TransactionalWriter, record: NewRecord): Promise<void> {
    await writer.commit([{ target: this.#source, records: [record] }]);
  }

  /** Every revision from the offset to the end, and where to read on. */
  async readFrom(offset: number): Promise<{ readonly revisions: readonly StoredRevision[]; readonly nextOffset: number }> {
    const revisions: StoredRevision[] = [];
    let nextOffset = offset;
    for (;;) {
      const result = await this.#log.read(this.#source, nextOffset, READ_LIMITS);
      revisions.push(...result.records.map(decodeRecord));
      const stuck = result.nextOffset === nextOffset;
      nextOffset = result.nextOffset;
      if (stuck || nextOffset >= (await this.#log.endOffset(this.#source))) return { revisions, nextOffset };
    }
  }

  async readOne(offset: number): Promise<Revision | undefined> {
    const { records } = await this.#log.read(this.#source, offset, { recordsMax: 1, bytesMax: 1 });
    return records[0] === undefined ? undefined : decodeRecord(records[0]).revision;
  }

  waitFor(offset: number, signal: AbortSignal): Promise<void> {
    return this.#log.waitFor(this.#source, offset, signal);
  }
}

function versionFor({ carryOvers = [] }: Revision): number {
  return carryOvers.length === 0 ? VERSION_WITHOUT_CARRY_OVERS : FORMAT_VERSION;
}

function decodeRecord({ offset, value }: LogRecord): StoredRevision {
  const version = value[0];
  if (version === undefined || version < VERSION_WITHOUT_CARRY_OVERS || version > FORMAT_VERSION) {
    throw new ThymeError(
      'THYME_FORMAT_NEWER',
      'FAILED_PRECONDITION',
      `a revision has format ${version}, and this process knows formats up to ${FORMAT_VERSION}: upgrade it`,
      [],
      { disposition: 'stop' },
    );
  }
  return { offset, revision: decodeRevision(value.subarray(1)) };
}
