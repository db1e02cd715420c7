import type { Log, TransactionalWriter, TransactionRecords } from '../../../libs/log/log.js';
import { sourceProgressTopic, sourceWriterId } from '../../../libs/pipeline/topics.js';

/** What one step back from the end looks at; doubled until a record is there, since ends of transactions take offsets too. */
const LOOK_BACK = 4;
const NO_KEY = new Uint8Array();

export interface SourceProgressOptions {
  readonly log: Log;
  readonly deployment: string;
  /** The name in the definitions; its connector runs once at a time. */
  readonly source: string;
}

/**
 * One source's way into the log (S16): its rows and how far it has come are one transaction, so a restart neither repeats
 * nor skips a row. Who opens it fences whoever had it before (L4), and finds the progress of the last commit. After any
 * error it is dead: open it anew, and go on from what is there.
 */
export class SourceProgress {
  /** As the connector wrote it, in whatever form its source needs; undefined before the first commit. */
  readonly last: Uint8Array | undefined;
  readonly #topic: string;
  readonly #writer: TransactionalWriter;

  private constructor(topic: string, writer: TransactionalWriter, last: Uint8Array | undefined) {
    this.#topic = topic;
    this.#writer = writer;
    this.last = last;
  }

  static async open({ log, deployment, source }: SourceProgressOptions): Promise<SourceProgress> {
    const topic = sourceProgressTopic(deployment, source);
    await log.createTopic(topic, 1);
    const writer = await log.writer(sourceWriterId(deployment, source)); // before the read: nobody else commits from here on
    return new SourceProgress(topic, writer, await lastValue(log, topic));
  }

  /** What the last commit left, without fencing anybody: it may be old when it is looked at. */
  static async peek({ log, deployment, source }: SourceProgressOptions): Promise<Pick<SourceProgress, 'last'>> {
    const topic = sourceProgressTopic(deployment, source);
    await log.createTopic(topic, 1);
    return { last: await lastValue(log, topic) };
  }

  /** Resolves when rows and progress are durable, together. */
  async commit(rows: readonly TransactionRecords[], progress: Uint8Array): Promise<void> {
    await this.#writer.commit([...rows, { target: { topic: this.#topic, partition: 0 }, records: [{ key: NO_KEY, value: progress }] }]);
  }

  close(): Promise<void> {
    return this.#writer.close();
  }
}

async function lastValue(log: Log, topic: string): Promise<Uint8Array | undefined> {
  const target = { topic, partition: 0 };
  const end = await log.endOffset(target);
  for (let back = LOOK_BACK; ; back *= 2) {
    const from = Math.max(0, end - back);
    let last: Uint8Array | undefined;
    for (let offset = from; offset < end;) {
      const { records, nextOffset } = await log.read(target, offset, { recordsMax: back, bytesMax: 1_048_576 });
      last = records.at(-1)?.value ?? last;
      if (nextOffset === offset) break;
      offset = nextOffset;
    }
    if (last !== undefined) return Uint8Array.from(last);
    if (from === 0) return undefined;
  }
}
