// Sources whose system, log and process fail at random: every row is published exactly once, in the order of its lane.
import { expect } from 'chai';
import fc from 'fast-check';
import type { DatasetRecord } from '../../libs/codec/dataset-record.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { SourceError } from '../../libs/source/source-error.js';
import { FaultyLog } from '../integration/faulty-log.js';
import { numberDataset, polled, row, SourcesFixture } from '../integration/sources-fixture.js';
import { eventually } from '../support/eventually.js';
import { ListSystem, listConnector } from '../support/list-connector.js';

type Event =
  | { readonly kind: 'rows'; readonly count: number }
  | { readonly kind: 'system'; readonly after: number }
  | { readonly kind: 'log'; readonly fault: 'beforeCommit' | 'afterCommit' }
  | { readonly kind: 'restart' | 'second' | 'pause' };

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('rows' as const), count: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('system' as const), after: fc.nat({ max: 20 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('log' as const), fault: fc.constantFrom('beforeCommit' as const, 'afterCommit' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'second' as const, 'pause' as const) }) },
);

/** The numbers of each key, in the order of its partition. */
function byKey(records: readonly DatasetRecord[]): readonly number[][] {
  const keys = new Map<unknown, number[]>();
  for (const {
    row: [key, n],
  } of records)
    keys.set(key, [...(keys.get(key) ?? []), Number(n)]);
  return [...keys.values()];
}

describe('sources that fail (S16)', () => {
  it('publish each row once, in order, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 25 }), async (events) => {
        const system = new ListSystem();
        const log = new FaultyLog(new MemoryLog());
        const fixture = new SourcesFixture(log, () => [listConnector('postgres', system)]);
        await fixture.commit([numberDataset('A')], [polled('A')]);
        const running = [await fixture.start()];
        for (const one of events) {
          switch (one.kind) {
            case 'rows':
              system.rows.push(...Array.from({ length: one.count }, (_, i) => row(system.rows.length + i)));
              break;
            case 'system':
              system.failure = { atRow: system.rows.length + one.after, error: new SourceError('retry', 'THYME_SOURCE_RESET', 'reset') };
              break;
            case 'log':
              log.next = one.fault;
              break;
            case 'restart':
              await running.shift()?.stop({ graceMs: 1_000 });
              running.push(await fixture.start());
              break;
            case 'second':
              running.push(await fixture.start());
              break;
            case 'pause':
              await running[0]?.setPaused('A', true);
              await running[0]?.setPaused('A', false);
              break;
          }
          fixture.clock.advance(70_000);
        }
        log.next = 'none';
        await eventually(async () => {
          fixture.clock.advance(7_000);
          return (await fixture.numbers('A')).length >= system.rows.length;
        }, 'all rows are published');
        await Promise.all(running.map((sources) => sources.stop({ graceMs: 1_000 })));
        expect(await fixture.numbers('A')).to.deep.equal(system.rows.map((_, n) => n));
        for (const numbers of byKey(await fixture.published('A'))) expect(numbers).to.deep.equal(numbers.toSorted((a, b) => a - b));
      }),
      { numRuns: 60 },
    );
  });
});
