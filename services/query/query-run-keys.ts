// The keys of query runs in a store of their own:
//
//   RUN   20 | id                                      the run as JSON
//   OF    21 | featureset, UTF-8 | 00 | id             empty: finds the runs of one featureset
//
// Ids sort by time, so both are in the order of asking. Names of featuresets hold no 00.

export const RUN_TAG = 0x20;
const OF_TAG = 0x21;

/** 14 digits of the time in µs, which do until 2255, and 16 that nobody can guess. */
const ID = /^[0-9a-f]{14}-[0-9a-f]{16}$/;
const ID_TIME_DIGITS = 14;
const ID_RANDOM_BYTES = 8;

export function newRunId(createdUs: number, randomBytes: (length: number) => Uint8Array): string {
  const random = Buffer.from(randomBytes(ID_RANDOM_BYTES)).toString('hex');
  return `${Math.max(0, createdUs).toString(16).padStart(ID_TIME_DIGITS, '0')}-${random}`;
}

export function isRunId(text: string): boolean {
  return ID.test(text);
}

export function runKey(id: string): Uint8Array {
  return Buffer.concat([Buffer.of(RUN_TAG), Buffer.from(id, 'latin1')]);
}

export function runOfKey(featureset: string, id: string): Uint8Array {
  return Buffer.concat([ofPrefix(featureset), Buffer.from(id, 'latin1')]);
}

export interface KeyRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** All runs older than `before`, or all. */
export function runRange(before: string | undefined): KeyRange {
  return { from: Buffer.of(RUN_TAG), to: before === undefined ? Buffer.of(RUN_TAG + 1) : runKey(before) };
}

export function runOfRange(featureset: string, before: string | undefined): KeyRange {
  const from = ofPrefix(featureset);
  return { from, to: before === undefined ? Buffer.concat([from.subarray(0, -1), Buffer.of(1)]) : runOfKey(featureset, before) };
}

/** The id at the end of either key. */
export function idOfKey(key: Uint8Array): string {
  const length = ID_TIME_DIGITS + 1 + 2 * ID_RANDOM_BYTES;
  return Buffer.from(key.buffer, key.byteOffset + key.length - length, length).toString('latin1');
}

function ofPrefix(featureset: string): Buffer {
  return Buffer.concat([Buffer.of(OF_TAG), Buffer.from(featureset, 'utf8'), Buffer.of(0)]);
}
