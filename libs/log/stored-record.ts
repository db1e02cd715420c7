import type { LogRecord } from './log.js';

/**
 * A record where it lies in its batch. Key and value are views that are made when they are asked for, and then soon gone: made
 * beforehand, they were most of what the garbage collector had to copy of a tick.
 */
export class StoredRecord implements LogRecord {
  readonly offset: number;
  readonly #batch: Uint8Array;
  readonly #keyAt: number;
  readonly #keyLength: number;
  readonly #valueAt: number;
  readonly #valueLength: number;

  /** Key and value are where `batch` has them, which must not change. */
  constructor(offset: number, batch: Uint8Array, key: Span, value: Span) {
    this.offset = offset;
    this.#batch = batch;
    this.#keyAt = key.at;
    this.#keyLength = key.length;
    this.#valueAt = value.at;
    this.#valueLength = value.length;
  }

  get key(): Uint8Array {
    return new Uint8Array(this.#batch.buffer, this.#batch.byteOffset + this.#keyAt, this.#keyLength);
  }

  get value(): Uint8Array {
    return new Uint8Array(this.#batch.buffer, this.#batch.byteOffset + this.#valueAt, this.#valueLength);
  }

  get valueLength(): number {
    return this.#valueLength;
  }

  /** Bytes of key and value together: what limits count. */
  get size(): number {
    return this.#keyLength + this.#valueLength;
  }
}

export interface Span {
  readonly at: number;
  readonly length: number;
}
