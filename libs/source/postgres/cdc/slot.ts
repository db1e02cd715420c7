import type pg from 'pg';
import { SourceError } from '../../source-error.js';
import { postgresError } from '../postgres-client.js';
import { quoted } from '../table-shape.js';
import { formatLsn, type Lsn, parseLsn } from './lsn.js';

/** A replication slot as pg_replication_slots has it. */
export interface SlotState {
  readonly isActive: boolean;
  /** The server forgets its log only below it. */
  readonly restart: Lsn;
  /** Where its reader has said that it is. */
  readonly confirmed: Lsn;
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly walStatus: string;
  /** What may still be written before the server throws away what the slot needs; undefined where it never does. */
  readonly safeBytes: number | undefined;
  /** Where the server's log ends. */
  readonly end: Lsn;
}

interface SlotRow {
  readonly plugin: string;
  readonly database: string;
  readonly here: string;
  readonly active: string;
  readonly restart: string | null;
  readonly confirmed: string | null;
  readonly walstatus: string | null;
  readonly safe: string | null;
  readonly end: string;
}

/** On a stand-by, the end is what it has replayed. */
const WAL_END = 'CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END';
const SLOT = `
  SELECT plugin, database, current_database() AS here, active::text, restart_lsn::text AS restart, confirmed_flush_lsn::text AS confirmed,
         wal_status AS walstatus, safe_wal_size::text AS safe, (${WAL_END})::text AS end
    FROM pg_replication_slots WHERE slot_name = $1`;

/** Undefined where there is none of that name. Throws where it is not one that could be read here. */
export async function slotState(client: pg.Client, slot: string): Promise<SlotState | undefined> {
  const [row] = (await client.query<SlotRow>(SLOT, [slot])).rows;
  if (row === undefined) return undefined;
  if (row.plugin !== 'pgoutput' || row.database !== row.here)
    throw slotError(
      `the replication slot ${slot} is of ${row.plugin ?? 'physical replication'} in ${row.database ?? 'no database'}, not of pgoutput in ${row.here}: name another with 'slot'`,
    );
  return {
    isActive: row.active === 'true',
    restart: parseLsn(row.restart ?? '0/0'),
    confirmed: parseLsn(row.confirmed ?? '0/0'),
    walStatus: row.walstatus ?? 'lost',
    safeBytes: row.safe === null ? undefined : Number(row.safe),
    end: parseLsn(row.end),
  };
}

/** Throws, with the way on, where the slot has no longer all that was committed from `done` on. */
export async function requireSlot(client: pg.Client, slot: string, done: Lsn): Promise<void> {
  const state = await slotState(client, slot);
  if (state === undefined)
    throw slotError(
      `the replication slot ${slot} is not there any more: it was dropped, or a fail-over has left it behind, and what was committed since is lost to this source. ${ANEW}`,
    );
  if (state.walStatus === 'lost')
    throw slotError(
      `the server has thrown away log that the replication slot ${slot} needed (max_slot_wal_keep_size): SELECT pg_drop_replication_slot('${slot}'). ${ANEW}`,
    );
  if (state.end < done)
    throw slotError(
      `the server's log ends at ${formatLsn(state.end)}, before ${formatLsn(done)}, which was read already: it was restored, or a fail-over has lost its end. ${ANEW}`,
    );
  if (state.confirmed > done)
    throw slotError(
      `the replication slot ${slot} stands at ${formatLsn(state.confirmed)}, and this source has read to ${formatLsn(done)}: somebody else read from it, or made it anew. ${ANEW}`,
    );
}

const ANEW = "Raise the version of the dataset: with upgrade: 'empty' it reads the table anew";

export interface ExportedSnapshot {
  readonly name: string;
  /** Exactly what was committed before it is seen in the snapshot. */
  readonly lsn: Lsn;
}

/** The snapshot lives until the session runs its next command. A temporary slot lives as long as the session. */
export async function createSlot(replication: pg.Client, slot: string, kind: 'lasting' | 'temporary'): Promise<ExportedSnapshot> {
  try {
    const { rows } = await replication.query<{ readonly consistent_point: string; readonly snapshot_name: string }>(
      `CREATE_REPLICATION_SLOT ${quoted(slot)} ${kind === 'temporary' ? 'TEMPORARY ' : ''}LOGICAL pgoutput EXPORT_SNAPSHOT`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('the server did not say where it begins');
    return { name: row.snapshot_name, lsn: parseLsn(row.consistent_point) };
  } catch (error) {
    throw postgresError(`making the replication slot ${slot} failed`, error);
  }
}

export async function systemOf(replication: pg.Client): Promise<string> {
  const { rows } = await replication.query<{ readonly systemid: string }>('IDENTIFY_SYSTEM');
  return rows[0]?.systemid ?? '';
}

export async function requireLogicalWal(client: pg.Client): Promise<void> {
  const level = await setting(client, 'wal_level');
  if (level === 'logical') return;
  throw slotError(`the server's wal_level is ${level}: ALTER SYSTEM SET wal_level = 'logical', and restart it`);
}

export async function setting(client: pg.Client, name: string): Promise<string> {
  const { rows } = await client.query<{ readonly value: string }>('SELECT current_setting($1) AS value', [name]);
  return rows[0]?.value ?? '';
}

export function slotError(message: string): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_SLOT', message);
}
