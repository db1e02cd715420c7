import { SLOT_COUNT } from '../codec/slot.js';
import { KEY_BYTES_MAX } from '../codec/entity-key.js';
import { invalidArgument } from '../errors/errors.js';

/** Where a listing of entities goes on. */
export interface EntityPlace {
  readonly partition: number;
  /** 0 for timelines whose groups are the entities themselves, then one for each whose key has its parts in another order. */
  readonly pass: number;
  readonly slot: number;
  /** Behind this key; absent at the slot's begin. */
  readonly after?: Uint8Array | undefined;
}

export const FIRST_PLACE: EntityPlace = { partition: 0, pass: 0, slot: 0 };

const CURSOR_LENGTH_MAX = Math.ceil((2 * KEY_BYTES_MAX + 64) * (4 / 3));
/** More timelines than one key's featureset reads. */
const PASSES_MAX = 1_000;

/** Opaque to clients: base64url of JSON. */
export function entityCursor({ partition, pass, slot, after }: EntityPlace): string {
  return Buffer.from(JSON.stringify([partition, pass, slot, after === undefined ? null : Buffer.from(after).toString('hex')])).toString(
    'base64url',
  );
}

/** The first place for an empty cursor; INVALID_ARGUMENT for what is none. */
export function readEntityCursor(text: string): EntityPlace {
  if (text === '') return FIRST_PLACE;
  const place = text.length > CURSOR_LENGTH_MAX ? undefined : placeIn(text);
  if (place === undefined) throw invalidArgument('cursor', 'this is no cursor: pass the next_cursor of the page before, unchanged');
  return place;
}

function placeIn(text: string): EntityPlace | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 4) return undefined;
  const [partition, pass, slot, after] = parts as readonly unknown[];
  if (!isBelow(partition, SLOT_COUNT) || !isBelow(pass, PASSES_MAX) || !isBelow(slot, SLOT_COUNT)) return undefined;
  if (after === null) return { partition, pass, slot };
  if (typeof after !== 'string' || !/^(?:[0-9a-f]{2})+$/.test(after) || after.length > 2 * KEY_BYTES_MAX) return undefined;
  return { partition, pass, slot, after: Buffer.from(after, 'hex') };
}

function isBelow(value: unknown, end: number): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < end;
}
