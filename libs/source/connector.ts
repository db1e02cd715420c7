// What a connector is: a small piece that knows one system, and reads rows from it. Everything else is the
// runner's (services/ingest/sources): when to poll, back-off, fencing, transactions, decoding by the dataset's
// fields, dead letters, pauses, metrics and log lines.
//
//   connector.ts        - this contract
//   source-settings.ts  - parameters from definition and environment, secrets from where they lie
//   objects/            - rows from named objects: a folder, a bucket
//   files/              - the connector of a local folder
//   s3/                 - the connector of a bucket
//   kinesis/            - the connector of a stream of Amazon Kinesis
//   aws/                - keys and roles, which both have
//   seek-error.ts      - what a reset cannot do
//   import-peer.ts      - libraries that only those install who use them
//
// Invariants, which the contract suite holds every connector to (test/contract/source-contract.ts):
//   Y1. A position says exactly which rows came before it: whoever reads on from it gets every later row, and no
//       earlier one, whatever batch it was cut into.
//   Y2. A position belongs to what it was taken from: its fingerprint names system, place and order, and a reader
//       never goes on from another one's.
//   Y3. Batches are bounded by the limits that it is given, and nothing is read ahead of who takes them by more than one.
//   Y4. A reader ends within its signal: it holds no connection, handle or timer afterwards.
import type { SourceSettings } from './source-settings.js';

/** One row as its system has it. */
export interface SourceRow {
  /** An object by field name, of values as a push would send them in JSON; or an UnreadableRow. */
  readonly input: unknown;
  /** The external partition, shard or file that it came from (S10): 1 to LANE_BYTES_MAX bytes, never the pushes' own. */
  readonly lane: string;
  /** It belongs to the first load: never late, and known at its event time (S10, S22). */
  readonly historical: boolean;
  /** Where it stands, in its system's words: `orders/2026.jsonl line 7`. For dead letters, and people. */
  readonly place: string;
}

/** Stands for a row that cannot be read as one: a dead letter with this reason. */
export class UnreadableRow {
  constructor(
    /** As far as it is known. */
    readonly text: string,
    readonly reason: string,
  ) {}
}

/** Rows that are published in one transaction with the position behind them (S16). */
export interface SourceBatch {
  readonly rows: readonly SourceRow[];
  /** Where to go on behind them: plain JSON, which the connector alone reads. */
  readonly position: JsonValue;
  /** What people should know though the source goes on, such as an object that was overwritten after it had been read. */
  readonly notices?: readonly string[];
  /** Called once its rows are durable, with this position: only then may a system be told that it need not keep them. */
  readonly onCommitted?: () => void;
}

/** What JSON can say: a position is such a value. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** What one batch may hold. A single row beyond `bytesMax` is a batch of its own. */
export interface BatchLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
}

/** How far behind a source is, as far as its system tells; absent where it cannot know. */
export interface SourceLag {
  readonly rows?: number;
  readonly bytes?: number;
  readonly seconds?: number;
}

/** An open connection to what is read. */
export interface SourceReader {
  /**
   * The rows behind `position` (undefined: from the beginning), in an order that is the same each time. A polled source's
   * iteration ends when there is nothing new for now; a stream's when the signal aborts. Throws a SourceError where it
   * cannot go on. One iteration at a time. It is asked for a batch while the one before is being committed: that it is asked
   * says nothing of what is durable (`onCommitted` does).
   */
  read(position: JsonValue | undefined, limits: BatchLimits, signal: AbortSignal): AsyncIterable<SourceBatch>;
  /**
   * For `thyme sources reset`: the position behind all that is there now (`to` undefined), or the one that `to` names in the
   * system's words. Throws a SourceError where `to` names none, or rows behind it lie before `from`, up to where rows were
   * published (undefined: none were, or those of another place). Absent where the system cannot be begun in its middle.
   */
  seek?(to: string | undefined, from: JsonValue | undefined, signal: AbortSignal): Promise<JsonValue>;
  /** The position for people, such as `orders/2026.jsonl, 1,200 rows of it`. */
  describe(position: JsonValue): string;
  lag(): SourceLag;
  close(): Promise<void>;
}

/** What `thyme sources test` says. */
export interface SourceTest {
  /** What was looked at, in order: `reached`, `may read`, `columns`; the first that failed is the last one. */
  readonly steps: readonly { readonly what: string; readonly ok: boolean; readonly detail: string }[];
  /** A row as it would be pushed; absent where there is none yet. */
  readonly sample?: unknown;
}

/** What a commit knows of it stands in libs/definition/connectors.ts, under its name: mode, parameters, secrets, cursor. */
export interface Connector {
  readonly name: string;
  /** What a position belongs to (Y2). Two settings with one fingerprint have the same rows in the same order. */
  fingerprint(settings: SourceSettings): string;
  test(settings: SourceSettings, signal: AbortSignal): Promise<SourceTest>;
  open(settings: SourceSettings, signal: AbortSignal): Promise<SourceReader>;
}
