import { corruptBytes } from '../../libs/codec/byte-writer.js';
import type { Store, StoreBatch } from '../../libs/store/store.js';
import type { QueryRun } from './query-run.js';
import { chunkKey, chunksFrom, lastIdOf, ofKey, runsKey, spanEnd } from './query-run-keys.js';

/** Text of the runs in one chunk, in UTF-16 units: what a read of one run has to parse. A larger run has a chunk of its own. */
const CHUNK_TEXT_MAX = 262_144;
/** Heads of old chunks that are read at a time. */
const OLDEST_HEADS = 64;

/** Chunks in one store batch; what is left over goes with the next. */
const FORGOTTEN_AT_ONCE_MAX = 500;

/** What has to be known of a chunk to forget it. */
interface ChunkHead {
  readonly lastId: string;
  readonly runs: number;
  /** Bytes of the runs' text. */
  readonly bytes: number;
  readonly featuresets: readonly string[];
}

interface Chunk extends ChunkHead {
  /** The runs as a JSON array, in the order of their ids. */
  readonly text: string;
}

/** The runs in chunks that span no more than they may; `runs` is put into order. */
export function chunksOf(runs: QueryRun[]): readonly Chunk[] {
  runs.sort((a, b) => (a.id < b.id ? -1 : 1));
  const chunks: Chunk[] = [];
  let texts: string[] = [];
  let textLength = 0;
  let start = 0;
  let end = '';
  const close = (next: number): void => {
    const members = runs.slice(start, next);
    chunks.push({
      lastId: members.at(-1)?.id ?? '',
      runs: members.length,
      bytes: textLength,
      featuresets: [...new Set(members.map(({ featureset }) => featureset))],
      text: `[${texts.join(',')}]`,
    });
    [start, texts, textLength] = [next, [], 0];
  };
  for (const [i, run] of runs.entries()) {
    const text = JSON.stringify(run);
    if (i > start && (run.id >= end || textLength + text.length > CHUNK_TEXT_MAX)) close(i);
    if (i === start) end = spanEnd(run.id);
    texts.push(text);
    textLength += text.length;
  }
  if (runs.length > 0) close(runs.length);
  return chunks;
}

export function putChunk(batch: StoreBatch, { lastId, runs, bytes, featuresets, text }: Chunk): void {
  batch.put(chunkKey(lastId), Buffer.from(JSON.stringify({ runs, bytes, featuresets }), 'utf8'));
  batch.put(runsKey(lastId), Buffer.from(text, 'utf8'));
  for (const featureset of featuresets) batch.put(ofKey(featureset, lastId), new Uint8Array());
}

export function deleteChunk(batch: StoreBatch, { lastId, featuresets }: ChunkHead): void {
  batch.delete(chunkKey(lastId));
  batch.delete(runsKey(lastId));
  for (const featureset of featuresets) batch.delete(ofKey(featureset, lastId));
}

/** Reads a value of RUNS. */
export function readRuns(value: Uint8Array): readonly QueryRun[] {
  return parse(value) as QueryRun[];
}

/** Written by `putChunk`, and by nobody else: what is no JSON is damaged. */
function parse(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8'));
  } catch (cause) {
    throw corruptBytes('a query run', { cause });
  }
}

/** Whose last run is not below `lastId`, oldest first. */
export async function* readHeads(store: Store, lastId: string, limit?: number): AsyncGenerator<ChunkHead> {
  for await (const [key, value] of store.entries({ ...chunksFrom(lastId), ...(limit === undefined ? {} : { limit }) })) {
    const lastId = lastIdOf(key);
    const head = parse(value) as Omit<ChunkHead, 'lastId' | 'bytes'> & { readonly bytes?: number };
    // Those of before there was a limit do not say: then the runs are looked at.
    yield { ...head, lastId, bytes: head.bytes ?? store.get(runsKey(lastId))?.length ?? 0 };
  }
}

/**
 * The chunks that are forgotten next. It goes on where the last were forgotten: from the beginning, LevelDB would
 * step over every deleted key that is not yet compacted.
 */
export class OldestChunks {
  readonly #store: Store;
  /** In order, and all there are below #from. */
  #heads: ChunkHead[] = [];
  #from = '';

  constructor(store: Store) {
    this.#store = store;
  }

  /** The oldest: as many as have no more than `runs` together, and then until they have at least `bytes`. */
  async upTo({ runs: runsMax, bytes: bytesMin }: Pick<ChunkHead, 'runs' | 'bytes'>): Promise<readonly ChunkHead[]> {
    let [count, runs, bytes] = [0, 0, 0];
    while ((runs < runsMax || bytes < bytesMin) && count < FORGOTTEN_AT_ONCE_MAX) {
      const head = this.#heads[count] ?? (await this.#readMore());
      if (head === undefined || (runs + head.runs > runsMax && bytes >= bytesMin)) break;
      runs += head.runs;
      bytes += head.bytes;
      count++;
    }
    return this.#heads.slice(0, count);
  }

  /** These were deleted. */
  forgot(chunks: readonly ChunkHead[]): void {
    this.#heads = this.#heads.slice(chunks.length);
  }

  /** A chunk was written: of runs that took so long that they are among the oldest, if it is below #from. */
  wrote({ lastId }: ChunkHead): void {
    if (lastId >= this.#from) return;
    const oldestId = this.#heads[0]?.lastId ?? lastId;
    this.#from = lastId < oldestId ? lastId : oldestId;
    this.#heads = [];
  }

  /** The first of those that follow, if there are any. */
  async #readMore(): Promise<ChunkHead | undefined> {
    const known = this.#heads.length;
    for await (const head of readHeads(this.#store, this.#from, OLDEST_HEADS)) this.#heads.push(head);
    const last = this.#heads.at(-1);
    if (last !== undefined) this.#from = `${last.lastId}.`; // the least text above it
    return this.#heads[known];
  }
}
