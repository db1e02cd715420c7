import type { ServerHttp2Stream } from 'node:http2';
import { ThymeError } from '../errors/errors.js';
import { Holding, type ByteBudget } from '../limits/byte-budget.js';
import type { Clock } from '../time/clock.js';
import type { Expiring } from './deadlines.js';
import type { MethodLimits } from './method-limits.js';
import { refuseStream } from './refuse-stream.js';

/** A request that is under way must bring, and an answer be taken of, something within this time. */
const STALL_US = 20_000_000;
/** After a call's deadline, for its status to be sent. */
const GRACE_US = 2_000_000;
/** A message on the wire begins with a flag, and its length (big-endian). */
const PREFIX_BYTES = 5;

/**
 * The bytes of one call. It reads the lengths of messages as they come in, before grpc-js keeps any of them: what is too large,
 * compressed or too much for the process is refused there. Ends calls that neither send nor read.
 */
export class CallTraffic implements Expiring {
  readonly #stream: ServerHttp2Stream;
  readonly #limits: MethodLimits;
  readonly #holding: Holding;
  readonly #clock: Clock;
  readonly #endUs: number;
  /** What is still to come of the message that is coming in. */
  #bytesLeft = 0;
  #prefixLength = 0;
  #messageBytes = 0;
  #messages = 0;
  #receivedUs: number;
  #unsentBytes = 0;
  #sentUs = Number.POSITIVE_INFINITY;
  #isOver = false;

  constructor(stream: ServerHttp2Stream, limits: MethodLimits, { bytes, clock }: { readonly bytes: ByteBudget; readonly clock: Clock }) {
    this.#stream = stream;
    this.#limits = limits;
    this.#holding = new Holding(bytes);
    this.#clock = clock;
    this.#receivedUs = clock.nowUs();
    this.#endUs = this.#receivedUs + limits.timeoutMs * 1_000 + GRACE_US;
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  get dueUs(): number {
    if (this.#isOver) return Number.POSITIVE_INFINITY;
    const awaited = this.#bytesLeft > 0 || this.#prefixLength > 0 || this.#messages === 0;
    return Math.min(
      this.#endUs,
      awaited ? this.#receivedUs + STALL_US : Number.POSITIVE_INFINITY,
      this.#unsentBytes > 0 ? this.#sentUs + STALL_US : Number.POSITIVE_INFINITY,
    );
  }

  /** Whether an answer is on its way: something of it may wait for the client to take it. */
  get isAnswering(): boolean {
    return this.#stream.headersSent;
  }

  expire(): void {
    this.#refuse(new ThymeError('THYME_STALLED', 'DEADLINE_EXCEEDED', 'the call made no progress: send whole requests, and read answers'));
  }

  /** Before a message of the answer is written. UNAVAILABLE where the process has too much in flight. */
  sends(bytes: number): void {
    this.#holding.take(bytes);
    if (this.#unsentBytes === 0) this.#sentUs = this.#clock.nowUs();
    this.#unsentBytes += bytes;
  }

  /** The client's flow control has let it go. */
  sent(bytes: number): void {
    this.#holding.give(bytes);
    this.#unsentBytes -= bytes;
    this.#sentUs = this.#clock.nowUs();
  }

  /** The stream has closed. */
  close(): void {
    this.#isOver = true;
    this.#holding.release();
  }

  #receive(chunk: Buffer): void {
    this.#receivedUs = this.#clock.nowUs();
    try {
      for (let at = 0; at < chunk.length && !this.#isOver;)
        at += this.#bytesLeft > 0 ? this.#body(chunk.length - at) : this.#prefix(chunk, at);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** How many of so many bytes belong to the message under way. */
  #body(length: number): number {
    const taken = Math.min(length, this.#bytesLeft);
    this.#holding.take(taken);
    this.#bytesLeft -= taken;
    return taken;
  }

  #prefix(chunk: Buffer, at: number): number {
    const byte = chunk[at] ?? 0;
    if (this.#prefixLength++ === 0) {
      if (byte !== 0) throw compressed();
      this.#holding.give(this.#messageBytes); // the one before has been read, or this one would not have been asked for
      this.#messageBytes = 0;
      return 1;
    }
    this.#messageBytes = this.#messageBytes * 256 + byte;
    if (this.#prefixLength === PREFIX_BYTES) {
      if (this.#messageBytes > this.#limits.messageBytesMax) throw tooLarge(this.#messageBytes, this.#limits.messageBytesMax);
      this.#messages += 1;
      this.#bytesLeft = this.#messageBytes;
      this.#prefixLength = 0;
    }
    return 1;
  }

  #refuse(error: unknown): void {
    this.#isOver = true;
    refuseStream(this.#stream, error);
  }
}

function compressed(): ThymeError {
  return new ThymeError('THYME_COMPRESSED', 'INVALID_ARGUMENT', 'compressed messages are not read: send them plain (identity)');
}

function tooLarge(bytes: number, max: number): ThymeError {
  return new ThymeError('THYME_MESSAGE_TOO_LARGE', 'RESOURCE_EXHAUSTED', `the message has ${bytes} bytes; this method takes ${max}`);
}
