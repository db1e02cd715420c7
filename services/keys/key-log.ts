import type { Log, TopicPartition, TransactionalWriter } from '../../libs/log/log.js';
import { keysTopic, keysWriterId } from '../../libs/pipeline/topics.js';
import type { KeyChange } from './key-book.js';
import { changeOf, recordOf } from './key-messages.js';

const READ_LIMITS = { recordsMax: 1_000, bytesMax: 1_048_576 };

/** The topic of a deployment's keys, in one partition. */
export class KeyLog {
  readonly #log: Log;
  readonly #source: TopicPartition;
  readonly #writerId: string;
  #isThere = false;

  constructor(log: Log, deployment: string) {
    this.#log = log;
    this.#source = { topic: keysTopic(deployment), partition: 0 };
    this.#writerId = keysWriterId(deployment);
  }

  async createTopic(): Promise<void> {
    await this.#log.createTopic(this.#source.topic, 1);
    this.#isThere = true;
  }

  async exists(): Promise<boolean> {
    this.#isThere ||= (await this.#log.partitionCount(this.#source.topic)) !== undefined;
    return this.#isThere;
  }

  /** Fences every other process that changes keys: what is read after this is all there will be until this writer commits (L4). */
  writer(): Promise<TransactionalWriter> {
    return this.#log.writer(this.#writerId);
  }

  async commit(writer: TransactionalWriter, change: KeyChange): Promise<void> {
    await writer.commit([{ target: this.#source, records: [recordOf(change)] }]);
  }

  /** Every change from the offset to the end, and where to read on. */
  async readFrom(offset: number): Promise<{ readonly changes: readonly KeyChange[]; readonly nextOffset: number }> {
    const changes: KeyChange[] = [];
    let nextOffset = offset;
    for (;;) {
      const result = await this.#log.read(this.#source, nextOffset, READ_LIMITS);
      changes.push(...result.records.map(changeOf).filter((change) => change !== undefined));
      const stuck = result.nextOffset === nextOffset;
      nextOffset = result.nextOffset;
      if (stuck || nextOffset >= (await this.#log.endOffset(this.#source))) return { changes, nextOffset };
    }
  }

  waitFor(offset: number, signal: AbortSignal): Promise<void> {
    return this.#log.waitFor(this.#source, offset, signal);
  }
}
