import type { Log, ReadLimits, ReadResult, TopicPartition } from './log.js';

const READ_LIMITS: ReadLimits = { recordsMax: 1_000, bytesMax: 1_048_576 };

/**
 * What a partition holds from an offset up to the end that is there when it is asked, in pieces. The last piece may hold more: its
 * `nextOffset` says where to read on.
 */
export async function* readToEnd(log: Pick<Log, 'read' | 'endOffset'>, source: TopicPartition, from = 0): AsyncGenerator<ReadResult> {
  const end = await log.endOffset(source);
  for (let offset = from; offset < end;) {
    const read = await log.read(source, offset, READ_LIMITS);
    yield read;
    offset = read.nextOffset;
  }
}
