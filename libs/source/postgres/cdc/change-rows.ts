import type pg from 'pg';
import type { DatasetDefinition } from '../../../definition/definitions.js';
import { type SourceRow, UnreadableRow } from '../../connector.js';
import { LANE } from '../../table/table-words.js';
import { bytesOf } from '../cursor-pages.js';
import { quoted } from '../table-shape.js';
import type { CapturedTable } from './captured-table.js';
import { type ChangePlan, keyCells, planChanges } from './change-plan.js';
import { formatLsn, type Lsn } from './lsn.js';
import type { Cell, Relation, WalMessage } from './pgoutput.js';
import type { TypeCatalog } from './type-catalog.js';

export interface ChangedRow {
  readonly row: SourceRow;
  readonly key: readonly (string | null)[];
  readonly commitLsn: Lsn;
  readonly bytes: number;
}

/** The transaction that a change is of. */
export interface CommittedAt {
  readonly lsn: Lsn;
  /** RFC 3339. */
  readonly time: string;
}

type Change = Extract<WalMessage, { readonly kind: 'insert' | 'update' | 'delete' }>;

export interface ChangeRowsOptions {
  readonly client: pg.Client;
  readonly table: CapturedTable;
  readonly dataset: DatasetDefinition;
  readonly types: TypeCatalog;
}

/** Makes rows of changes: one of each, and two of an update that changes the key, which is a delete and a new row. */
export class ChangeRows {
  readonly #options: ChangeRowsOptions;
  #plan: ChangePlan | undefined;

  constructor(options: ChangeRowsOptions) {
    this.#options = options;
  }

  /** Before the first change, and whenever the table is another than it was. */
  async describe(relation: Relation): Promise<void> {
    const { table, dataset, types } = this.#options;
    this.#plan = await planChanges(relation, table, dataset, types);
  }

  /** A promise only where a large value has to be fetched. */
  rowsOf(change: Change, at: CommittedAt): readonly ChangedRow[] | Promise<readonly ChangedRow[]> {
    const plan = this.#plan;
    if (plan === undefined) throw new RangeError('pgoutput sent a change before the description of its table'); // against its protocol
    if (this.#options.dataset.cdc === undefined)
      return [change.kind === 'insert' ? this.#row(plan, change.row, at) : this.#noEvent(plan, change, at)];
    switch (change.kind) {
      case 'insert':
        return [this.#row(plan, change.row, at)];
      case 'delete':
        return [this.#deleted(plan, change.old, at)];
      case 'update': {
        const row = filled(plan, change.row, change.old);
        const moved = change.old !== undefined && !isSame(keyCells(plan, change.old), keyCells(plan, row)) ? change.old : undefined;
        const before = moved === undefined ? [] : [this.#deleted(plan, moved, at)];
        if (plan.fields.every((field) => row[field.at] !== undefined)) return [...before, this.#row(plan, row, at)];
        return this.#fetched(plan, row, at).then((whole) => [...before, whole]);
      }
    }
  }

  #row(plan: ChangePlan, cells: readonly Cell[], at: CommittedAt): ChangedRow {
    const input: Record<string, unknown> = this.#options.dataset.cdc === undefined ? {} : { op_time: at.time };
    for (const { name, at: column, decode } of plan.fields) {
      const text = cells[column];
      if (text !== null && text !== undefined) input[name] = decode(text);
    }
    return this.#changed(plan, cells, at, input);
  }

  #deleted(plan: ChangePlan, cells: readonly Cell[], at: CommittedAt): ChangedRow {
    const input: Record<string, unknown> = { op: 'delete', op_time: at.time };
    for (const { name, at: column, decode } of plan.key) {
      const text = cells[column];
      if (text !== null && text !== undefined) input[name] = decode === undefined ? text : decode(text);
    }
    return this.#changed(plan, cells, at, input);
  }

  #noEvent(plan: ChangePlan, change: Exclude<Change, { readonly kind: 'insert' }>, at: CommittedAt): ChangedRow {
    const { dataset } = this.#options;
    const cells = change.kind === 'update' ? change.row : change.old;
    const reason = `${change.kind === 'update' ? 'an update' : 'a delete'} of a row, and the records of ${dataset.name} are events: what was published stays as it is; for changes write cdc: 'upsert' and a rowKey at a new version of it`;
    return this.#changed(plan, cells, at, new UnreadableRow(JSON.stringify(cells), reason));
  }

  #changed(plan: ChangePlan, cells: readonly Cell[], { lsn }: CommittedAt, input: unknown): ChangedRow {
    const key = keyCells(plan, cells);
    const place = `${this.#options.table.sqlName} ${plan.key.map(({ name }, i) => `${name} ${key[i] ?? 'null'}`).join(', ')}, WAL ${formatLsn(lsn)}`;
    return { row: { input, lane: LANE, historical: false, place }, key, commitLsn: lsn, bytes: bytesOf(cells) };
  }

  /**
   * The row as it is in the table now, for its large values that the update left alone: those are not in the log. If they have
   * been changed since, that change comes as well; if the row has gone since, its end comes, and this version of it is set
   * aside.
   */
  async #fetched(plan: ChangePlan, cells: readonly Cell[], at: CommittedAt): Promise<ChangedRow> {
    const { client, table } = this.#options;
    const missing = plan.fields.filter((field) => cells[field.at] === undefined);
    const where = table.key.map(({ name, sqlType }, i) => `"row".${quoted(name)} = $${i + 1}::text::${sqlType}`).join(' AND ');
    const { rows } = await client.query<(string | null)[]>({
      text: `SELECT ${missing.map(({ name }) => `"row".${quoted(name)}::text`).join(', ')} FROM ${table.sqlName} AS "row" WHERE ${where}`,
      values: [...keyCells(plan, cells)],
      rowMode: 'array',
    });
    const [found] = rows;
    if (found !== undefined)
      return this.#row(
        plan,
        cells.map((cell, i) => cell ?? found[missing.findIndex((field) => field.at === i)] ?? null),
        at,
      );
    const names = missing.map(({ name }) => name).join(', ');
    const reason = `${names} is large and was left alone by an update, so its value is not in the log, and the row has gone since: ALTER TABLE ${table.sqlName} REPLICA IDENTITY FULL has it in the log from then on`;
    return this.#changed(plan, cells, at, new UnreadableRow(JSON.stringify(cells), reason));
  }
}

/** Large values that an update left alone, where the log has them with the row before. */
function filled(plan: ChangePlan, row: readonly Cell[], old: readonly Cell[] | undefined): readonly Cell[] {
  if (old === undefined || !row.includes(undefined)) return row;
  return row.map((cell, i) => (cell === undefined && (plan.isFull || plan.key.some(({ at }) => at === i)) ? old[i] : cell));
}

function isSame(a: readonly (string | null)[], b: readonly (string | null)[]): boolean {
  return a.every((cell, i) => cell === b[i]);
}
