import { createHash } from 'node:crypto';
import type { JsonValue } from '../connector.js';
import { listOf, membersOf, placeJson, placeOf, type RowPlace, textAt } from '../table/row-place.js';

/**
 * Where the reader of a table stands (CONNECTORS 1, 2).
 *
 * Rows are read in the order of (cursor, key), pass after pass. A transaction that began early may commit late: its rows then
 * lie behind the place that was reached. Each pass notes `pass.xmin`, the oldest transaction that was still writing when it
 * began: whatever it could not see was written by that one or a later one. So the next pass first looks behind the place, for
 * rows of transactions from `xmin` (of the pass before) on, and leaves out those that are `seen`: rows that were published
 * although their transaction was not older than their pass's. When that is done, `xmin` takes the value of `pass.xmin`.
 *
 *   { place?, xmin?, seen: [[hash of key and xmin, xmin], ...],
 *     pass?: { xmin, late: place | null, heldFrom? }, heldFrom?, floors: [[s, cursor], ...], initialEnd? }
 *
 * `heldFrom` is the lowest cursor of rows that the last pass left for later, since no more could be `seen`; a pass under way has its own.
 */
export interface TablePosition {
  readonly place: RowPlace | undefined;
  readonly xmin: string | undefined;
  readonly seen: ReadonlyMap<string, string>;
  readonly pass: Pass | undefined;
  readonly heldFrom: string | undefined;
  /** Where the place was, by the minute: how far back to look in columns that are no times. */
  readonly floors: readonly (readonly [seconds: number, cursor: string])[];
  /** The end that was there at the first look: rows up to it are history (S10). */
  readonly initialEnd: RowPlace | undefined;
}

/** A pass that is under way. */
export interface Pass {
  readonly xmin: string;
  /** The late rows up to here are done; null when all are. */
  readonly late: RowPlace | null | undefined;
  readonly heldFrom: string | undefined;
}

/** Rows that are remembered one by one, each some 40 bytes of every commit; more are held back until older transactions have ended. */
export const SEEN_MAX = 2_000;

export const AT_THE_BEGINNING: TablePosition = {
  place: undefined,
  xmin: undefined,
  seen: new Map(),
  pass: undefined,
  heldFrom: undefined,
  floors: [],
  initialEnd: undefined,
};

export function seenMark(key: readonly string[], xmin: bigint): string {
  return createHash('sha256')
    .update(JSON.stringify([key, String(xmin)]))
    .digest('base64url')
    .slice(0, 16);
}

export function encodePosition(position: TablePosition): JsonValue {
  const { place, xmin, seen, pass, heldFrom, floors, initialEnd } = position;
  return {
    ...(place === undefined ? {} : { place: placeJson(place) }),
    ...(xmin === undefined ? {} : { xmin }),
    seen: [...seen].map(([mark, of]) => [mark, of]),
    ...(pass === undefined ? {} : { pass: passJson(pass) }),
    ...(heldFrom === undefined ? {} : { heldFrom }),
    floors: floors.map(([seconds, cursor]) => [seconds, cursor]),
    ...(initialEnd === undefined ? {} : { initialEnd: placeJson(initialEnd) }),
  };
}

function passJson({ xmin, late, heldFrom }: Pass): JsonValue {
  return {
    xmin,
    ...(late === undefined ? {} : { late: late === null ? null : placeJson(late) }),
    ...(heldFrom === undefined ? {} : { heldFrom }),
  };
}

export function decodePosition(stored: JsonValue | undefined): TablePosition {
  if (stored === undefined) return AT_THE_BEGINNING;
  const { place, xmin, seen, pass, heldFrom, floors, initialEnd } = membersOf(stored);
  return {
    place: place === undefined ? undefined : placeOf(place),
    xmin: xmin === undefined ? undefined : String(xmin),
    seen: new Map(listOf(seen ?? []).map((entry) => [textAt(entry, 0), textAt(entry, 1)])),
    pass: pass === undefined ? undefined : passOf(membersOf(pass)),
    heldFrom: heldFrom === undefined ? undefined : String(heldFrom),
    floors: listOf(floors ?? []).map((entry) => [Number(listOf(entry)[0]), textAt(entry, 1)]),
    initialEnd: initialEnd === undefined ? undefined : placeOf(initialEnd),
  };
}

function passOf({ xmin, late, heldFrom }: Readonly<Record<string, JsonValue | undefined>>): Pass {
  return {
    xmin: String(xmin),
    late: late === undefined || late === null ? late : placeOf(late),
    heldFrom: heldFrom === undefined ? undefined : String(heldFrom),
  };
}
