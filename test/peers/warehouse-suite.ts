import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import type { ConfigValue, DatasetDefinition, SourceDefinition } from '../../libs/definition/definitions.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import type { Connector } from '../../libs/source/connector.js';
import type { Clock } from '../../libs/time/clock.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { numberDataset, SourcesFixture } from '../integration/sources-fixture.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { eventually } from '../support/eventually.js';

export type WarehouseKind = 'string' | 'int' | 'timestamp';

/** A warehouse as the suite writes into it. */
export interface Warehouse {
  readonly name: 'bigquery' | 'snowflake';
  readonly connector: (clock: Clock) => Connector;
  /** Runs statements, to their end. */
  sql(text: string): Promise<void>;
  /** As statements name it. */
  tableName(table: string): string;
  typeOf(kind: WarehouseKind): string;
  /** A time as people write it; null for none. */
  literal(kind: 'timestamp', text: string | null): string;
  /** `SELECT` of the numbers [from, to) as n. */
  numbers(from: number, to: number): string;
  config(table: string): Readonly<Record<string, ConfigValue>>;
}

const EVERY_MS = 5_000;
const FIXTURE_NAME = 'A';
const SLOW_MS = 150_000;
/** Tables are written by the machine's clock, and the sources' own one stands still. */
const LATER_US = 100 * 365 * 86_400e6;

/** Its suite's fixture: a dataset, the table that fills it, and the sources of one process after another. */
export class WarehouseFixture {
  readonly #warehouse: Warehouse;
  readonly sources: SourcesFixture;
  readonly #started: Sources[] = [];

  constructor(warehouse: Warehouse) {
    this.#warehouse = warehouse;
    this.sources = new SourcesFixture(new MemoryLog(), (clock) => [warehouse.connector(clock)]);
    this.sources.variables['PASSWORD'] = 'none';
  }

  /** A table with k, n and at_. */
  async create(table: string): Promise<void> {
    const { typeOf, tableName } = this.#warehouse;
    await this.#warehouse.sql(`CREATE TABLE ${tableName(table)} (k ${typeOf('string')}, n ${typeOf('int')}, at_ ${typeOf('timestamp')})`);
  }

  /** Rows with that time each. */
  async add(table: string, rows: readonly (readonly [n: number, atUs: number])[]): Promise<void> {
    const { literal, tableName } = this.#warehouse;
    const values = rows.map(([n, atUs]) => `('k${n % 7}', ${n}, ${literal('timestamp', formatTimestamp(atUs))})`);
    await this.#warehouse.sql(`INSERT INTO ${tableName(table)} (k, n, at_) VALUES ${values.join(', ')}`);
  }

  async commit(table: string, more: Partial<SourceDefinition> = {}, dataset: Partial<DatasetDefinition> = {}): Promise<void> {
    const fields = numberDataset(FIXTURE_NAME).fields.map((field) => (field.name === 'at' ? { ...field, name: 'at_' } : field));
    const declared = numberDataset(FIXTURE_NAME, { fields, timestamp: 'at_', maxFutureUs: LATER_US, ...dataset });
    const source: SourceDefinition = {
      dataset: FIXTURE_NAME,
      connector: this.#warehouse.name,
      config: this.#warehouse.config(table),
      cursor: 'at_',
      everyUs: EVERY_MS * 1_000,
      cdc: 'append',
      ...more,
    };
    await this.sources.commit([declared], [source]);
  }

  async start(): Promise<Sources> {
    const sources = await this.sources.start();
    this.#started.push(sources);
    return sources;
  }

  async waits(sources: Sources): Promise<void> {
    await eventually(() => {
      const phase = sources.list()[0]?.phase;
      if (phase?.kind === 'stopped' || phase?.kind === 'retrying') throw new Error(phase.cause);
      return phase?.kind === 'waiting';
    }, 'the poll ends');
  }

  async nextPoll(sources: Sources): Promise<void> {
    const before = sources.list()[0]?.successUs ?? 0;
    this.sources.clock.advance(EVERY_MS);
    await eventually(() => (sources.list()[0]?.successUs ?? 0) > before, 'the next poll ends');
    await this.waits(sources);
  }

  numbers(): Promise<readonly number[]> {
    return this.sources.numbers(FIXTURE_NAME);
  }

  async end(): Promise<void> {
    await Promise.all(this.#started.splice(0).map((sources) => sources.stop({ graceMs: 0 })));
  }
}

/** The cases that hold for each warehouse; `open` gives the one that the suite has started. */
export function readsTheTables(open: () => Warehouse): void {
  let fixture: WarehouseFixture;

  beforeEach(() => {
    fixture = new WarehouseFixture(open());
  });

  afterEach(() => fixture.end());

  it('reads 100,000 rows with ties at the ends of pages and neighbours of a microsecond, each once, over a restart', async () => {
    const { sql, tableName, numbers, typeOf, literal } = open();
    await fixture.create('ties');
    const base = literal('timestamp', '2026-01-01T00:00:00Z');
    const at =
      open().name === 'bigquery'
        ? `TIMESTAMP_ADD(${base}, INTERVAL DIV(n, 997) MICROSECOND)`
        : `DATEADD(microsecond, FLOOR(n / 997)::INT, ${base})`;
    await sql(
      `INSERT INTO ${tableName('ties')} (k, n, at_) SELECT CONCAT('k', CAST(MOD(n, 7) AS ${typeOf('string')})), n, ${at} FROM (${numbers(0, 100_000)}) AS numbers`,
    );
    await fixture.commit('ties');
    const first = await fixture.start();
    await slowly(() => (first.list()[0]?.rows ?? 0) >= 4_000, 'some of it is read');
    await first.stop({ graceMs: 0 });
    expect(first.list()[0]?.rows ?? 0).to.be.lessThan(100_000);
    const second = await fixture.start();
    await slowly(() => second.list()[0]?.phase.kind === 'waiting', 'it is read');
    expect(await fixture.numbers()).to.deep.equal(Array.from({ length: 100_000 }, (_, n) => n));
    await fixture.add('ties', [[100_000, 1_767_225_600_000_101]]);
    await fixture.nextPoll(second);
    expect(await fixture.numbers()).to.have.lengthOf(100_001);
  }).timeout(180_000);

  it('finds each row that comes late within the look-back, and gives none twice', async () => {
    await fixture.create('late');
    const nowUs = Date.now() * 1_000;
    const at = (n: number, secondsAgo: number): readonly [number, number] => [n, nowUs - secondsAgo * 1e6 + n];
    await fixture.add('late', [at(0, 86_400), at(1, 500), at(2, 200), at(3, 10)]);
    await fixture.commit('late', { maxLatenessUs: 600e6 });
    const first = await fixture.start();
    await fixture.waits(first);
    let next = 4;
    for (let round = 0; round < 6; round++) {
      await fixture.add('late', [at(next++, 450 - 70 * round), at(next++, 5), at(next++, 580 - 90 * round), at(next++, 7 + 60 * round)]);
      await fixture.nextPoll(first);
    }
    await first.stop({ graceMs: 0 });
    const second = await fixture.start();
    await fixture.waits(second);
    await fixture.add('late', [at(next++, 599)]);
    await fixture.nextPoll(second);
    expect(await fixture.numbers()).to.deep.equal(Array.from({ length: next }, (_, n) => n));
  });

  it('waits with rows that its source calls the future, and takes equal ones for one', async () => {
    await fixture.create('ahead');
    const nowUs = Date.now() * 1_000;
    await fixture.add('ahead', [
      [0, nowUs - 1e6],
      [0, nowUs - 1e6],
      [1, nowUs + 3_600e6],
    ]);
    await fixture.commit('ahead');
    const sources = await fixture.start();
    await fixture.waits(sources);
    await fixture.nextPoll(sources);
    expect(await fixture.numbers()).to.deep.equal([0]);
  });

  it('replaces rows that were updated, at the time of their cursor (S17)', async () => {
    await fixture.create('changing');
    await fixture.add('changing', [
      [1, 1_767_225_600_000_000],
      [2, 1_767_225_601_000_000],
    ]);
    await fixture.commit('changing', { cdc: 'upsert' }, { cdc: { mode: 'upsert', rowKey: ['n'] } });
    const sources = await fixture.start();
    await fixture.waits(sources);
    const { sql, tableName, literal } = open();
    await sql(`UPDATE ${tableName('changing')} SET k = 'c', at_ = ${literal('timestamp', '2026-01-01T00:00:05.000007Z')} WHERE n = 1`);
    await fixture.nextPoll(sources);
    const changes = (await fixture.sources.published(FIXTURE_NAME)).map(({ row, change }) => [row[0], row[1], change?.timeUs]);
    expect(changes).to.have.deep.members([
      ['k1', 1, 1_767_225_600_000_000],
      ['k2', 2, 1_767_225_601_000_000],
      ['c', 1, 1_767_225_605_000_007],
    ]);
  });

  it('is put ahead (`sources reset`), leaves out what lies before, and finds what comes late behind the place', async () => {
    await fixture.create('ahead_of');
    const nowUs = Date.now() * 1_000;
    const settledUs = nowUs - 86_400e6;
    await fixture.add('ahead_of', [
      [0, settledUs],
      [1, settledUs + 10e6],
    ]);
    await fixture.commit('ahead_of');
    const sources = await fixture.start();
    await fixture.waits(sources);
    await sources.setPaused(FIXTURE_NAME, true);
    await fixture.add('ahead_of', [
      [2, settledUs + 20e6],
      [3, settledUs + 30e6 + 1],
      [4, nowUs - 60e6],
    ]);
    const reset = (to: string): Promise<string> => sources.reset(FIXTURE_NAME, to, new AbortController().signal);
    const refusal = (to: string): Promise<string> => reset(to).catch((error: unknown) => (error as Error).message);
    expect(await refusal(formatTimestamp(settledUs))).to.match(/lies before at_ .*upgrade: 'empty'/i);
    expect(await refusal('soon')).to.match(/^'soon' is no time, which at_ is: write it as /i);
    expect(await refusal('beginning')).to.contain('2 rows of its source, which would come again');
    expect(await reset(formatTimestamp(settledUs + 30e6))).to.match(/, n 2/i);
    await sources.setPaused(FIXTURE_NAME, false);
    await eventually(async () => (await fixture.numbers()).length === 4, 'it goes on');
    expect(await fixture.numbers()).to.deep.equal([0, 1, 3, 4]);
    await sources.setPaused(FIXTURE_NAME, true);
    await fixture.add('ahead_of', [[5, nowUs - 50e6]]);
    expect(await reset('now')).to.match(/n 3; 2 newer rows published/i);
    await fixture.add('ahead_of', [[6, nowUs - 55e6]]); // late, between rows that were left out
    await sources.setPaused(FIXTURE_NAME, false);
    await eventually(async () => (await fixture.numbers()).length === 5, 'what comes is read');
    expect(await fixture.numbers()).to.deep.equal([0, 1, 3, 4, 6]);
  });

  it('stands still, and names it: a table, a column, a key, a cursor that are not there or do not fit', async () => {
    const { sql, tableName, literal } = open();
    await fixture.create('odd');
    await fixture.add('odd', [[1, 1_767_225_600_000_000]]);
    await sql(`INSERT INTO ${tableName('odd')} (k, n, at_) VALUES ('k', 7, ${literal('timestamp', null)})`);
    const without = (name: string): DatasetDefinition['fields'] => [
      { name: 'k', type: { kind: 'string', optional: false } },
      { name, type: { kind: 'int', optional: false } },
      { name: 'at_', type: { kind: 'timestamp', optional: false } },
    ];
    await stands(fixture, 'absent', {}, {}, /absent/i);
    await stands(fixture, 'odd', {}, {}, /at_ is null where n = 7/i);
    await stands(fixture, 'odd', { cursor: 'nn' }, {}, /has no column 'nn'/);
    await stands(fixture, 'odd', { cursor: 'n' }, {}, /the cursor has to be one of/);
    await stands(fixture, 'odd', {}, { fields: without('m') }, /has no column 'm'/);
    await stands(
      fixture,
      'odd',
      {},
      { fields: [...without('n'), { name: 'k', type: { kind: 'int', optional: false } } as const].slice(1) },
      /cannot fill t.int/,
    );
  });
}

/** What takes a system in Python its time on a busy machine. */
async function slowly(holds: () => boolean, what: string): Promise<void> {
  const deadlineMs = Date.now() + SLOW_MS;
  while (!holds()) {
    if (Date.now() > deadlineMs) throw new Error(`it did not happen in ${SLOW_MS} ms: ${what}`);
    await pause(20);
  }
}

async function stands(
  fixture: WarehouseFixture,
  table: string,
  more: Partial<SourceDefinition>,
  dataset: Partial<DatasetDefinition>,
  words: RegExp,
): Promise<void> {
  await fixture.commit(table, more, dataset);
  const sources = await fixture.start();
  await eventually(
    () => {
      const phase = sources.list()[0]?.phase;
      if (phase?.kind === 'retrying' || phase?.kind === 'waiting') throw new Error(`expected ${String(words)}: ${JSON.stringify(phase)}`);
      return phase?.kind === 'stopped';
    },
    `it stands still: ${String(words)}`,
  );
  expect(sources.list()[0]?.phase).to.have.property('cause').that.matches(words);
  await sources.stop({ graceMs: 0 });
}
