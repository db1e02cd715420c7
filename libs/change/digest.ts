import { createHash } from 'node:crypto';
import type { Store } from '../store/store.js';
import { decodeCommit } from './commit-codec.js';
import { COMMIT_KEY } from './state-keys.js';

export interface StateDigest {
  /** The seq that the digest is of; 0 for an empty store. */
  readonly seq: number;
  readonly sha256: Uint8Array;
}

/** SHA-256 over all entries in key order, each length before its bytes. Equal for any two stores at the same seq (C2). */
export async function digestStore(store: Store): Promise<StateDigest> {
  const hash = createHash('sha256');
  const lengths = Buffer.alloc(8);
  let seq = 0;
  for await (const [key, value] of store.entries({})) {
    if (Buffer.compare(key, COMMIT_KEY) === 0) seq = decodeCommit(value).seq;
    lengths.writeUInt32BE(key.length, 0);
    lengths.writeUInt32BE(value.length, 4);
    hash.update(lengths).update(key).update(value);
  }
  return { seq, sha256: hash.digest() };
}
