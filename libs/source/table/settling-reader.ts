import type { BatchLimits, JsonValue, SourceBatch, SourceLag, SourceReader, SourceRow } from '../connector.js';
import { SourceError } from '../source-error.js';
import type { PolledTable, TableRow } from './polled-table.js';
import { SettlingPass } from './settling-pass.js';
import { seekTable } from './settling-seek.js';
import { decodeSettling, encodeSettling, FROM_THE_BEGINNING, SEEN_MAX, type SettlingPosition } from './settling-position.js';
import { keyWords } from './table-words.js';

export interface SettlingReaderOptions {
  readonly table: PolledTable;
  /** How late a row may come, and when it is settled. */
  readonly lookBackS: number;
  /** Rows that one query may give: sorting all of a large table at once fails where one of its end is asked for. */
  readonly queryRowsMax?: number;
  /** Rows that are remembered, else SEEN_MAX. */
  readonly seenMax?: number;
}

const QUERY_ROWS_MAX = 2_000_000;

/** Polls a table in the order of (cursor, key), one query a poll (settling-position.ts). */
export class SettlingReader implements SourceReader {
  readonly #table: PolledTable;
  readonly #lookBackUs: number;
  readonly #queryRowsMax: number;
  readonly #seenMax: number;
  #lag: SourceLag = {};

  constructor({ table, lookBackS, queryRowsMax = QUERY_ROWS_MAX, seenMax = SEEN_MAX }: SettlingReaderOptions) {
    this.#table = table;
    this.#lookBackUs = lookBackS * 1e6;
    this.#queryRowsMax = queryRowsMax;
    this.#seenMax = seenMax;
  }

  async *read(stored: JsonValue | undefined, limits: BatchLimits, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    const before = decodeSettling(stored);
    try {
      let at = before === FROM_THE_BEGINNING ? { ...before, initialEnd: (await this.#table.lastPlace(signal)) ?? null } : before;
      for (let isWhole = false; !isWhole;) {
        const asked = at.place;
        const query = yield* this.#query(at, limits, signal);
        at = query.at;
        // Of rows that are not settled a further query would give the same ones again.
        isWhole = query.isWhole || at.place === asked;
      }
      const end = encodeSettling(at);
      if (stored === undefined || JSON.stringify(end) !== JSON.stringify(stored)) yield { rows: [], position: end };
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
  }

  async seek(to: string | undefined, from: JsonValue | undefined, signal: AbortSignal): Promise<JsonValue> {
    const before = from === undefined ? undefined : decodeSettling(from);
    const options = { table: this.#table, to, from: before, lookBackUs: this.#lookBackUs, seenMax: this.#seenMax };
    return encodeSettling(await seekTable(options, signal));
  }

  describe(position: JsonValue): string {
    const { place, seen, heldFrom } = decodeSettling(position);
    const { cursorName, keyNames } = this.#table;
    const names = keyNames.map((name) => ({ name }));
    const words = [place === undefined ? 'the beginning' : `${cursorName} ${place.cursor}, ${keyWords(names, place.key)}`];
    if (seen.size > 0) words.push(`${seen.size} newer rows published`);
    if (heldFrom !== undefined) words.push(`rows from ${heldFrom} on wait until they are ${this.#lookBackUs / 1e6} s old`);
    const cost = this.#table.cost();
    return [...words, ...(cost === undefined ? [] : [cost])].join('; ');
  }

  lag(): SourceLag {
    return this.#lag;
  }

  close(): Promise<void> {
    return this.#table.close();
  }

  async *#query(
    before: SettlingPosition,
    limits: BatchLimits,
    signal: AbortSignal,
  ): AsyncGenerator<SourceBatch, { readonly at: SettlingPosition; readonly isWhole: boolean }> {
    const options = { rowsMax: this.#queryRowsMax, pageRows: limits.rowsMax };
    const { nowUs, pages } = await this.#table.newRows(before, options, signal);
    const pass = new SettlingPass(before, { settledUs: nowUs - this.#lookBackUs, seenMax: this.#seenMax });
    let met = 0;
    for await (const page of pages) {
      for (const part of partsOf(page, limits)) {
        met += part.length;
        const rows: SourceRow[] = [];
        for (const each of part) {
          refuseGap(this.#table, each);
          const row = pass.take(each);
          if (row !== undefined) rows.push(row);
        }
        if (rows.length > 0) yield { rows, position: encodeSettling(pass.position), ...this.#noticesOf(pass) };
      }
    }
    const isWhole = met < this.#queryRowsMax;
    this.#lag = { seconds: pass.heldUs === undefined ? 0 : Math.max(0, (nowUs - pass.heldUs) / 1e6) };
    return { at: isWhole ? pass.end() : pass.position, isWhole };
  }

  #noticesOf(pass: SettlingPass): Pick<SourceBatch, 'notices'> {
    if (pass.repeated === 0) return {};
    const repeated = pass.repeated;
    pass.repeated = 0;
    const { cursorName, keyNames } = this.#table;
    return { notices: [`rows that have ${[cursorName, ...keyNames].join(', ')} in common with another are taken for one: ${repeated}`] };
  }
}

/** A page, cut where its bytes would be too many. */
function* partsOf(page: readonly TableRow[], { rowsMax, bytesMax }: BatchLimits): Generator<readonly TableRow[]> {
  let part: TableRow[] = [];
  let bytes = 0;
  for (const row of page) {
    if (part.length > 0 && (part.length >= rowsMax || bytes + row.bytes > bytesMax)) {
      yield part;
      [part, bytes] = [[], 0];
    }
    part.push(row);
    bytes += row.bytes;
  }
  if (part.length > 0) yield part;
}

/** A row without cursor or key has no place in the order, and would be passed over for ever. */
function refuseGap({ cursorName, keyNames }: PolledTable, { place, gap }: TableRow): void {
  if (gap === undefined) return;
  const names = [cursorName, ...keyNames];
  const rest = [place.cursor, ...place.key].flatMap((text, i) => (names[i] === gap ? [] : [`${names[i] ?? ''} = ${text}`]));
  throw new SourceError(
    'stop',
    'THYME_SOURCE_CURSOR',
    `${gap} is null where ${rest.join(', ')}: such a row has no place in the order; fill it, or read a view without such rows`,
  );
}
