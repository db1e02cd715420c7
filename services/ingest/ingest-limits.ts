import assert from 'node:assert';
import { APPEND_RECORDS_MAX } from '../../libs/log/log-limits.js';

const MIB = 1_024 * 1_024;

/** Bytes of one push as JSON. The published client sends a whole frame in one request. */
export const BODY_BYTES_MAX = 32 * MIB;

/** Values of one push, at all depths: 100,000 records of twenty fields. They are some 100 MB once they are parsed. */
export const BODY_VALUES_MAX = 2_000_000;
/** Smaller bodies are not counted: they cannot hold so many that it would matter. */
export const VALUES_COUNTED_BYTES_MIN = MIB;

/** Records of one push: what one append may hold. */
export const BATCH_RECORDS_MAX = 100_000;

/**
 * Records of one push that is to be recognised when it is repeated: a reader remembers that many
 * sequences below the highest (S13), so the first of a longer batch would be forgotten.
 */
export const PRODUCER_BATCH_RECORDS_MAX = 4_096;

/**
 * Records judged in one turn of the event loop, of all pushes together: some half a millisecond. In a process that is also an
 * aggregator a turn of a tick has twice as many steps, and most records are two of them, so what is accepted is not much more
 * than what becomes readable.
 */
export const SLICE_RECORDS = 64;

/**
 * Refused records that an answer lists; one more entry counts the rest. An answer so stays below
 * the 4 MiB that gRPC clients take by default.
 */
export const ERRORS_LISTED_MAX = 10_000;

/** Characters of one error in an answer. */
export const ERROR_LENGTH_MAX = 300;

/** Characters of a refused record that its dead letter keeps. */
export const DEAD_RECORD_LENGTH_MAX = 16_384;

/** Bytes of one append. Well below the log's own limit, so that a large push does not hold up small ones. */
export const APPEND_CHUNK_BYTES = 8 * MIB;
export const APPEND_CHUNK_RECORDS = 25_000;

assert(BATCH_RECORDS_MAX <= APPEND_RECORDS_MAX && APPEND_CHUNK_RECORDS <= APPEND_RECORDS_MAX);
assert(ERRORS_LISTED_MAX * ERROR_LENGTH_MAX < 4 * MIB);
