import { expect } from 'chai';
import type { Log, ReadResult, TopicPartition } from '../../libs/log/log.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { ReadAhead } from '../../services/aggregator/read-ahead.js';

const SOURCE = { topic: 'orders', partition: 0 };
const LIMITS = { recordsMax: 3, bytesMax: 1_000_000 };

/** A log of so many records, and the offsets at which it was read. */
async function filled(count: number): Promise<{ readonly log: Log; readonly reads: number[]; readonly more: () => Promise<unknown> }> {
  const memory = new MemoryLog();
  await memory.createTopic(SOURCE.topic, 1);
  const append = (length: number): Promise<number> =>
    memory.append(
      SOURCE,
      Array.from({ length }, () => ({ key: new Uint8Array(), value: Uint8Array.of(1) })),
    );
  await append(count);
  const reads: number[] = [];
  const log = Object.assign(Object.create(memory) as Log, {
    read: async (source: TopicPartition, offset: number, limits: typeof LIMITS): Promise<ReadResult> => {
      reads.push(offset);
      if (offset < 0) throw new Error('out of reach');
      return memory.read(source, offset, limits);
    },
  });
  return { log, reads, more: () => append(1) };
}

const offsetsOf = ({ records }: ReadResult): number[] => records.map(({ offset }) => offset);

describe('reading ahead', () => {
  it('reads once for all who stand side by side, and gives what the log has', async () => {
    const { log, reads } = await filled(9);
    const ahead = new ReadAhead(log);
    for (let reader = 0; reader < 3; reader++) ahead.begin({ source: SOURCE, nextOffset: 3 }, LIMITS);
    expect(offsetsOf(await ahead.read(SOURCE, 3, LIMITS))).to.deep.equal([3, 4, 5]);
    expect(reads).to.deep.equal([3]);
    expect(offsetsOf(await ahead.read(SOURCE, 6, LIMITS))).to.deep.equal([6, 7, 8]);
    expect(reads).to.deep.equal([3, 6]);
  });

  it('asks anew where more may have come since', async () => {
    const { log, more } = await filled(5);
    const ahead = new ReadAhead(log);
    ahead.begin({ source: SOURCE, nextOffset: 3 }, LIMITS);
    await more();
    expect(offsetsOf(await ahead.read(SOURCE, 3, LIMITS))).to.deep.equal([3, 4, 5]);
  });

  it('leaves a failure to who reads there, and keeps nothing for a place where nobody stands', async () => {
    const { log, reads } = await filled(9);
    const ahead = new ReadAhead(log);
    ahead.begin({ source: SOURCE, nextOffset: -1 }, LIMITS);
    const failure: unknown = await ahead.read(SOURCE, -1, LIMITS).catch((error: unknown) => error);
    expect(failure).to.have.property('message', 'out of reach');
    ahead.begin({ source: SOURCE, nextOffset: 0 }, LIMITS);
    ahead.begin({ source: SOURCE, nextOffset: 3 }, LIMITS);
    ahead.keepFor([{ source: SOURCE, nextOffset: 3 }]);
    reads.length = 0;
    await ahead.read(SOURCE, 3, LIMITS);
    await ahead.read(SOURCE, 0, LIMITS);
    expect(reads).to.deep.equal([0]);
  });
});
