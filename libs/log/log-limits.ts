import assert from 'node:assert';
import { invalidArgument } from '../errors/errors.js';
import type { NewRecord } from './log.js';

const KIB = 1_024;
const MIB = 1_024 * KIB;

/** Key and value of one record: the 1 MiB that a message may have, and room for what wraps it. */
export const RECORD_BYTES_MAX = MIB + 64 * KIB;
/** Records of one append, or of one transaction. */
export const APPEND_RECORDS_MAX = 100_000;
/** Bytes of one append, or of one transaction. Twice LevelDB's write buffer: it is held in memory as a whole. */
export const APPEND_BYTES_MAX = 32 * MIB;
/** Kafka's limits for the name of a topic; every driver takes what every other takes. */
export const TOPIC_NAME_LENGTH_MAX = 249;
/** Two bytes in a key. The widest topic has a partition for each pair of tasks: 255 tasks. */
export const PARTITIONS_MAX = 65_535;
/** A transactional id is `<deployment>.agg.<p>` or the like. */
export const TRANSACTIONAL_ID_BYTES_MAX = 1_024;
assert(APPEND_BYTES_MAX >= RECORD_BYTES_MAX);

const TOPIC_NAME = /^[A-Za-z0-9._-]+$/;

export function checkTopic(topic: string, partitions: number): void {
  if (topic.length > TOPIC_NAME_LENGTH_MAX || !TOPIC_NAME.test(topic) || topic === '.' || topic === '..') {
    throw invalidArgument('topic', `use 1 to ${TOPIC_NAME_LENGTH_MAX} of the letters A-Z, a-z, digits, '.', '_' and '-'`);
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > PARTITIONS_MAX) {
    throw invalidArgument('partitions', `use an integer from 1 to ${PARTITIONS_MAX}`);
  }
}

export function checkTransactionalId(transactionalId: string): void {
  const bytes = Buffer.byteLength(transactionalId);
  if (bytes < 1 || bytes > TRANSACTIONAL_ID_BYTES_MAX) {
    throw invalidArgument('transactional_id', `use 1 to ${TRANSACTIONAL_ID_BYTES_MAX} bytes`);
  }
}

/** Checks what one append or one transaction holds. Not worth a retry, so INVALID_ARGUMENT. */
export function checkRecords(parts: readonly { readonly records: readonly NewRecord[] }[]): void {
  let count = 0;
  let bytes = 0;
  for (const { records } of parts) {
    count += records.length;
    for (const { key, value } of records) {
      const recordBytes = key.length + value.length;
      if (recordBytes > RECORD_BYTES_MAX) {
        throw invalidArgument('records', `a record of ${recordBytes} bytes is over the limit of ${RECORD_BYTES_MAX}`);
      }
      bytes += recordBytes;
    }
  }
  if (count > APPEND_RECORDS_MAX || bytes > APPEND_BYTES_MAX) {
    throw invalidArgument(
      'records',
      `${count} records of ${bytes} bytes at once are over the limit of ${APPEND_RECORDS_MAX} records and ${APPEND_BYTES_MAX} bytes: split them`,
    );
  }
}
