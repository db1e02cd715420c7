import { crashPoint } from '../../lifecycle/crash-point.js';
import { logBusy, logClosed } from '../log-errors.js';
import type { LogOverlay } from './log-overlay.js';

interface QueuedWrite {
  readonly bytes: number;
  /** Stages the write; gives what tells its caller of the success. */
  readonly stage: (overlay: LogOverlay) => () => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommitOptions {
  readonly newOverlay: () => LogOverlay;
  readonly publish: (overlay: LogOverlay) => void;
  /** Why nothing can be written at the moment. */
  readonly refusal: () => Error | undefined;
  /** Told of a write that failed, before those who wait for it. */
  readonly onWriteFailed: (cause: unknown) => void;
  /** Refusable writes that may wait, by number and by bytes. */
  readonly queueLengthMax: number;
  readonly queueBytesMax: number;
  /** Bytes at which a group is full: what building one batch may block the loop for. */
  readonly groupBytesMax: number;
}

/**
 * The one path of all writes. While a synced write is in flight, those who come queue up and share
 * the next one: an fsync costs the same for one record as for a thousand. Strictly in the order of
 * arrival, so a write that fences comes after all commits before it, and before all after it (L4).
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #queue: QueuedWrite[] = [];
  #queuedBytes = 0;
  #closed = false;
  #running: Promise<void> | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /**
   * Stages when its turn comes; what `stage` throws then is this caller's alone, and it must throw
   * before it stages anything. Resolves when it is durable and published.
   */
  submit<T>(bytes: number, stage: (overlay: LogOverlay) => T): Promise<T> {
    if (this.#closed) return Promise.reject(logClosed());
    return new Promise((resolve, reject) => {
      const stageAndAnswer = (overlay: LogOverlay): (() => void) => {
        const answer = stage(overlay);
        return () => resolve(answer);
      };
      this.#queue.push({ bytes, stage: stageAndAnswer, reject });
      this.#queuedBytes += bytes;
      this.#running ??= this.#run();
    });
  }

  /** RESOURCE_EXHAUSTED if a write of so many bytes should not be queued behind what waits already. */
  checkRoom(bytes: number): void {
    const { queueLengthMax, queueBytesMax } = this.#options;
    if (this.#queue.length >= queueLengthMax) throw logBusy(`${this.#queue.length} appends`);
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > queueBytesMax) throw logBusy(`${this.#queuedBytes} bytes`);
  }

  /** Refuses new writes; resolves when those accepted have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // What is appended in the same turn shares the first write already.
    while (this.#queue.length > 0) await this.#commit(this.#takeGroup());
    this.#running = undefined;
  }

  #takeGroup(): readonly QueuedWrite[] {
    let bytes = 0;
    let count = 0;
    for (const write of this.#queue) {
      if (count > 0 && bytes + write.bytes > this.#options.groupBytesMax) break;
      bytes += write.bytes;
      count++;
    }
    const group = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    this.#queuedBytes -= bytes;
    return group;
  }

  async #commit(group: readonly QueuedWrite[]): Promise<void> {
    const refusal = this.#options.refusal();
    if (refusal !== undefined) {
      for (const { reject } of group) reject(refusal);
      return;
    }
    const overlay = this.#options.newOverlay();
    const staged: { readonly answer: () => void; readonly reject: (error: unknown) => void }[] = [];
    for (const { stage, reject } of group) {
      try {
        staged.push({ answer: stage(overlay), reject });
      } catch (error) {
        reject(error);
      }
    }
    try {
      crashPoint('log.beforeWrite');
      const writing = overlay.write();
      crashPoint('log.duringWrite');
      await writing;
      crashPoint('log.afterWrite');
    } catch (error) {
      this.#options.onWriteFailed(error);
      for (const { reject } of staged) reject(error);
      return;
    }
    this.#options.publish(overlay);
    for (const { answer } of staged) answer();
  }
}
