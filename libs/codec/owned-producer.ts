import { invalidArgument } from '../errors/errors.js';

// A producer id belongs to the key that uses it (S13): what is stored is
//
//   | mark | 8 hex digits of the key's fingerprint | ':' | the client's id |        with a key
//   | the client's id |                                                            without one, and in records from before
//   | mark | 'v' version '.' partition '.' block |                                 for mended dead letters that came without a producer
//
// A client's id cannot begin with a mark, so that nobody can write another's.

/** The key was required. Before ids belonged to keys, its records were stored under the client's id alone: such a window goes on. */
const REQUIRED_MARK = '\u0001';
/** The key came along where none was needed: anybody could have filled the window of the plain id, so it is not gone on with. */
const OPTIONAL_MARK = '\u0002';
const MENDED_MARK = '\u0003';
const PREFIX_LENGTH = 10;
/** As many sequences as a reader remembers below the highest (S13): whichever letter of a block is pushed last, all are recognised. */
const MENDED_BLOCK = 4_096;

/** The id to store. INVALID_ARGUMENT for one that would look like another key's. */
export function ownedProducerId(id: string, fingerprint: string | undefined, keysRequired: boolean): string {
  if (id.startsWith(REQUIRED_MARK) || id.startsWith(OPTIONAL_MARK) || id.startsWith(MENDED_MARK))
    throw invalidArgument('producer_id', 'begins with a control character: use printable ones');
  return fingerprint === undefined ? id : `${keysRequired ? REQUIRED_MARK : OPTIONAL_MARK}${fingerprint}:${id}`;
}

/** The id under which the same client's records were stored before ids belonged to keys; undefined where there are none of his for sure. */
export function formerProducerId(stored: string): string | undefined {
  return stored.startsWith(REQUIRED_MARK) ? stored.slice(PREFIX_LENGTH) : undefined;
}

/** What a dead letter that came without a producer is pushed again as: the same each time, so that it counts once. */
export function mendedProducer(version: number, partition: number, offset: number): { readonly id: string; readonly sequence: number } {
  return { id: `${MENDED_MARK}v${version}.${partition}.${Math.floor(offset / MENDED_BLOCK)}`, sequence: offset % MENDED_BLOCK };
}
