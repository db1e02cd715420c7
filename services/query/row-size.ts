import type { Row, Value } from '../../libs/schema/value-type.js';

/** What a number, a bool or a null takes, and any value besides its text: the order of magnitude is enough. */
const VALUE_BYTES = 8;

/** About how many bytes the row takes in an answer: texts and bytes are counted, the rest is estimated. */
export function rowBytes(row: Row): number {
  let bytes = VALUE_BYTES;
  for (const value of row) bytes += valueBytes(value);
  return bytes;
}

function valueBytes(value: Value): number {
  if (typeof value === 'string') return VALUE_BYTES + value.length;
  if (typeof value !== 'object' || value === null) return VALUE_BYTES;
  return value instanceof Uint8Array ? VALUE_BYTES + value.length : rowBytes(value);
}
