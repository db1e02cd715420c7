import { formatTimestamp } from '../../../time/timestamp.js';
import type { BatchLimits } from '../../connector.js';
import { SourceError } from '../../source-error.js';
import { ChangeBatch, type CutBatch } from './change-batch.js';
import { ChangeRows, type ChangeRowsOptions, type CommittedAt } from './change-rows.js';
import { formatLsn, type Lsn } from './lsn.js';
import type { Relation, WalMessage } from './pgoutput.js';
import type { StreamPosition } from './stream-position.js';

/** The transaction under way, and how far it was published before. */
interface Transaction extends CommittedAt {
  index: number;
  /** Changes that were published before; all of them where it was committed before the position. */
  readonly skip: number;
}

/** Turns messages into batches, and keeps the position behind them. */
export class ChangeFollower {
  readonly #rows: ChangeRows;
  readonly #batch: ChangeBatch;
  readonly #options: ChangeRowsOptions;
  #position: StreamPosition;
  #transaction: Transaction | undefined;
  #floorUs: number;
  #notices: string[] = [];
  commitTimeUs: number | undefined;

  constructor(options: ChangeRowsOptions, position: StreamPosition, limits: BatchLimits) {
    this.#options = options;
    this.#rows = new ChangeRows(options);
    this.#batch = new ChangeBatch(limits);
    this.#position = position;
    this.#floorUs = position.floorUs;
  }

  /** Behind all whole transactions that were taken. */
  get position(): StreamPosition {
    return this.#position;
  }

  takeNotices(): readonly string[] {
    return this.#notices.splice(0);
  }

  /** Nothing more has come for now: whole transactions need not wait. */
  pause(): readonly CutBatch[] {
    const cut = this.#batch.takeWhole();
    return cut === undefined ? [] : [cut];
  }

  /** A position further on, where nothing of ours was written; undefined where it is too near, or not the time. */
  idle(end: Lsn, isTime: boolean): StreamPosition | undefined {
    if (this.#transaction !== undefined || end <= this.#position.done || !isTime) return undefined;
    this.#position = { ...this.#position, done: end, within: undefined };
    return this.#position;
  }

  /** The batches that have to go before the message had room. */
  async take(message: WalMessage): Promise<readonly CutBatch[]> {
    switch (message.kind) {
      case 'begin':
        this.#begin(message.commitLsn, message.commitTimeUs);
        return [];
      case 'relation':
        await this.#describe(message.relation);
        return [];
      case 'insert':
      case 'update':
      case 'delete':
        return this.#isOurs(message.oid) ? this.#change(message) : [];
      case 'truncate':
        if (message.oids.some((oid) => this.#isOurs(oid))) this.#truncate();
        return [];
      case 'commit':
        this.#end(message.endLsn);
        return [];
    }
  }

  #isOurs(oid: number): boolean {
    return oid === this.#options.table.oid && this.#transaction?.skip !== Infinity;
  }

  #begin(commitLsn: Lsn, commitTimeUs: number): void {
    const { done, within, parts } = this.#position;
    const passed = parts.filter(({ lsn }) => lsn <= commitLsn);
    this.#floorUs = Math.max(this.#floorUs, commitTimeUs, ...passed.map(({ timeUs }) => timeUs)); // W2
    if (parts.length > 0 && passed.length === parts.length) this.#position = { ...this.#position, parts: [] };
    const skip = commitLsn < done ? Infinity : within?.lsn === commitLsn ? within.index : 0;
    this.#transaction = { lsn: commitLsn, time: formatTimestamp(this.#floorUs), index: 0, skip };
    this.commitTimeUs = commitTimeUs;
  }

  async #describe(relation: Relation): Promise<void> {
    const { table, dataset } = this.#options;
    if (relation.oid === table.oid) return this.#rows.describe(relation);
    if (relation.name === table.name && relation.schema === table.schema)
      throw new SourceError(
        'stop',
        'THYME_SOURCE_SHAPE',
        `${table.sqlName} was dropped and made anew, so its rows are others: raise the version of ${dataset.name}`,
      );
  }

  async #change(message: Extract<WalMessage, { readonly kind: 'insert' | 'update' | 'delete' }>): Promise<readonly CutBatch[]> {
    const transaction = this.#transaction;
    if (transaction === undefined) return []; // against the protocol
    const made = this.#rows.rowsOf(message, transaction);
    const rows = made instanceof Promise ? await made : made;
    const from = transaction.index;
    transaction.index += rows.length;
    if (transaction.index <= transaction.skip) return [];
    const cuts: CutBatch[] = [];
    while (!this.#batch.hasRoomFor(rows)) {
      const within = { lsn: transaction.lsn, index: from };
      cuts.push(this.#batch.takeWhole() ?? this.#batch.takePart({ ...this.#position, within, floorUs: this.#floorUs }));
    }
    this.#batch.add(rows);
    return cuts;
  }

  #truncate(): void {
    const { table, dataset } = this.#options;
    const at = formatLsn(this.#transaction?.lsn ?? 0n);
    if (dataset.cdc !== undefined)
      throw new SourceError(
        'stop',
        'THYME_SOURCE_TRUNCATED',
        `${table.sqlName} was truncated at WAL ${at}, which does not say which rows it took: raise the version of ${dataset.name}, which reads the table anew`,
      );
    this.#notices.push(`${table.sqlName} was truncated at WAL ${at}: the records of ${dataset.name} are events, and stay`);
  }

  #end(endLsn: Lsn): void {
    if (this.#transaction?.skip !== Infinity)
      this.#position = { ...this.#position, done: endLsn, within: undefined, floorUs: this.#floorUs };
    this.#transaction = undefined;
    this.#batch.end(this.#position);
  }
}
