// A table whose rows do not tell their transactions, read by SettlingReader: whatever comes late within the look-back, in whatever batches
// it is read and wherever it is cut off, each row is published once (CONNECTORS 1, 2; S16). The oracle is the table's own list of rows.
import { expect } from 'chai';
import fc from 'fast-check';
import type { JsonValue } from '../../libs/source/connector.js';
import { SourceError } from '../../libs/source/source-error.js';
import { isEarlier } from '../../libs/source/table/cursor-time.js';
import type { PolledTable, TableRow } from '../../libs/source/table/polled-table.js';
import type { RowPlace } from '../../libs/source/table/row-place.js';
import { SettlingReader } from '../../libs/source/table/settling-reader.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';

const LOOK_BACK_S = 10;
const S = 1e6;

/** Rows of whole seconds, so that many tie; keys come in no order. */
interface Written {
  readonly id: number;
  readonly cursorS: number;
}

/** In memory, with a clock of its own. */
class ListTable implements PolledTable {
  readonly cursorName = 'at';
  readonly keyNames = ['id'];
  readonly cursorTime = { isDate: false, zone: 'Z', fractionMax: 6 } as const;
  readonly rows: Written[] = [];
  nowS = 1_000;
  queries = 0;

  newRows(
    { place, initialEnd, until }: Parameters<PolledTable['newRows']>[0],
    { rowsMax, pageRows }: Parameters<PolledTable['newRows']>[1],
  ): ReturnType<PolledTable['newRows']> {
    this.queries++;
    const found = this.#inOrder(until)
      .filter((row) => place === undefined || compare(placeOf(row), place) > 0)
      .slice(0, rowsMax)
      .map((row) => tableRow(row, initialEnd != null && compare(placeOf(row), initialEnd) <= 0));
    async function* pages(): AsyncGenerator<readonly TableRow[]> {
      for (let at = 0; at < found.length; at += pageRows) yield await Promise.resolve(found.slice(at, at + pageRows));
    }
    return Promise.resolve({ nowUs: this.nowS * S, pages: pages() });
  }

  lastPlace(_signal: AbortSignal, until?: string): Promise<RowPlace | undefined> {
    const last = this.#inOrder(until).at(-1);
    return Promise.resolve(last === undefined ? undefined : placeOf(last));
  }

  nowUs(): Promise<number> {
    return Promise.resolve(this.nowS * S);
  }

  cost(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #inOrder(until?: string): readonly Written[] {
    const isWithin = (row: Written): boolean => row.cursorS <= this.nowS && (until === undefined || !isEarlier(until, placeOf(row).cursor));
    return this.rows.filter(isWithin).sort((a, b) => compare(placeOf(a), placeOf(b)));
  }
}

function placeOf({ id, cursorS }: Written): RowPlace {
  return { cursor: formatTimestamp(cursorS * S), key: [String((id * 7_919) % 100_003)] };
}

function compare(a: RowPlace, b: RowPlace): number {
  if (a.cursor !== b.cursor) return a.cursor < b.cursor ? -1 : 1;
  return Number(a.key[0]) - Number(b.key[0]);
}

function tableRow(row: Written, historical: boolean): TableRow {
  const source = { input: row.id, lane: 'table', historical, place: `row ${row.id}` };
  return { place: placeOf(row), cursorUs: row.cursorS * S, bytes: 10, row: source };
}

interface Step {
  /** Seconds that pass before it. */
  readonly waitS: number;
  /** How late each of the rows is that come in it. */
  readonly latenessS: readonly number[];
  /** After so many batches the process dies, and the last one is not committed where it says so. */
  readonly batchesMax: number;
  readonly isLastLost: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  waitS: fc.nat({ max: 6 }),
  latenessS: fc.array(fc.nat({ max: LOOK_BACK_S - 1 }), { maxLength: 12 }),
  batchesMax: fc.constantFrom(1, 2, 1_000),
  isLastLost: fc.boolean(),
});

describe('a table that is read again as far as rows may come late', () => {
  it('gives each row once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(0, 1, 4, 1_000),
        fc.constantFrom(3, 1_000),
        async (steps, rowsMax, seenMax, queryRowsMax) => {
          const table = new ListTable();
          const limits = { rowsMax, bytesMax: 1_000 };
          const published: number[] = [];
          let position: JsonValue | undefined;
          const poll = async (batchesMax: number, isLastLost: boolean): Promise<void> => {
            const reader = new SettlingReader({ table, lookBackS: LOOK_BACK_S, seenMax, queryRowsMax });
            let batches = 0;
            for await (const batch of reader.read(position, limits, new AbortController().signal)) {
              expect(batch.rows.length).to.be.at.most(rowsMax);
              if (++batches >= batchesMax && isLastLost) return;
              published.push(...batch.rows.map(({ input }) => Number(input)));
              position = JSON.parse(JSON.stringify(batch.position)) as JsonValue; // as it is stored
              if (batches >= batchesMax) return;
            }
          };
          for (const { waitS, latenessS, batchesMax, isLastLost } of steps) {
            table.nowS += waitS;
            for (const late of latenessS) table.rows.push({ id: table.rows.length, cursorS: table.nowS - late });
            await poll(batchesMax, isLastLost);
          }
          table.nowS += LOOK_BACK_S + 1;
          await poll(Infinity, false);
          expect(published.sort((a, b) => a - b)).to.deep.equal(table.rows.map(({ id }) => id));
          const before = table.queries;
          const reader = new SettlingReader({ table, lookBackS: LOOK_BACK_S, seenMax, queryRowsMax });
          for await (const batch of reader.read(position, limits, new AbortController().signal)) expect(batch.rows).to.deep.equal([]);
          expect(table.queries - before, 'a quiet table is asked once a poll').to.equal(1);
        },
      ),
    );
  });

  it('is put ahead without a row twice, and without losing one behind the place, or late before it', async () => {
    const seek = fc.record({ step, aheadS: fc.integer({ min: -30, max: 3 }), isNow: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(seek, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 5 }), async (steps, rowsMax) => {
        const table = new ListTable();
        const { signal } = new AbortController();
        const published: number[] = [];
        const skipped = new Set<number>();
        let position: JsonValue | undefined;
        const poll = async (batchesMax: number): Promise<void> => {
          const reader = new SettlingReader({ table, lookBackS: LOOK_BACK_S });
          let batches = 0;
          for await (const batch of reader.read(position, { rowsMax, bytesMax: 1_000 }, signal)) {
            published.push(...batch.rows.map(({ input }) => Number(input)));
            position = JSON.parse(JSON.stringify(batch.position)) as JsonValue;
            if (++batches >= batchesMax) return;
          }
        };
        for (const { step: written, aheadS, isNow } of steps) {
          table.nowS += written.waitS;
          for (const late of written.latenessS) table.rows.push({ id: table.rows.length, cursorS: table.nowS - late });
          await poll(written.batchesMax);
          const toS = isNow ? table.nowS : table.nowS + aheadS;
          const from = published.length === 0 ? undefined : position;
          const reader = new SettlingReader({ table, lookBackS: LOOK_BACK_S });
          const sought = await reader.seek(isNow ? undefined : formatTimestamp(toS * S), from, signal).catch((error: unknown) => error);
          if (sought instanceof SourceError) {
            expect(sought.message).to.match(from === undefined ? /no row has/ : /lies before|no row has/);
            continue;
          }
          position = sought as JsonValue;
          if (from === undefined) skipped.clear(); // it may go back where nothing was published
          for (const { id, cursorS } of table.rows) if (cursorS <= Math.min(toS, table.nowS) && !published.includes(id)) skipped.add(id);
        }
        table.nowS += LOOK_BACK_S + 1;
        await poll(Infinity);
        const expected = table.rows.map(({ id }) => id).filter((id) => !skipped.has(id));
        expect(published.sort((a, b) => a - b)).to.deep.equal(expected);
      }),
    );
  });

  it('reads a place as people write it, and refuses by name what is none, and a place among more young rows than it remembers', async () => {
    const table = new ListTable();
    for (let id = 0; id < 30; id++) table.rows.push({ id, cursorS: 971 + id });
    const { signal } = new AbortController();
    const reader = new SettlingReader({ table, lookBackS: LOOK_BACK_S, seenMax: 5 });
    const words = async (to: string, from?: JsonValue): Promise<string> =>
      reader.seek(to, from, signal).then(
        (position) => reader.describe(position),
        (error: unknown) => (error as Error).message,
      );
    const at980 = await words('1970-01-01T00:16:20Z');
    expect(at980).to.match(/^at 1970-01-01T00:16:20Z, id \d+$/);
    for (const to of ['1970-01-01 00:16:20.5', '1970-01-01 02:16:20.000+02', ' 1970-01-01T05:46:20+05:30 '])
      expect(await words(to)).to.equal(at980);
    expect(await words('soon')).to.equal("'soon' is no time, which at is: write it as 2026-11-01 00:00:00Z");
    expect(await words('1970-02-30')).to.contain('is no time');
    expect(await words('1970-01-01 00:16:20.1234567')).to.contain('has 7 digits behind the second, and at has 6 at most');
    expect(await words('1969-12-31')).to.equal("no row has a at at or before '1969-12-31'");
    expect(await words('1970-01-01 00:16:36Z'), 'six of ten seconds').to.match(
      /^more than 5 rows up to there have a at within the last 10 s/,
    );
    const from = await reader.seek('1970-01-01T00:16:20Z', undefined, signal);
    expect(await words('1970-01-01T00:16:19Z', from)).to.match(
      /^at 1970-01-01T00:16:19Z lies before at 1970-01-01T00:16:20Z, .*upgrade: 'empty'/,
    );
    expect(await words('1970-01-01T00:16:20Z', from)).to.equal(at980);
  });

  it('remembers no more than it is told to, holds the rest back, and says so', async () => {
    const table = new ListTable();
    const read = async (position: JsonValue | undefined): Promise<{ ids: number[]; position: JsonValue; words: string }> => {
      const reader = new SettlingReader({ table, lookBackS: LOOK_BACK_S, seenMax: 3 });
      const ids: number[] = [];
      for await (const batch of reader.read(position, { rowsMax: 10, bytesMax: 1_000 }, new AbortController().signal)) {
        ids.push(...batch.rows.map(({ input }) => Number(input)));
        position = batch.position;
      }
      return { ids, position: position ?? null, words: reader.describe(position ?? {}) };
    };
    for (let id = 0; id < 8; id++) table.rows.push({ id, cursorS: 1_000 - 7 + id });
    const first = await read(undefined);
    expect(first.ids).to.deep.equal([0, 1, 2]);
    expect(first.words).to.equal('the beginning; 3 newer rows published; rows from 1970-01-01T00:16:36Z on wait until they are 10 s old');
    table.nowS += 5;
    const second = await read(first.position);
    expect(second.ids).to.deep.equal([3, 4, 5]);
    table.nowS += 20;
    const third = await read(second.position);
    expect(third.ids).to.deep.equal([6, 7]);
    expect(third.words).to.match(/^at 1970-01-01T00:16:40Z, id \d+$/);
  });
});
