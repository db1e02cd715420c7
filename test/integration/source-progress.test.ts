// A source that is restarted at the worst moments, over each log that there is without a server.
import { expect } from 'chai';
import fc from 'fast-check';
import { ThymeError } from '../../libs/errors/errors.js';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import type { Log } from '../../libs/log/log.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { SourceProgress } from '../../services/ingest/sources/source-progress.js';
import { FaultyLog } from './faulty-log.js';

const ROWS = { topic: 'd.Order.v1', partition: 0 };
const LENGTH = 60;

/** A source is a list of numbers; its progress is how many it has given. One step publishes a few, and may fail on the way. */
async function run(
  log: FaultyLog,
  steps: readonly { readonly take: number; readonly fault: 'beforeCommit' | 'afterCommit' | undefined }[],
): Promise<void> {
  let lane = await SourceProgress.open({ log, deployment: 'd', source: 'Numbers' });
  let at = positionOf(lane.last);
  for (const { take, fault } of steps) {
    const next = Math.min(LENGTH, at + take);
    const records = Array.from({ length: next - at }, (_, i) => ({ key: Buffer.from('k'), value: Buffer.from(String(at + i)) }));
    log.next = fault ?? 'none';
    try {
      await lane.commit([{ target: ROWS, records }], Buffer.from(String(next)));
      at = next;
    } catch {
      await lane.close().catch(() => undefined); // dead already
      lane = await SourceProgress.open({ log, deployment: 'd', source: 'Numbers' });
      at = positionOf(lane.last);
    }
  }
  await lane.close();
}

function positionOf(progress: Uint8Array | undefined): number {
  return progress === undefined ? 0 : Number(Buffer.from(progress).toString());
}

async function published(log: Log): Promise<readonly string[]> {
  const { records } = await log.read(ROWS, 0, { recordsMax: 1_000, bytesMax: 1_000_000 });
  return records.map(({ value }) => Buffer.from(value).toString());
}

for (const [name, open] of [
  ['memory', async () => new MemoryLog()],
  ['LevelDB', () => openLevelLog(new MemoryStore())],
] as const) {
  describe(`a source's progress on the ${name} log (S16)`, () => {
    it('is one with its rows: whatever fails and restarts, none is repeated and none is skipped', async () => {
      const step = fc.record({
        take: fc.integer({ min: 0, max: 9 }),
        fault: fc.option(fc.constantFrom('beforeCommit' as const, 'afterCommit' as const), { nil: undefined }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
          const log = new FaultyLog(await open());
          await log.createTopic(ROWS.topic, 1);
          await run(log, steps);
          const end = positionOf((await SourceProgress.open({ log, deployment: 'd', source: 'Numbers' })).last);
          expect(await published(log)).to.deep.equal(Array.from({ length: end }, (_, i) => String(i)));
        }),
        { numRuns: 50 },
      );
    });

    it("is its newest owner's: who had it before cannot publish any more (L4)", async () => {
      const log = await open();
      await log.createTopic(ROWS.topic, 1);
      const first = await SourceProgress.open({ log, deployment: 'd', source: 'Numbers' });
      const second = await SourceProgress.open({ log, deployment: 'd', source: 'Numbers' });
      const error = await first.commit([], Buffer.from('1')).then(
        () => undefined,
        (cause: unknown) => cause,
      );
      expect(error).to.be.instanceOf(ThymeError).with.property('code', 'THYME_FENCED');
      await second.commit([], Buffer.from('2'));
      expect(positionOf((await SourceProgress.open({ log, deployment: 'd', source: 'Numbers' })).last)).to.equal(2);
    });
  });
}
