// windows: what one timeline costs to read and to write late into, by its length. Timeline and LevelDB alone.
import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { openLevelStore } from '../../libs/store/level-store.js';
import type { Store } from '../../libs/store/store.js';
import { PageShelf } from '../../libs/timeline/page-shelf.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import { TimelineWriter } from '../../libs/timeline/timeline-writer.js';
import type { PageReader, PageWriter } from '../../libs/timeline/page-access.js';
import type { TimelineShape, WindowQuestion } from '../../libs/timeline/timeline.js';
import { report, say, type Figure } from './bench-report.js';
import { withFolder } from './fraud-owner.js';
import { Latencies, nowUs } from './latencies.js';
import { lcg } from './orders.js';

const { values } = parseArgs({ options: { 'exponent-max': { type: 'string', default: '7' } } });
const SHAPE: TimelineShape = { columns: [{ kind: 'number', digest: true }] };
const STEP_US = 1_000_000;
const START_US = 1_700_000_000e6;
const ROUNDS = 500;
const FLUSH_ROWS = 20_000;

/** Writes straight into one batch of the store, which reads see before it is written. */
class Pages implements PageWriter {
  readonly #writes = new Map<string, readonly [Uint8Array, Uint8Array | undefined]>();

  constructor(private readonly store: Store) {}

  get(key: Uint8Array): Uint8Array | undefined {
    const write = this.#writes.get(Buffer.from(key).toString('latin1'));
    return write === undefined ? this.store.get(key) : write[1];
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#writes.set(Buffer.from(key).toString('latin1'), [key, value]);
  }

  delete(key: Uint8Array): void {
    this.#writes.set(Buffer.from(key).toString('latin1'), [key, undefined]);
  }

  async write(): Promise<void> {
    const batch = this.store.batch();
    for (const [key, value] of this.#writes.values()) {
      if (value === undefined) batch.delete(key);
      else batch.put(key, value);
    }
    await batch.write({ sync: false });
    this.#writes.clear();
  }
}

await withFolder(async (folder) => {
  const store = await openLevelStore(join(folder, 'windows'));
  const figures: Figure[] = [];
  const medians: number[] = [];
  for (let exponent = 2; exponent <= Number(values['exponent-max']); exponent++) {
    const headKey = Uint8Array.of(exponent);
    await fill(store, headKey, 10 ** exponent);
    const [read, shelved, late] = [
      readCost(store, headKey, 10 ** exponent),
      readCost(onShelf(store), headKey, 10 ** exponent),
      await lateCost(store, headKey, 10 ** exponent),
    ];
    medians.push(read.quantile(0.5));
    figures.push({ name: `read_1e${exponent}_p50_us`, value: read.quantile(0.5), note: `p99 ${read.quantile(0.99).toFixed(0)} µs` });
    figures.push({
      name: `shelf_1e${exponent}_p50_us`,
      value: shelved.quantile(0.5),
      note: `the same with pages kept decoded, as a replica keeps them; p99 ${shelved.quantile(0.99).toFixed(0)} µs`,
    });
    figures.push({ name: `late_1e${exponent}_p50_us`, value: late.quantile(0.5), note: `p99 ${late.quantile(0.99).toFixed(0)} µs` });
    say(`10^${exponent} rows done`);
  }
  await store.close();
  const [first = 0, last = 0] = [medians[2] ?? medians[0], medians.at(-1)];
  const slope = (last - first) / Math.max(1, medians.length - 3);
  report('windows', [
    ...figures,
    { name: 'slope', value: slope, note: 'µs a read for ten times as many rows, from 10^4 on: level where the cost grows as log n' },
  ]);
});

async function fill(store: Store, headKey: Uint8Array, rows: number): Promise<void> {
  const random = lcg(1);
  const pages = new Pages(store);
  for (let start = 0; start < rows; start += FLUSH_ROWS) {
    const writer = new TimelineWriter(SHAPE, pages, headKey);
    for (let i = start; i < Math.min(rows, start + FLUSH_ROWS); i++) {
      const eventTimeUs = START_US + i * STEP_US;
      writer.insert({ eventTimeUs, orderSource: 0, orderOffset: i, knownUs: eventTimeUs, values: [Math.round(random() * 1e6) / 100] });
    }
    writer.flush();
    await pages.write();
  }
}

/** Reads the pages of one group, none of which is ever dropped. */
function onShelf(store: Store): PageReader {
  const shelf = new PageShelf();
  return { get: (key) => store.get(key), shelf: () => shelf };
}

/** Five aggregates over three windows, the longest of which is the whole, at instants of the last tenth. */
function readCost(store: PageReader, headKey: Uint8Array, rows: number): Latencies {
  const wholeUs = rows * STEP_US;
  const questions: WindowQuestion[] = [
    { kind: 'count', windowUs: wholeUs / 100 },
    { kind: 'sum', column: 0, windowUs: wholeUs / 10 },
    { kind: 'avg', column: 0, windowUs: wholeUs / 10 },
    { kind: 'max', column: 0, windowUs: wholeUs },
    { kind: 'percentile', column: 0, windowUs: wholeUs, pct: 95 },
  ];
  const random = lcg(2);
  const latencies = new Latencies();
  for (let i = 0; i < ROUNDS; i++) {
    const asOfUs = Math.floor(START_US + wholeUs * (1 - random() / 10));
    const startUs = nowUs();
    readWindows(SHAPE, store, headKey, { asOfUs, knownAtUs: Number.POSITIVE_INFINITY }, questions);
    latencies.add(nowUs() - startUs);
  }
  return latencies;
}

async function lateCost(store: Store, headKey: Uint8Array, rows: number): Promise<Latencies> {
  const random = lcg(4);
  const latencies = new Latencies();
  const pages = new Pages(store);
  for (let i = 0; i < ROUNDS; i++) {
    const eventTimeUs = Math.floor(START_US + random() * rows * STEP_US);
    const startUs = nowUs();
    const writer = new TimelineWriter(SHAPE, pages, headKey);
    writer.insert({ eventTimeUs, orderSource: 0, orderOffset: rows + i, knownUs: eventTimeUs, values: [12.5] });
    writer.flush();
    await pages.write();
    latencies.add(nowUs() - startUs);
  }
  return latencies;
}
