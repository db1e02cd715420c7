import { mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { FEED_USER, feedFolder, type FeedPlaces, type FeedTable, type FedDataset } from './feeds.js';
import type { SentEvent } from './journal.js';
import type { Random } from './random.js';

/** Puts rows where a source reads them. Nothing is killed here: what it has resolved for is to be read, once. */
export interface FeedWriter {
  write(events: readonly SentEvent[]): Promise<void>;
  close(): Promise<void>;
}

export async function openFeedWriter(places: FeedPlaces, dataset: FedDataset, random: Random): Promise<FeedWriter> {
  return dataset === 'Invoice' && places.table !== undefined
    ? TableWriter.open(places.table, random)
    : FileWriter.open(feedFolder(places, dataset));
}

/** A source leaves a file alone that was written to within a second: of one that is put there whole, that need not be waited for. */
const WRITTEN_BEFORE_MS = 5_000;
const NAME_DIGITS = 8;

/** Each batch is a file, put there whole, and named in the order of writing. */
class FileWriter implements FeedWriter {
  readonly #folder: string;
  #files = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<FileWriter> {
    await mkdir(folder, { recursive: true });
    return new FileWriter(folder);
  }

  async write(events: readonly SentEvent[]): Promise<void> {
    const path = join(this.#folder, `${String(this.#files++).padStart(NAME_DIGITS, '0')}.jsonl`);
    const lines = events.map(({ fields, atUs }) => JSON.stringify({ ...fields, at: formatTimestamp(atUs) }));
    await writeFile(`${path}.part`, `${lines.join('\n')}\n`);
    const writtenAt = new Date(Date.now() - WRITTEN_BEFORE_MS);
    await utimes(`${path}.part`, writtenAt, writtenAt);
    await rename(`${path}.part`, path);
  }

  async close(): Promise<void> {
    // Every file is closed once it is written.
  }
}

const SESSIONS = 3;
const HELD_MS_MAX = 1_500;
const COLUMNS = ['number', 'sender', 'depot', 'value', 'reading', 'at'] as const;

/**
 * Transactions of several sessions, some held open while later ones commit, some rolled back and done again: the order of the
 * cursor is not that of the commits.
 */
class TableWriter implements FeedWriter {
  readonly #sessions: readonly pg.Client[];
  readonly #random: Random;
  /** The transaction under way of each session. */
  readonly #working: Promise<void>[];
  #batches = 0;

  private constructor(sessions: readonly pg.Client[], random: Random) {
    this.#sessions = sessions;
    this.#random = random;
    this.#working = sessions.map(() => Promise.resolve());
  }

  static async open({ port, database }: FeedTable, random: Random): Promise<TableWriter> {
    const sessions = Array.from({ length: SESSIONS }, () => new pg.Client({ host: '127.0.0.1', port, database, user: FEED_USER }));
    await Promise.all(sessions.map((session) => session.connect()));
    return new TableWriter(sessions, random);
  }

  /** Resolves when the transaction has its session, and commits in its time; close waits for all. */
  async write(events: readonly SentEvent[]): Promise<void> {
    const i = this.#batches++ % SESSIONS;
    await this.#working[i];
    const session = this.#sessions[i];
    if (session === undefined) return;
    const isRolledBack = this.#random.next() < 0.15;
    const heldMs = this.#random.next() < 0.25 ? this.#random.integer(0, HELD_MS_MAX) : 0;
    this.#working[i] = insert(session, events, { isRolledBack, heldMs });
    this.#working[i].catch(() => undefined); // whoever waits for it next fails of it
  }

  async close(): Promise<void> {
    await Promise.all(this.#working);
    await Promise.all(this.#sessions.map((session) => session.end()));
  }
}

async function insert(
  session: pg.Client,
  events: readonly SentEvent[],
  { isRolledBack, heldMs }: { readonly isRolledBack: boolean; readonly heldMs: number },
): Promise<void> {
  const rows = events.map(({ fields, atUs }) => COLUMNS.map((name) => (name === 'at' ? formatTimestamp(atUs) : fields[name])));
  const values = rows.map((_, row) => `(${COLUMNS.map((_, i) => `$${row * COLUMNS.length + i + 1}`).join(', ')})`);
  const text = `INSERT INTO invoice (${COLUMNS.join(', ')}) VALUES ${values.join(', ')}`;
  for (const end of isRolledBack ? ['ROLLBACK', 'COMMIT'] : ['COMMIT']) {
    await session.query('BEGIN');
    await session.query(text, rows.flat());
    if (heldMs > 0) await sleep(heldMs);
    await session.query(end);
  }
}
