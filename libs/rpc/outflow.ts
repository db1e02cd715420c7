import type { Message } from '@bufbuild/protobuf';
import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js';
import type { CallTraffic } from './call-traffic.js';

/** What a stream may have written ahead of its reader: enough to compute one chunk of rows while another is on its way. */
const AHEAD_BYTES_MAX = 512 * 1024;

/**
 * The messages of a streamed answer, no further ahead than that. grpc-js alone would take sixteen messages of any size from
 * a handler whose client does not read.
 */
export class Outflow {
  readonly #call: ServerWritableStream<Message, Buffer> | ServerDuplexStream<Message, Buffer>;
  readonly #traffic: CallTraffic | undefined;
  #aheadBytes = 0;
  #wake: (() => void) | undefined;

  constructor(call: ServerWritableStream<Message, Buffer> | ServerDuplexStream<Message, Buffer>, traffic: CallTraffic | undefined) {
    this.#call = call;
    this.#traffic = traffic;
  }

  /** Gives what to wait for before the next message, if anything. Throws where the process has too much in flight. */
  write(bytes: Buffer): Promise<void> | undefined {
    const { length } = bytes;
    this.#traffic?.sends(length);
    this.#aheadBytes += length;
    this.#call.write(bytes, () => this.#flushed(length));
    return this.#aheadBytes <= AHEAD_BYTES_MAX ? undefined : new Promise((resolve) => (this.#wake = resolve));
  }

  #flushed(length: number): void {
    this.#traffic?.sent(length);
    this.#aheadBytes -= length;
    if (this.#aheadBytes <= AHEAD_BYTES_MAX) this.#wake?.();
  }
}
