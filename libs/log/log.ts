// The log: ordered, partitioned, durable, with transactions (DESIGN 4). One contract, one contract
// suite (test/contract/log-contract.ts), and a driver for each place it runs.
//
// Invariants:
//   L1. Offsets of a partition start at 0 and have no gaps that a reader must know of: a read
//       says where to go on (`nextOffset`).
//   L2. What `append` or `commit` resolved for survives a crash; a rejected one is all or nothing,
//       and for a crash in between a later reader sees which.
//   L3. A transaction's records become readable together, in every partition, or never.
//   L4. Of two writers with one transactional id only the newer can commit (fencing).

/**
 * One record: opaque bytes, not to be changed. They may be views into a larger buffer, which lives as
 * long as they do: copy what is kept for long. Offsets are safe integers.
 */
export interface LogRecord {
  readonly offset: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** The length of `value`, where a driver can tell it without making that. */
  readonly valueLength?: number;
}

export interface NewRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface ReadResult {
  readonly records: readonly LogRecord[];
  /** Where the next read goes on; at least the asked offset. */
  readonly nextOffset: number;
}

/** What one read may bring at most. The bytes are those of keys and values. */
export interface ReadLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

export interface Log {
  /** Creates the topic, or verifies that it has this partition count (FAILED_PRECONDITION if not). */
  createTopic(topic: string, partitions: number): Promise<void>;
  /** The topic's partition count; undefined if there is no such topic. */
  partitionCount(topic: string): Promise<number | undefined>;
  /**
   * Appends outside a transaction, durably, all or nothing (L2). Resolves to the first record's offset.
   * The buffers may be used again at once. INVALID_ARGUMENT if over a limit (log-limits.ts),
   * RESOURCE_EXHAUSTED if too much waits already, UNAVAILABLE if the disk fails.
   */
  append(target: TopicPartition, records: readonly NewRecord[]): Promise<number>;
  /** Committed records from `offset` on, in order, up to the limits but at least one if there is any. */
  read(source: TopicPartition, offset: number, limits: ReadLimits): Promise<ReadResult>;
  /** One past the last committed record. */
  endOffset(source: TopicPartition): Promise<number>;
  /** Resolves when a record at or past `offset` is committed, when the signal aborts, or when the log closes. */
  waitFor(source: TopicPartition, offset: number, signal: AbortSignal): Promise<void>;
  /** A writer with this id; it fences every earlier one (L4). */
  writer(transactionalId: string): Promise<TransactionalWriter>;
  /** Ends what was accepted, refuses the rest with UNAVAILABLE, and wakes who waits. */
  close(): Promise<void>;
}

/** A log that can take other records for those that it has (S26): the embedded one. */
export interface RewritableLog extends Log {
  /**
   * Takes other records for those that are there, at the same offsets: what `replace` gives, or none for what stays. From below an offset.
   * Resolves to how many were replaced, once that is durable; the old bytes are in the files until `compact`.
   */
  rewrite(source: TopicPartition, beforeOffset: number, replace: (record: LogRecord) => NewRecord | undefined): Promise<number>;
  /** Writes the files anew, without what was replaced. */
  compact(): Promise<void>;
}

/** A log that can forget the beginning of a partition: Kafka's. */
export interface TrimmableLog extends Log {
  /**
   * Deletes the records below the offset, which nobody reads any more; what is below is refused to readers from then on. How soon the
   * bytes leave the brokers' files is the brokers' to say: whole segments go. Further than the end is an error; less than before, nothing.
   */
  trim(source: TopicPartition, beforeOffset: number): Promise<void>;
}

/** Commits transactions one after another. After any error it is dead: drop it, take a new one, read what is there. */
export interface TransactionalWriter {
  /** Grows with each writer of the same id. */
  readonly epoch: number;
  /** Commits all records together (L3); one call at a time. ABORTED with code THYME_FENCED if a newer writer exists. */
  commit(records: readonly TransactionRecords[]): Promise<CommitResult>;
  close(): Promise<void>;
}

export interface TransactionRecords {
  readonly target: TopicPartition;
  readonly records: readonly NewRecord[];
}

export interface CommitResult {
  /** The first record's offset for each part of the transaction, in order. */
  readonly offsets: readonly number[];
}
