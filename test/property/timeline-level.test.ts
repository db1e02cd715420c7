// The timeline over a real LevelDB, through the caches that an applier has, against a loop over its rows: what the
// other properties show on memory, on the bytes that LevelDB really gives.
import { expect } from 'chai';
import fc from 'fast-check';
import { HeadCache } from '../../libs/change/head-cache.js';
import { Overlay } from '../../libs/change/overlay.js';
import { CachedReader, ShelfCache } from '../../libs/change/shelf-cache.js';
import { headKey } from '../../libs/change/state-keys.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import type { Store } from '../../libs/store/store.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import type { TimelineRow, TimelineShape, WindowAnswer, WindowQuestion } from '../../libs/timeline/timeline.js';
import { writeRows } from '../../libs/timeline/write-rows.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { naiveAnswer } from '../unit/timeline-oracle.js';

const SHAPES: readonly TimelineShape[] = [
  { columns: [{ kind: 'number', digest: true }] },
  { columns: [{ kind: 'number', digest: true }, { kind: 'bytes' }] },
];
const GROUPS = [0, 1].map((group) => headKey(group, 7, Uint8Array.of(group, 9)));
const STEP_US = 10;
const START_US = 1_000_000;

const work = fc.record({
  rows: fc.integer({ min: 1, max: 400 }),
  lateUs: fc.oneof(fc.constant(0), fc.nat({ max: 20_000 })),
  trims: fc.boolean(),
});
const story = fc.record({ shape: fc.nat({ max: 1 }), ticks: fc.array(fc.tuple(fc.nat({ max: 1 }), work), { minLength: 2, maxLength: 8 }) });

class LevelWorld {
  readonly rows: TimelineRow[][] = [[], []];
  readonly horizons = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  readonly #store: Store;
  readonly #heads = new HeadCache(16_384);
  readonly #shelves = new ShelfCache(100_000);
  readonly #overlay: Overlay;
  #nowUs = START_US;

  constructor(
    store: Store,
    readonly shape: TimelineShape,
  ) {
    this.#store = store;
    this.#overlay = new Overlay(store, this.#heads);
  }

  async tick(
    group: number,
    { rows, lateUs, trims }: { readonly rows: number; readonly lateUs: number; readonly trims: boolean },
  ): Promise<void> {
    const made = Array.from({ length: rows }, () => this.#row(group, lateUs));
    if (trims) this.horizons[group] = Math.max(this.horizons[group]!, Math.floor((START_US + this.#nowUs) / 2));
    writeRows(this.shape, this.#overlay, GROUPS[group]!, made, this.horizons[group]);
    const batch = this.#store.batch();
    await this.#overlay.writeTo(batch);
    await batch.write({ sync: false });
    this.#overlay.committed(this.#shelves);
  }

  ask(group: number, questions: readonly WindowQuestion[]): readonly WindowAnswer[] {
    const reader = new CachedReader(this.#store, this.#heads, this.#shelves);
    return readWindows(this.shape, reader, GROUPS[group]!, this.#instant, questions);
  }

  naive(group: number, questions: readonly WindowQuestion[]): readonly WindowAnswer[] {
    return questions.map((question) => naiveAnswer(this.rows[group]!, this.#instant, question));
  }

  /** The widest window that is covered. */
  widestUs(group: number): number {
    return Math.max(0, this.#nowUs - Math.max(START_US, this.horizons[group]!));
  }

  get #instant(): { readonly asOfUs: number; readonly knownAtUs: number } {
    return { asOfUs: this.#nowUs, knownAtUs: Number.POSITIVE_INFINITY };
  }

  #row(group: number, lateUs: number): TimelineRow {
    this.#nowUs += STEP_US;
    const orderOffset = this.rows[group]!.length;
    const value = (orderOffset * 37) % 101;
    const bytes = this.shape.columns.slice(1).map(() => Uint8Array.of(value, group));
    const eventTimeUs = Math.max(START_US, this.#nowUs - lateUs);
    const row = { eventTimeUs, orderSource: 1, orderOffset, knownUs: this.#nowUs, values: [value / 4, ...bytes] };
    this.rows[group]!.push(row);
    return row;
  }
}

function questionsOf(windowUs: number | null, hasBytes: boolean): WindowQuestion[] {
  const numbers = (['count', 'sum', 'avg', 'min', 'max'] as const).map((kind): WindowQuestion => ({ kind, column: 0, windowUs }));
  if (windowUs === null) return [{ kind: 'count', windowUs }, ...numbers];
  const last: WindowQuestion = { kind: 'lastK', column: hasBytes ? 1 : 0, windowUs, k: 5, dedup: true, dropNull: true };
  return [{ kind: 'count', windowUs }, ...numbers, last];
}

describe('a timeline on LevelDB', function () {
  this.timeout(120_000);

  it('answers as a loop over its rows does, trimmed or not, endless windows too (S2, S7, S8, S11, S20)', async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ shape, ticks }) => {
        const store = await openLevelStore(temporaryFolder(), { writeBufferSize: 64 * 1_024 });
        try {
          const world = new LevelWorld(store, SHAPES[shape]!);
          for (const [group, each] of ticks) {
            await world.tick(group, each);
            for (const asked of [0, 1]) {
              const widest = world.widestUs(asked);
              const questions = [null, widest, Math.floor(widest / 3)].flatMap((windowUs) => questionsOf(windowUs, shape === 1));
              expect(world.ask(asked, questions)).to.deep.equal(world.naive(asked, questions));
            }
          }
        } finally {
          await store.close();
        }
      }),
      { numRuns: 40 },
    );
  });
});
