import type { Log } from '../../../libs/log/log.js';
import { readToEnd } from '../../../libs/log/read-to-end.js';
import { sourceControlTopic } from '../../../libs/pipeline/topics.js';

/** What was said, in its order, as JSON: one partition, appended to by any ingest process and followed by all. */
interface ControlRecord {
  readonly dataset: string;
  /** As it is, where the record says something else. */
  readonly paused: boolean;
  /** It was put there by a reset, in its system's words. */
  readonly position?: string;
}

/** Told of each later record: whether the source is paused from then on, or where it was put. */
export interface ControlListener {
  onPaused(dataset: string, paused: boolean): void;
  onReset(dataset: string, position: string): void;
}

const NO_KEY = new Uint8Array();

/** What people have said about sources: it outlives the process, and reaches whichever has the source. */
export class SourceControl {
  readonly #log: Log;
  readonly #target: { readonly topic: string; readonly partition: 0 };
  readonly #paused = new Set<string>();
  #nextOffset = 0;

  private constructor(log: Log, topic: string) {
    this.#log = log;
    this.#target = { topic, partition: 0 };
  }

  /** Knows what was said before once it resolves. */
  static async open(log: Log, deployment: string): Promise<SourceControl> {
    const topic = sourceControlTopic(deployment);
    await log.createTopic(topic, 1);
    const control = new SourceControl(log, topic);
    await control.#read();
    return control;
  }

  isPaused(dataset: string): boolean {
    return this.#paused.has(dataset);
  }

  /** Resolves when it is durable; those who follow hear of it. */
  setPaused(dataset: string, paused: boolean): Promise<void> {
    return this.#append({ dataset, paused });
  }

  /** Whoever has the source begins a new life with it. */
  tellReset(dataset: string, position: string): Promise<void> {
    return this.#append({ dataset, paused: this.isPaused(dataset), position });
  }

  async #append(record: ControlRecord): Promise<void> {
    await this.#log.append(this.#target, [{ key: NO_KEY, value: Buffer.from(JSON.stringify(record)) }]);
  }

  /** Tells of each later record, repeats among them; ends when the signal aborts. */
  async follow(listener: ControlListener, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#log.waitFor(this.#target, this.#nextOffset, signal);
      if (!signal.aborted) await this.#read(listener);
    }
  }

  async #read(listener?: ControlListener): Promise<void> {
    for await (const { records, nextOffset } of readToEnd(this.#log, this.#target, this.#nextOffset)) {
      for (const { value } of records) {
        const { dataset, paused, position } = JSON.parse(Buffer.from(value).toString()) as ControlRecord; // of #append
        if (position !== undefined) listener?.onReset(dataset, position);
        if (position !== undefined) continue;
        if (paused) this.#paused.add(dataset);
        else this.#paused.delete(dataset);
        listener?.onPaused(dataset, paused);
      }
      this.#nextOffset = nextOffset;
    }
  }
}
