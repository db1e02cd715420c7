// The entries of the topic `<deployment>.erasures` (S26): JSON, one a record, in the partition of what they speak of.

import { corruptBytes } from '../codec/byte-writer.js';

/**
 * An erasure stands in a partition of a topic: written in the same transaction as the mark there, which lies at `fromOffset` or
 * soon behind it.
 */
export interface BegunEntry {
  readonly kind: 'begun';
  readonly id: string;
  readonly topic: string;
  /** Of the topic, and of this one. */
  readonly partition: number;
  /** Of the entity: hex of entity-key.ts; empty once the topic is rewritten. */
  readonly entityKey: string;
  readonly fromOffset: number;
}

/** What was asked, in partition 0: the receipt's fixed part (services/ingest/erasure-receipts.ts). */
export interface AskedEntry {
  readonly kind: 'asked';
  readonly id: string;
  readonly atUs: number;
  readonly dataset: string;
  readonly version: number;
  readonly topic: string;
  /** As text, for who reads the receipt; empty once all is rewritten. */
  readonly entity: string;
  readonly partitions: readonly number[];
  /** The readers of the dataset, by name and version, and what each does about it. */
  readonly readers: readonly ErasingReader[];
}

export interface ErasingReader {
  readonly name: string;
  readonly version: number;
  /** The dataset that it fills. */
  readonly fills: string;
  /** `erased`: all rows of the entity go. `unpublished`: from its groups; what they had published under other keys stays. `kept`: none. */
  readonly effect: 'erased' | 'unpublished' | 'kept';
}

/** A reader has come past the mark of a partition, or rows of it went in the partition of their group. */
export interface DoneEntry {
  readonly kind: 'done';
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly partition: number;
  /** Whether this is the partition of the mark. */
  readonly passed: boolean;
  readonly rows: number;
}

/** Nothing of it is due any more: the bytes are gone too, and what named the entity. */
export interface SettledEntry {
  readonly kind: 'settled';
  readonly id: string;
  readonly atUs: number;
}

export type ErasureEntry = BegunEntry | AskedEntry | DoneEntry | SettledEntry;

const VERSION = 1;

export function encodeEntry(entry: ErasureEntry): Uint8Array {
  return Buffer.from(JSON.stringify({ v: VERSION, ...entry }));
}

/** Undefined for an entry of a version that this process does not know: none changes what another says. */
export function decodeEntry(value: Uint8Array): ErasureEntry | undefined {
  let parsed: { readonly v: number } & ErasureEntry;
  try {
    // As encodeEntry wrote it, unless a newer process did: then the version says so.
    parsed = JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')) as {
      readonly v: number;
    } & ErasureEntry;
  } catch (cause) {
    throw corruptBytes('an entry of the erasures', { cause });
  }
  return parsed.v === VERSION ? parsed : undefined;
}
