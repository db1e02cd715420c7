import { expect } from 'chai';
import fc from 'fast-check';
import { HeadCache } from '../../libs/change/head-cache.js';
import { Overlay } from '../../libs/change/overlay.js';
import { CachedReader, ShelfCache } from '../../libs/change/shelf-cache.js';
import { headKey } from '../../libs/change/state-keys.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { TimelinePages } from '../../libs/timeline/timeline-pages.js';
import { RAW_VALUES_MAX } from '../../libs/timeline/geometry.js';
import { readWindows, TimelineReading } from '../../libs/timeline/timeline-reader.js';
import { TimelineWriter } from '../../libs/timeline/timeline-writer.js';
import type { Instant, RowKey, TimelineShape, WindowAnswer, WindowQuestion } from '../../libs/timeline/timeline.js';

const SHAPE: TimelineShape = { columns: [{ kind: 'number', digest: true }] };
/** Small pages: some hundred rows give sealed pages with digests, and late values beside them. */
const GEOMETRY = { headRows: 2, leafRows: 4, fanOut: 3 };
const GROUPS = [0, 1, 2].map((group) => headKey(group, 7, Uint8Array.of(group, 9)));
/** Rows of the last group end (S17). */
const SHAPES: readonly TimelineShape[] = [SHAPE, SHAPE, { ...SHAPE, retractable: true }];
const STEP_US = 10;

const tick = fc.array(
  fc.record({
    group: fc.nat({ max: GROUPS.length - 1 }),
    rows: fc.integer({ min: 1, max: 60 }),
    late: fc.boolean(),
    trim: fc.nat({ max: 40 }),
  }),
  { minLength: 1, maxLength: 4 },
);
const share = fc.double({ min: 0, max: 1, noNaN: true });
const ask = fc.record({
  group: fc.nat({ max: GROUPS.length - 1 }),
  at: fc.oneof(fc.constant(1), share),
  window: fc.option(share, { freq: 2 }),
});
/** Each tick is followed by questions, which put pages on shelves, some of them twice. */
const story = fc.array(fc.tuple(tick, fc.array(ask, { maxLength: 8 })), { minLength: 2, maxLength: 12 });

function questionsOf(windowUs: number | null): WindowQuestion[] {
  return [
    { kind: 'count', windowUs },
    { kind: 'sum', column: 0, windowUs },
    { kind: 'max', column: 0, windowUs },
    { kind: 'percentile', column: 0, windowUs, pct: 50 },
    { kind: 'percentile', column: 0, windowUs, pct: 95 },
    { kind: 'percentRank', column: 0, windowUs },
    { kind: 'lastK', column: 0, windowUs, k: 3, dedup: true, dropNull: true },
  ];
}

/** A store with its caches, as an applier has them; `cacheBytes` decides how soon shelves are dropped. */
class World {
  readonly store = new MemoryStore();
  readonly #heads = new HeadCache(8_192);
  readonly #shelves: ShelfCache;
  readonly #overlay = new Overlay(this.store, this.#heads);
  readonly reader: CachedReader;
  nowUs = 1_000_000;
  #offset = 0;
  /** Rows of the group whose rows end: those that have not. */
  readonly #current: RowKey[] = [];

  constructor(cacheBytes: number) {
    this.#shelves = new ShelfCache(cacheBytes);
    this.reader = new CachedReader(this.store, this.#heads, this.#shelves);
  }

  fold(work: { readonly group: number; readonly rows: number; readonly late: boolean; readonly trim: number }): void {
    const writer = new TimelineWriter(SHAPES[work.group]!, this.#overlay, GROUPS[work.group]!, GEOMETRY);
    const isRetractable = SHAPES[work.group]!.retractable === true;
    for (let row = 0; row < work.rows; row++) {
      this.nowUs += STEP_US;
      const eventTimeUs = work.late ? 1_000_000 + ((this.nowUs * 7_919) % (this.nowUs - 1_000_000)) : this.nowUs;
      const key = { eventTimeUs, orderSource: 1, orderOffset: this.#offset++ };
      writer.insert({ ...key, knownUs: this.nowUs, values: [(this.#offset * 37) % 101] });
      if (!isRetractable) continue;
      this.#current.push(key);
      // One that is somewhere among them, for every second that comes.
      const [ended] = row % 2 === 0 ? this.#current.splice((this.#offset * 7_919) % this.#current.length, 1) : [];
      if (ended !== undefined) expect(writer.end({ ...ended, endUs: this.nowUs, endKnownUs: this.nowUs })).to.equal(true);
    }
    if (work.trim === 0 && !isRetractable) writer.trim(Math.floor((1_000_000 + this.nowUs) / 2));
    writer.flush();
  }

  async commit(): Promise<void> {
    const batch = this.store.batch();
    await this.#overlay.writeTo(batch);
    await batch.write({ sync: false });
    this.#overlay.committed(this.#shelves);
  }
}

function instantOf(
  world: World,
  { at, window }: { readonly at: number; readonly window: number | null },
): { readonly instant: Instant; readonly questions: WindowQuestion[] } {
  const asOfUs = Math.floor(1_000_000 + at * (world.nowUs - 1_000_000));
  return {
    instant: { asOfUs, knownAtUs: Number.POSITIVE_INFINITY },
    questions: questionsOf(window === null ? null : Math.floor(window * (world.nowUs - 1_000_000))),
  };
}

describe('shelves of decoded pages', () => {
  for (const cacheBytes of [1e9, 60_000]) {
    it(`answer as the store does, after any ticks, with room for ${cacheBytes} bytes (S15)`, async () => {
      await fc.assert(
        fc.asyncProperty(story, async (ticks) => {
          const world = new World(cacheBytes);
          world.fold({ group: 0, rows: RAW_VALUES_MAX + 200, late: false, trim: 1 }); // percentiles of it need digests
          for (const [works, asks] of ticks) {
            for (const work of works) world.fold(work);
            await world.commit();
            for (const each of [...asks, ...asks, ...asks]) {
              const { instant, questions } = instantOf(world, each);
              const plain = readWindows(
                SHAPES[each.group]!,
                { get: (key) => world.store.get(key) },
                GROUPS[each.group]!,
                instant,
                questions,
              );
              expect(readWindows(SHAPES[each.group]!, world.reader, GROUPS[each.group]!, instant, questions)).to.deep.equal(plain);
            }
          }
        }),
        { numRuns: 30 },
      );
    });
  }

  it('keep a reading that is under way at its tick, whatever is committed meanwhile (S15)', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (ticks) => {
        const world = new World(1e9);
        for (const [works, asks] of ticks) {
          const snapshot = world.store.snapshot();
          // Opened and half read before the tick, the rest after it: through the snapshot, as a query that waits.
          const held = asks.map((each) => {
            const { instant, questions } = instantOf(world, each);
            const pages = new TimelinePages(
              SHAPES[each.group]!,
              { get: (key) => snapshot.get(key), shelf: (key) => world.reader.shelf(key) },
              GROUPS[each.group]!,
            );
            const reading = new TimelineReading(pages, instant);
            const early = questions.slice(0, 2).map((question): WindowAnswer => reading.answer(question));
            return { each, reading, early, instant, questions };
          });
          for (const work of works) world.fold(work);
          await world.commit();
          for (const { each, reading, early, instant, questions } of held) {
            const answers = [...early, ...questions.slice(2).map((question) => reading.answer(question))];
            expect(answers).to.deep.equal(
              readWindows(SHAPES[each.group]!, { get: (key) => snapshot.get(key) }, GROUPS[each.group]!, instant, questions),
            );
          }
          snapshot.close();
        }
      }),
      { numRuns: 60 },
    );
  });
});
