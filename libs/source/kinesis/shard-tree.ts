// Which shards are read when. A stream's hash keys are dealt out to shards; a split makes two of one, a merge one of two, and the old
// ones take no more records. Records of one key are in order as long as a shard is begun only when those that it was made from
// have been read to their ends.

/** A shard as the service lists it, which it does until all of its records are older than the retention. */
export interface KnownShard {
  readonly id: string;
  /** One where a split made it, two where a merge did, none in the first generation. */
  readonly parents: readonly string[];
  /** The hash keys whose records it has: both ends included. */
  readonly hashFrom: bigint;
  readonly hashTo: bigint;
}

/** What was read so far. */
export interface ReadShards {
  hasEnded(shard: string): boolean;
  /** It was begun, or is to be, from a place of its own. */
  has(shard: string): boolean;
}

/**
 * Those whose turn it is: not ended, and no parent left that was not read to its end. A parent that is neither listed nor known has
 * left the retention, and is waited for no more.
 */
export function readyShards(shards: ReadonlyMap<string, KnownShard>, read: ReadShards): readonly KnownShard[] {
  const isBehind = (parent: string): boolean => read.hasEnded(parent) || !(shards.has(parent) || read.has(parent));
  return [...shards.values()].filter(({ id, parents }) => !read.hasEnded(id) && parents.every(isBehind));
}

/** Whether the shards that this one became are known. */
export function hasChildren(shards: ReadonlyMap<string, KnownShard>, shard: string): boolean {
  return [...shards.values()].some(({ parents }) => parents.includes(shard));
}
