import type pg from 'pg';
import type { Clock } from '../../../time/clock.js';
import { SourceError } from '../../source-error.js';
import { postgresError } from '../postgres-client.js';
import { formatLsn, type Lsn } from './lsn.js';
import { decodeWal, type WalMessage } from './pgoutput.js';

export interface ReplicationOptions {
  /** A session in replication mode; it is this stream's from here on. */
  readonly client: pg.Client;
  readonly slot: string;
  readonly publication: string;
  /** Everything before it is committed by us. */
  readonly from: Lsn;
  readonly clock: Clock;
  /** How often the server hears of us at least; well below its wal_sender_timeout. */
  readonly statusMs: number;
  /** A server that was silent for so long, though it was asked to answer, is taken for gone. */
  readonly silenceMs: number;
  /** What may wait to be taken before nothing more is read from the connection. */
  readonly bytesMax: number;
  readonly signal: AbortSignal;
}

const XLOG_DATA = 0x77;
const KEEP_ALIVE = 0x6b;
/** Of the frame around a message: its kind, two places, a time. */
const HEADER_BYTES = 1 + 8 + 8 + 8;
const STATUS_BYTES = 34;
/** Messages that were taken are cleared away together. */
const TAKEN_MAX = 1_024;
/** 2000-01-01, from which Postgres counts. */
const EPOCH_US = 946_684_800_000_000;

/**
 * The messages of a slot, in the order of commits. What is not taken waits up to `bytesMax`; then the connection is left
 * unread, so that the server waits as well, while our own signs of life go on. The server is told of a place only once it was
 * confirmed: what lies behind it may be asked for again after any failure.
 */
export class ReplicationStream {
  readonly #options: ReplicationOptions;
  readonly #waiting: { readonly message: WalMessage; readonly bytes: number }[] = [];
  #taken = 0;
  #bytes = 0;
  #isPaused = false;
  #isInTransaction = false;
  #confirmed: Lsn;
  #serverEnd: Lsn;
  #idleEnd: Lsn;
  #isAsked = false;
  #heardUs: number;
  #failure: unknown;
  #wake: () => void = () => undefined;

  private constructor(options: ReplicationOptions) {
    this.#options = options;
    this.#confirmed = this.#serverEnd = this.#idleEnd = options.from;
    this.#heardUs = options.clock.nowUs();
  }

  static start(options: ReplicationOptions): ReplicationStream {
    const stream = new ReplicationStream(options);
    stream.#start();
    return stream;
  }

  /** The next message, or undefined where none has come yet. Throws what ended the connection, once all before it is taken. */
  take(): WalMessage | undefined {
    const next = this.#waiting[this.#taken];
    if (next === undefined) {
      if (this.#failure !== undefined) throw this.#ended(this.#failure);
      return undefined;
    }
    this.#taken++;
    this.#bytes -= next.bytes;
    if (this.#taken === this.#waiting.length || this.#taken > TAKEN_MAX) {
      this.#waiting.splice(0, this.#taken);
      this.#taken = 0;
    }
    if (this.#isPaused && this.#bytes <= this.#options.bytesMax / 2) this.#pause(false);
    return next.message;
  }

  /** Resolves when there may be something to take, or somebody called `wake`. */
  async ready(): Promise<void> {
    if (this.#taken < this.#waiting.length || this.#failure !== undefined) return;
    await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  wake(): void {
    this.#wake();
  }

  /** All before it is committed by us, so the server may forget it. */
  confirm(lsn: Lsn): void {
    if (lsn <= this.#confirmed) return;
    this.#confirmed = lsn;
    this.#sendStatus();
  }

  /** Up to here nothing is on its way to us. */
  get idleEnd(): Lsn {
    return this.isIdle ? this.#idleEnd : this.#confirmed;
  }

  get isIdle(): boolean {
    return !this.#isInTransaction && this.#taken === this.#waiting.length;
  }

  /** Whether the server has asked how far we are, since this was called the last time: it does when it is shut down, and waits. */
  takeAsked(): boolean {
    const isAsked = this.#isAsked;
    this.#isAsked = false;
    return isAsked;
  }

  #start(): void {
    const { client, slot, publication, from, signal } = this.#options;
    const { connection } = client;
    connection.on('copyData', ({ chunk }: { readonly chunk: Buffer }) => this.#take(chunk));
    const quotedSlot = `"${slot.replaceAll('"', '""')}"`;
    const names = publication.replaceAll('"', '""').replaceAll("'", "''");
    client
      .query(`START_REPLICATION SLOT ${quotedSlot} LOGICAL ${formatLsn(from)} (proto_version '1', publication_names '"${names}"')`)
      .then(() => this.#fail(new Error('the server ended the stream')))
      .catch((error: unknown) => this.#fail(error));
    signal.addEventListener('abort', () => this.#fail(signal.reason), { once: true });
    void this.#giveSigns();
  }

  async #giveSigns(): Promise<void> {
    const { clock, statusMs, silenceMs, signal } = this.#options;
    while (!signal.aborted && this.#failure === undefined) {
      await clock.sleep(statusMs, signal);
      if (this.#isPaused) this.#heardUs = clock.nowUs(); // nothing is read, so nothing can be heard
      if (clock.nowUs() - this.#heardUs > silenceMs * 1_000) this.#fail(new Error(`the server was silent for ${silenceMs / 1_000} s`));
      this.#sendStatus();
    }
  }

  #take(frame: Buffer): void {
    if (this.#failure !== undefined) return;
    this.#heardUs = this.#options.clock.nowUs();
    try {
      if (frame[0] === XLOG_DATA) this.#takeMessage(frame);
      else if (frame[0] === KEEP_ALIVE) this.#takeKeepAlive(frame);
    } catch (error) {
      this.#fail(error);
    }
    this.#wake();
  }

  #takeMessage(frame: Buffer): void {
    this.#serverEnd = maxLsn(this.#serverEnd, frame.readBigUInt64BE(9));
    const message = decodeWal(frame.subarray(HEADER_BYTES));
    if (message === undefined) return;
    if (message.kind === 'begin') this.#isInTransaction = true;
    if (message.kind === 'commit') {
      this.#isInTransaction = false;
      this.#idleEnd = maxLsn(this.#idleEnd, message.endLsn);
    }
    this.#waiting.push({ message, bytes: frame.length });
    this.#bytes += frame.length;
    if (!this.#isPaused && this.#bytes > this.#options.bytesMax) this.#pause(true);
  }

  #takeKeepAlive(frame: Buffer): void {
    const end = frame.readBigUInt64BE(1);
    this.#serverEnd = maxLsn(this.#serverEnd, end);
    if (!this.#isInTransaction) this.#idleEnd = maxLsn(this.#idleEnd, end);
    if (frame[17] === 0) return;
    this.#isAsked = true;
    this.#sendStatus();
  }

  #pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    const { stream } = this.#options.client.connection;
    if (isPaused) stream.pause();
    else stream.resume();
  }

  /** What was received, and what is confirmed as written down and as applied. */
  #sendStatus(): void {
    if (this.#failure !== undefined) return;
    const status = Buffer.alloc(STATUS_BYTES);
    status.write('r');
    status.writeBigUInt64BE(this.#serverEnd > this.#confirmed ? this.#serverEnd : this.#confirmed, 1);
    status.writeBigUInt64BE(this.#confirmed, 9);
    status.writeBigUInt64BE(this.#confirmed, 17);
    status.writeBigInt64BE(BigInt(this.#options.clock.nowUs() - EPOCH_US), 25);
    status.writeUInt8(1, 33); // an answer is wanted
    copyChunkOf(this.#options.client)(status);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#wake();
  }

  #ended(error: unknown): SourceError {
    return postgresError(`reading the slot ${this.#options.slot} failed`, error);
  }
}

/** The driver's own way to write into a copy; its type does not name it. */
function copyChunkOf({ connection }: pg.Client): (chunk: Buffer) => void {
  const writer = connection as pg.Connection & { sendCopyFromChunk?: (chunk: Buffer) => void };
  return (chunk) => writer.sendCopyFromChunk?.(chunk);
}

function maxLsn(a: Lsn, b: Lsn): Lsn {
  return a > b ? a : b;
}
