// The keys of query runs in a store of their own. Runs lie in chunks, since to write and to forget them one by one
// costs more than the queries do:
//
//   CHUNK 22 | id of its last run                            how many runs, and of which featuresets, as JSON
//   RUNS  23 | id of its last run                            the runs in the order of their ids, as a JSON array
//   OF    24 | featureset, UTF-8 | 00 | id of its last run   empty: finds the chunks with runs of one featureset
//
// Ids sort by time, and so do chunks by their last runs; names of featuresets hold no 00. Queries end in another order
// than they begin, so the times of chunks overlap; but none spans more than CHUNK_SPAN_US, and that bounds every search.

const CHUNK_TAG = 0x22;
const RUNS_TAG = 0x23;
const OF_TAG = 0x24;

/** 20 and 21 had one entry for each run, in a format that nobody reads any more: dropped when the store is opened. */
export const EARLIER_FORMAT: KeyRange = { from: Buffer.of(0x20), to: Buffer.of(CHUNK_TAG) };

/** Longer than most queries take. To find one run, or where a page begins, all chunks of such a time may have to be read. */
export const CHUNK_SPAN_US = 100_000;

/** 14 digits of the time in µs, which do until 2255, and 16 that nobody can guess. */
const ID = /^[0-9a-f]{14}-[0-9a-f]{16}$/;
const ID_TIME_DIGITS = 14;
const ID_RANDOM_DIGITS = 16;
const ID_LENGTH = ID_TIME_DIGITS + 1 + ID_RANDOM_DIGITS;

/** Random bytes are asked for by the block, of 64 ids: by themselves they cost more than the rest of an id. */
const RANDOM_BLOCK_BYTES = (64 * ID_RANDOM_DIGITS) / 2;

/** The last digits of the time, for every number. */
const LAST_DIGITS_LENGTH = 3;
const LAST_DIGITS = Array.from({ length: 16 ** LAST_DIGITS_LENGTH }, (_, us) => us.toString(16).padStart(LAST_DIGITS_LENGTH, '0'));

export interface KeyRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** A maker of ids. */
export function runIds(randomBytes: (length: number) => Uint8Array): (createdUs: number) => string {
  let random = '';
  let used = 0;
  let [block, blockDigits] = [-1, ''];
  return (createdUs) => {
    if (used === random.length) [random, used] = [Buffer.from(randomBytes(RANDOM_BLOCK_BYTES)).toString('hex'), 0];
    const us = Math.max(0, createdUs);
    // What queries of the same milliseconds share is written once: V8 takes a microsecond for the digits of such a number.
    if (Math.floor(us / LAST_DIGITS.length) !== block) {
      block = Math.floor(us / LAST_DIGITS.length);
      blockDigits = timeDigits(us).slice(0, -LAST_DIGITS_LENGTH);
    }
    return `${blockDigits}${LAST_DIGITS[us % LAST_DIGITS.length] ?? ''}-${random.slice(used, (used += ID_RANDOM_DIGITS))}`;
  };
}

export function isRunId(text: string): boolean {
  return ID.test(text);
}

/** The least text above the ids of a chunk that this run may begin: what is not below it belongs into another. */
export function spanEnd(firstId: string): string {
  return timeDigits(Number.parseInt(firstId.slice(0, ID_TIME_DIGITS), 16) + CHUNK_SPAN_US + 1);
}

export function chunkKey(lastId: string): Uint8Array {
  return tagged(CHUNK_TAG, lastId);
}

export function runsKey(lastId: string): Uint8Array {
  return tagged(RUNS_TAG, lastId);
}

export function ofKey(featureset: string, lastId: string): Uint8Array {
  return Buffer.concat([ofPrefix(featureset), Buffer.from(lastId, 'latin1')]);
}

/** The range of CHUNK keys whose last run is not below this one; all of them for ''. */
export function chunksFrom(lastId: string): KeyRange {
  return { from: chunkKey(lastId), to: Buffer.of(CHUNK_TAG + 1) };
}

/** The range of RUNS keys that may hold this run. */
export function runsAround(id: string): KeyRange {
  return { from: runsKey(id), to: runsKey(spanEnd(id)) };
}

/** The range of RUNS keys that may hold runs older than this one, or all. */
export function runsBefore(id: string | undefined): KeyRange {
  return { from: Buffer.of(RUNS_TAG), to: id === undefined ? Buffer.of(RUNS_TAG + 1) : runsKey(spanEnd(id)) };
}

/** The same of OF. */
export function ofBefore(featureset: string, id: string | undefined): KeyRange {
  const from = ofPrefix(featureset);
  return { from, to: id === undefined ? Buffer.concat([from.subarray(0, -1), Buffer.of(1)]) : ofKey(featureset, spanEnd(id)) };
}

/** The id at the end of any of the keys. */
export function lastIdOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset + key.length - ID_LENGTH, ID_LENGTH).toString('latin1');
}

function timeDigits(timeUs: number): string {
  return timeUs.toString(16).padStart(ID_TIME_DIGITS, '0');
}

function tagged(tag: number, text: string): Uint8Array {
  const key = Buffer.allocUnsafe(1 + text.length);
  key[0] = tag;
  key.write(text, 1, 'latin1');
  return key;
}

function ofPrefix(featureset: string): Buffer {
  return Buffer.concat([Buffer.of(OF_TAG), Buffer.from(featureset, 'utf8'), Buffer.of(0)]);
}
