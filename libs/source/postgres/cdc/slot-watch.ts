import type pg from 'pg';
import type { Clock } from '../../../time/clock.js';
import { formatLsn, type Lsn } from './lsn.js';
import { slotError, type SlotState, slotState } from './slot.js';

export interface SlotWatchOptions {
  readonly client: pg.Client;
  readonly slot: string;
  /** Slots that a version before of the dataset had, by a regular expression. */
  readonly family: string;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly signal: AbortSignal;
  /** Something was learned. */
  readonly onLook: () => void;
}

const GIB = 1_024 ** 3;
/** Where the server sets no limit to what a slot keeps, people hear of it here, and at each doubling. */
const KEPT_WARNING_BYTES = GIB;

const LEFT_BEHIND = `
  SELECT slot_name AS slot, restart_lsn::text AS restart FROM pg_replication_slots
   WHERE slot_name ~ $1 AND slot_name <> $2 AND NOT active AND NOT temporary AND database = current_database()`;

/** Looks at the slot now and then: how much log the server keeps for it, and whether that will go well. */
export class SlotWatch {
  readonly #options: SlotWatchOptions;
  #state: SlotState | undefined;
  #notices: string[] = [];
  #warned: { readonly status: string; readonly bytes: number } = { status: 'reserved', bytes: KEPT_WARNING_BYTES / 2 };
  #hasLooked = false;

  constructor(options: SlotWatchOptions) {
    this.#options = options;
  }

  get end(): Lsn | undefined {
    return this.#state?.end;
  }

  /** Until the signal aborts, or the session ends: then the reader's own is over as well. */
  async run(): Promise<void> {
    const { client, slot, family, clock, everyMs, signal, onLook } = this.#options;
    try {
      const { rows } = await client.query<{ readonly slot: string; readonly restart: string }>(LEFT_BEHIND, [family, slot]);
      for (const left of rows)
        this.#notices.push(
          `the replication slot ${left.slot} is read by nobody, and keeps the server's log from ${left.restart} on: SELECT pg_drop_replication_slot('${left.slot}')`,
        );
      while (!signal.aborted) {
        const state = await slotState(client, slot);
        if (state !== undefined) this.#look(state);
        this.#hasLooked = true;
        onLook();
        await clock.sleep(everyMs, signal);
      }
    } catch {
      return; // whoever reads from the same server fails as well, and says why
    }
  }

  /** What people should hear of, once. */
  takeNotices(): readonly string[] {
    return this.#notices.splice(0);
  }

  /** Whether it was looked since this was asked the last time. */
  takeLook(): boolean {
    const has = this.#hasLooked;
    this.#hasLooked = false;
    return has;
  }

  /** Throws where the server has thrown away what would have come. */
  check(): void {
    if (this.#state?.walStatus !== 'lost') return;
    throw slotError(
      `the server has thrown away log that the replication slot ${this.#options.slot} needed (max_slot_wal_keep_size): raise the version of the dataset, which reads the table anew`,
    );
  }

  #look(state: SlotState): void {
    this.#state = state;
    const warning = slotWarning(this.#options.slot, state, this.#warned);
    if (warning === undefined) return;
    this.#warned = warning.warned;
    if (warning.notice !== undefined) this.#notices.push(warning.notice);
  }
}

type Warned = { readonly status: string; readonly bytes: number };

/** What should be said of a slot, given what was said before; undefined where that is still true. */
export function slotWarning(
  slot: string,
  { walStatus, safeBytes, restart, end }: Pick<SlotState, 'walStatus' | 'safeBytes' | 'restart' | 'end'>,
  before: Warned,
): { readonly warned: Warned; readonly notice: string | undefined } | undefined {
  const bytes = Number(end - restart);
  const kept = `the server keeps ${gib(bytes)} of its log for the replication slot ${slot} (from ${formatLsn(restart)})`;
  if (walStatus !== before.status) {
    const left =
      safeBytes === undefined ? 'and no max_slot_wal_keep_size limits it' : `and loses it after ${gib(Math.max(0, safeBytes))} more`;
    const isBad = walStatus === 'extended' || walStatus === 'unreserved';
    return {
      warned: { ...before, status: walStatus },
      notice: isBad ? `${kept}, ${left}: let the source catch up, or make room` : undefined,
    };
  }
  if (safeBytes !== undefined) return undefined;
  if (bytes >= before.bytes * 2)
    return {
      warned: { ...before, bytes: bytes },
      notice: `${kept}, without a limit: its disk may fill; let the source catch up, or set max_slot_wal_keep_size`,
    };
  return undefined;
}

function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(bytes < GIB / 10 ? 3 : 1)} GiB`;
}
