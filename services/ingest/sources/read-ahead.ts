import type { BatchLimits, JsonValue, SourceBatch, SourceReader } from '../../../libs/source/connector.js';

/** What one transaction of a source holds at most: small enough that a push or a tick beside it waits for milliseconds. */
export const BATCH_LIMITS: BatchLimits = { rowsMax: 2_000, bytesMax: 4 * 1024 * 1024 };

/**
 * The reader's batches, each asked for while the one before is taken (Y3: one ahead, and no more): the system and the decoder
 * work while the log's disk does. A batch that was read and not taken is read again by whoever goes on from the last commit.
 * A failure to read comes after what was read before it.
 *
 * Whoever breaks off ends the reading within its own signal (Y4): a stream would otherwise wait for what may never come.
 */
export async function* readAhead(
  reader: Pick<SourceReader, 'read'>,
  position: JsonValue | undefined,
  signal: AbortSignal,
): AsyncGenerator<SourceBatch> {
  const leaving = new AbortController();
  const batches = reader.read(position, BATCH_LIMITS, AbortSignal.any([signal, leaving.signal]))[Symbol.asyncIterator]();
  let next = batches.next();
  try {
    for (;;) {
      const taken = await next;
      if (taken.done === true) return;
      next = batches.next();
      next.catch(() => undefined); // it is thrown when its turn comes
      yield taken.value;
    }
  } finally {
    leaving.abort();
    await next.catch(() => undefined); // as it was thrown, or nobody is left to hear of it
    await batches.return?.().catch(() => undefined);
  }
}
