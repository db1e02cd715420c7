import type pg from 'pg';
import type { CatalogColumn } from '../table-shape.js';
import { columnTypeOf } from '../table-shape.js';
import type { ColumnType } from '../column-decoder.js';

const TYPES = `
  SELECT d.oid::text AS typeoid, coalesce(e.typname, t.typname) AS type,
         CASE WHEN e.oid IS NOT NULL THEN 'A' WHEN t.typtype = 'e' THEN 'E' ELSE '' END || CASE WHEN e.typtype = 'e' THEN 'E' ELSE '' END AS category
    FROM pg_type d
    JOIN pg_type t ON t.oid = CASE WHEN d.typtype = 'd' THEN d.typbasetype ELSE d.oid END
    LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
   WHERE d.oid = ANY($1::oid[])`;

/** What the numbers of types mean; the log names types by number, and columns change their types. */
export class TypeCatalog {
  readonly #client: pg.Client;
  readonly #types: Map<number, ColumnType>;

  constructor(client: pg.Client, columns: readonly CatalogColumn[]) {
    this.#client = client;
    this.#types = new Map(columns.map((column) => [Number(column.typeoid), columnTypeOf(column)]));
  }

  async learn(oids: readonly number[]): Promise<void> {
    const unknown = oids.filter((oid) => !this.#types.has(oid));
    if (unknown.length === 0) return;
    const { rows } = await this.#client.query<Pick<CatalogColumn, 'typeoid' | 'type' | 'category'>>(TYPES, [unknown]);
    for (const row of rows) this.#types.set(Number(row.typeoid), columnTypeOf(row));
  }

  /** Undefined for one that was dropped since. */
  of(oid: number): ColumnType | undefined {
    return this.#types.get(oid);
  }
}
