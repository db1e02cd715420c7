import { ScalarType, type DescMessage } from '@bufbuild/protobuf';

// Counts what a message would be made into, on its bytes: `01 00` is two bytes and, decoded, an object of a hundred. A scan
// of 33 MiB takes some 100 ms and no memory; to decode as many empty keys took half a minute and gigabytes.

/** Decoders recurse; the deepest of ours, expressions, are refused at far less. */
const DEPTH_MAX = 100;

/** What a field's bytes hold: messages of a kind, many scalars, or one value. */
type Content = { readonly kind: 'message'; readonly fields: Fields } | { readonly kind: 'packed' };
type Fields = Map<number, Content>;

const known = new WeakMap<DescMessage, Fields>();

/**
 * Whether the bytes hold more elements, at all depths, than `max`, or nest too deep. False for bytes that are no
 * message: decoding says so.
 */
export function exceedsElements(schema: DescMessage, bytes: Uint8Array, max: number): boolean {
  return new ElementCount(bytes, max).scan(fieldsOf(schema), 0, bytes.length, 0);
}

class ElementCount {
  readonly #bytes: Uint8Array;
  #left: number;
  #at = 0;

  constructor(bytes: Uint8Array, max: number) {
    this.#bytes = bytes;
    this.#left = max;
  }

  /** Whether [start, end) exceeds what is left. */
  scan(fields: Fields, start: number, end: number, depth: number): boolean {
    if (depth > DEPTH_MAX) return true;
    this.#at = start;
    while (this.#at < end) {
      const tag = this.#varint();
      if (--this.#left < 0) return true;
      switch (tag & 7) {
        case 0:
          this.#varint();
          break;
        case 1:
          this.#at += 8;
          break;
        case 2:
          if (this.#delimited(fields.get(tag >>> 3), depth)) return true;
          break;
        case 5:
          this.#at += 4;
          break;
        default:
          return false; // groups and nonsense: none of ours has them
      }
    }
    return false;
  }

  #delimited(content: Content | undefined, depth: number): boolean {
    const length = this.#varint();
    const start = this.#at;
    const end = Math.min(start + length, this.#bytes.length);
    if (content?.kind === 'packed' && (this.#left -= length) < 0) return true;
    if (content?.kind === 'message' && this.scan(content.fields, start, end, depth + 1)) return true;
    this.#at = start + length;
    return false;
  }

  /** The low 32 bits. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? 0;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value >>> 0;
  }
}

function fieldsOf(schema: DescMessage): Fields {
  const found = known.get(schema);
  if (found !== undefined) return found;
  const fields: Fields = new Map();
  known.set(schema, fields); // before the fields: a value may hold values
  for (const field of schema.fields) {
    if (field.fieldKind === 'message' || (field.fieldKind === 'list' && field.listKind === 'message'))
      fields.set(field.number, { kind: 'message', fields: fieldsOf(field.message) });
    else if (field.fieldKind === 'map') fields.set(field.number, { kind: 'message', fields: entryFields(field.message) });
    else if (field.fieldKind === 'list' && isPackable(field.scalar)) fields.set(field.number, { kind: 'packed' });
  }
  return fields;
}

/** An entry of a map is a message of its key, 1, and its value, 2. */
function entryFields(value: DescMessage | undefined): Fields {
  return new Map(value === undefined ? [] : [[2, { kind: 'message', fields: fieldsOf(value) }]]);
}

/** Enums have no scalar, and are packed as well. */
function isPackable(scalar: ScalarType | undefined): boolean {
  return scalar !== ScalarType.STRING && scalar !== ScalarType.BYTES;
}
