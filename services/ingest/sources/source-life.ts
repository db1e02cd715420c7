import type { DatasetDefinition, SourceDefinition } from '../../../libs/definition/definitions.js';
import type { Revision } from '../../../libs/definition/revision.js';
import { ThymeError } from '../../../libs/errors/errors.js';
import { crashPoint } from '../../../libs/lifecycle/crash-point.js';
import type { Log } from '../../../libs/log/log.js';
import type { Connector, SourceBatch, SourceReader } from '../../../libs/source/connector.js';
import { SourceError } from '../../../libs/source/source-error.js';
import type { SourceSettings } from '../../../libs/source/source-settings.js';
import type { Clock } from '../../../libs/time/clock.js';
import type { TurnBudget } from '../../../libs/time/turns.js';
import type { DatasetDoor, DatasetDoors } from '../dataset-doors.js';
import { readAhead } from './read-ahead.js';
import { publishRows } from './publish-rows.js';
import { decodeBooks, encodeBooks, type SourceBooks } from './source-books.js';
import { SourceProgress } from './source-progress.js';

/** One source as a revision has it. */
export interface DeclaredSource {
  readonly revision: Revision;
  readonly dataset: DatasetDefinition;
  readonly source: SourceDefinition;
}

export interface LifeOptions {
  readonly log: Log;
  readonly deployment: string;
  readonly clock: Pick<Clock, 'nowUs'>;
  readonly doors: DatasetDoors;
  readonly connector: Connector;
  readonly settings: SourceSettings;
  readonly declared: DeclaredSource;
  /** Shared by all sources of the process. */
  readonly turns: TurnBudget;
  /** False while the disk has only the room that what was accepted needs. */
  readonly hasRoom: () => boolean;
  readonly onCommit: (rows: { readonly accepted: number; readonly refused: number }) => void;
  readonly onNotice: (notice: string) => void;
}

type CarryOptions = Pick<LifeOptions, 'log' | 'deployment' | 'declared'>;

/**
 * One life of a source: whoever opens it fences the one before (L4), goes on from its last commit, and publishes batch after
 * batch, each with the position behind it in one transaction (S16). After any error it is over; the next one finds what was
 * committed.
 */
export class SourceLife {
  readonly #options: LifeOptions;
  readonly #progress: SourceProgress;
  readonly #door: DatasetDoor;
  readonly #reader: SourceReader;
  #books: SourceBooks | undefined;

  private constructor(
    options: LifeOptions,
    progress: SourceProgress,
    door: DatasetDoor,
    reader: SourceReader,
    books: SourceBooks | undefined,
  ) {
    this.#options = options;
    this.#progress = progress;
    this.#door = door;
    this.#reader = reader;
    this.#books = books;
  }

  /** Throws a SourceError where the position is another source's, or the system cannot be reached. */
  static async open(options: LifeOptions, signal: AbortSignal): Promise<SourceLife> {
    const { log, deployment, doors, connector, settings, declared } = options;
    const door = await doors.open(declared.dataset.name, declared.revision);
    const name = nameOf(declared);
    crashPoint('source.beforeFence');
    const progress = await SourceProgress.open({ log, deployment, source: name });
    crashPoint('source.afterFence');
    try {
      const books = await lastBooks(progress, options);
      if (books !== undefined && books.fingerprint !== connector.fingerprint(settings)) throw otherSource(declared);
      const reader = await connector.open(settings, signal);
      crashPoint('source.afterOpen');
      return new SourceLife(options, progress, door, reader, books);
    } catch (error) {
      await progress.close();
      throw error;
    }
  }

  get books(): SourceBooks | undefined {
    return this.#books;
  }

  get reader(): SourceReader {
    return this.#reader;
  }

  /** Publishes what there is: a poll's until it ends, a stream's until the signal aborts. Resolves to how many rows it took. */
  async drain(signal: AbortSignal): Promise<number> {
    let rows = 0;
    for await (const batch of readAhead(this.#reader, this.#books?.position, signal)) {
      crashPoint('source.afterRead');
      await this.#commit(batch);
      rows += batch.rows.length;
      if (signal.aborted) break; // the batch is whole; the next life goes on behind it
    }
    return rows;
  }

  async close(): Promise<void> {
    await this.#reader.close().catch(() => undefined); // a connection that broke has nothing left to say
    await this.#progress.close().catch(() => undefined); // a writer that failed neither
  }

  async #commit({ rows, position, notices = [], onCommitted }: SourceBatch): Promise<void> {
    const { clock, turns, hasRoom, connector, settings, onCommit, onNotice } = this.#options;
    if (!hasRoom())
      throw new SourceError(
        'retry',
        'THYME_SOURCE_DISK_FULL',
        'the disk has room only for what was accepted before: free some, or add a disk',
      );
    const changeField = changeFieldOf(this.#options.declared);
    const published = await publishRows(rows, { door: this.#door, appendTimeUs: clock.nowUs(), turns, changeField });
    const books: SourceBooks = {
      fingerprint: connector.fingerprint(settings),
      position,
      rows: (this.#books?.rows ?? 0) + published.accepted,
      refused: (this.#books?.refused ?? 0) + published.refused,
    };
    crashPoint('source.beforeCommit');
    await this.#progress.commit(published.parts, encodeBooks(books));
    crashPoint('source.afterCommit');
    this.#books = books;
    this.#door.counts.accepted += published.accepted;
    this.#door.counts.refused += published.refused;
    onCommitted?.();
    onCommit(published);
    for (const notice of notices) onNotice(notice);
  }
}

/** What the last commit left, of this version or of the one that it was begun from; undefined before the first. */
export async function lastBooks({ last }: Pick<SourceProgress, 'last'>, options: CarryOptions): Promise<SourceBooks | undefined> {
  return last === undefined ? carriedBooks(options) : decodeBooks(last, nameOf(options.declared));
}

/** A polled row replaces the earlier one at its cursor's time, where that is one (S17). */
function changeFieldOf({ dataset, source }: DeclaredSource): string | undefined {
  const kind = dataset.fields.find(({ name }) => name === source.cursor)?.type.kind;
  return dataset.cdc?.mode === 'upsert' && (kind === 'timestamp' || kind === 'date') ? source.cursor : undefined;
}

/**
 * A version that was begun with the records of the one before (S19a): its source goes on from where that one's had come, whose
 * rows are carried over. Taking that one's writer fences a process that has not heard of the commit yet; what it has published
 * before is carried as well.
 */
async function carriedBooks({ log, deployment, declared }: CarryOptions): Promise<SourceBooks | undefined> {
  const { dataset, revision } = declared;
  for (let version = dataset.version; ;) {
    const from = revision.carryOvers?.find((carried) => carried.from.name === dataset.name && carried.toVersion === version)?.from;
    if (from === undefined) return undefined;
    const name = nameOf({ dataset: from });
    const progress = await SourceProgress.open({ log, deployment, source: name });
    await progress.close();
    if (progress.last !== undefined) return decodeBooks(progress.last, name);
    version = from.version;
  }
}

/** Names the source's progress topic and writer. */
export function nameOf({ dataset }: Pick<DeclaredSource, 'dataset'>): string {
  return `${dataset.name}.v${dataset.version}`;
}

function otherSource({ dataset, source }: DeclaredSource): ThymeError {
  return new SourceError(
    'stop',
    'THYME_SOURCE_POSITION_FOREIGN',
    `${dataset.name} version ${dataset.version} was filled from another place, or in another order, than its ${source.connector} source names now, so it cannot be gone on with: ` +
      'name the old one again, or raise the version of the dataset',
  );
}
