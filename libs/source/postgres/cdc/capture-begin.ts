import type pg from 'pg';
import type { Clock } from '../../../time/clock.js';
import type { JsonValue, SourceBatch } from '../../connector.js';
import type { SourceSettings } from '../../source-settings.js';
import type { CapturedTable } from './captured-table.js';
import { ensurePublication, requirePublication } from './publication.js';
import { requireLogicalWal, requireSlot, slotError, slotState } from './slot.js';
import { type CapturePosition, decodePosition, encodePosition } from './stream-position.js';
import type { TypeCatalog } from './type-catalog.js';

/** How often the server hears of us, at least; after how long a silence it is taken for gone; and how often we look at the slot. */
export interface CaptureTimes {
  readonly statusMs: number;
  readonly silenceMs: number;
  readonly lookMs: number;
}

export interface CaptureOptions {
  readonly settings: SourceSettings;
  /** For everything but the stream and the load. */
  readonly client: pg.Client;
  readonly table: CapturedTable;
  readonly types: TypeCatalog;
  readonly clock: Clock;
  readonly times: CaptureTimes;
  readonly slot: string;
  readonly publication: string;
}

interface Beginning {
  readonly stored: JsonValue | undefined;
  readonly system: string;
  readonly signal: AbortSignal;
}

/** Checks what the position says against what is there; at the very beginning it claims the slot's name, before the slot is made. */
export async function* beginCapture(
  { client, table, slot, publication, settings }: CaptureOptions,
  { stored, system, signal }: Beginning,
): AsyncGenerator<SourceBatch, CapturePosition> {
  await requireLogicalWal(client);
  if (stored === undefined) {
    await ensurePublication(client, publication, table, settings.dataset.cdc === undefined);
    if ((await slotState(client, slot)) !== undefined)
      throw slotError(
        `there is a replication slot ${slot} already, which this source did not make: SELECT pg_drop_replication_slot('${slot}') if nobody needs it, or name another with 'slot'`,
      );
    const position: CapturePosition = { phase: 'begin', system, table: table.oid, slot, publication };
    let committed = (): void => undefined;
    const isCommitted = new Promise<void>((resolve) => (committed = resolve));
    yield { rows: [], position: encodePosition(position), onCommitted: () => committed() };
    await within(signal, isCommitted); // the slot is made next: whoever dies then must know it for its own
    return position;
  }
  const position = decodePosition(stored);
  if (position.system !== system)
    throw slotError(
      `this is another server than the one that was read (its system identifier is ${system}, not ${position.system}): raise the version of the dataset`,
    );
  if (position.table !== table.oid)
    throw slotError(
      `${table.sqlName} was dropped and made anew, so its rows are others: raise the version of the dataset, which reads it anew`,
    );
  await requirePublication(client, position.publication, table, settings.dataset.cdc === undefined);
  if (position.phase !== 'begin')
    await requireSlot(client, position.slot, position.phase === 'load' ? (position.parts[0]?.lsn ?? 0n) : position.done);
  return position;
}

/** Throws once the signal aborts. */
async function within(signal: AbortSignal, work: Promise<void>): Promise<void> {
  signal.throwIfAborted();
  await Promise.race([work, new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))]);
  signal.throwIfAborted();
}
