import { SourceError } from '../../source-error.js';
import type { Lsn } from './lsn.js';

/** The text of a value; null; or undefined for a large one that an update left alone, and that is not in the log. */
export type Cell = string | null | undefined;

/** A table as the log describes it, before its first change and after each change of it. */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** As in pg_class: default, nothing, full, index. */
  readonly identity: string;
  readonly columns: readonly { readonly name: string; readonly typeOid: number; readonly isIdentity: boolean }[];
}

export type WalMessage =
  | { readonly kind: 'begin'; readonly commitLsn: Lsn; readonly commitTimeUs: number }
  | { readonly kind: 'commit'; readonly endLsn: Lsn }
  | { readonly kind: 'relation'; readonly relation: Relation }
  | { readonly kind: 'insert'; readonly oid: number; readonly row: readonly Cell[] }
  /** `old`: what identified the row before, where that has changed; with the identity `full` the whole row, always. */
  | { readonly kind: 'update'; readonly oid: number; readonly old: readonly Cell[] | undefined; readonly row: readonly Cell[] }
  | { readonly kind: 'delete'; readonly oid: number; readonly old: readonly Cell[] }
  | { readonly kind: 'truncate'; readonly oids: readonly number[] };

/** 2000-01-01, from which Postgres counts, in microseconds since 1970. */
const EPOCH_US = 946_684_800_000_000;

/**
 * One message of the plug-in pgoutput, protocol version 1; undefined for those that say nothing about rows (types, origins).
 * Values are copied out as the text that they are: the bytes are the driver's, and used again.
 */
export function decodeWal(bytes: Buffer): WalMessage | undefined {
  const reader = new WalReader(bytes);
  const tag = reader.letter();
  switch (tag) {
    case 'B':
      return { kind: 'begin', commitLsn: reader.lsn(), commitTimeUs: reader.timeUs() };
    case 'C':
      reader.skip(1 + 8);
      return { kind: 'commit', endLsn: reader.lsn() };
    case 'R':
      return { kind: 'relation', relation: relationOf(reader) };
    case 'I': {
      const oid = reader.int32();
      reader.skip(1);
      return { kind: 'insert', oid, row: reader.row() };
    }
    case 'U': {
      const oid = reader.int32();
      const old = reader.letter() === 'N' ? undefined : reader.row();
      if (old !== undefined) reader.skip(1);
      return { kind: 'update', oid, old, row: reader.row() };
    }
    case 'D': {
      const oid = reader.int32();
      reader.skip(1);
      return { kind: 'delete', oid, old: reader.row() };
    }
    case 'T': {
      const count = reader.int32();
      reader.skip(1);
      return { kind: 'truncate', oids: Array.from({ length: count }, () => reader.int32()) };
    }
    case 'Y':
    case 'O':
    case 'M':
      return undefined;
    default:
      throw new SourceError(
        'stop',
        'THYME_SOURCE_POSTGRES',
        `pgoutput sent a message '${tag}', which version 1 of its protocol does not have`,
      );
  }
}

function relationOf(reader: WalReader): Relation {
  const oid = reader.int32();
  const schema = reader.name();
  const name = reader.name();
  const identity = reader.letter();
  const columns = Array.from({ length: reader.int16() }, () => {
    const isIdentity = (reader.uint8() & 1) !== 0;
    const column = { name: reader.name(), typeOid: reader.int32(), isIdentity };
    reader.skip(4); // its modifier, such as a length
    return column;
  });
  return { oid, schema: schema === '' ? 'pg_catalog' : schema, name, identity, columns };
}

const NULL = 0x6e;
const UNCHANGED = 0x75;
const TEXT = 0x74;

/** Reads on in the bytes of one message; throws a RangeError behind their end. */
class WalReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#at++);
  }

  letter(): string {
    return String.fromCharCode(this.uint8());
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readUInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  lsn(): Lsn {
    this.#at += 8;
    return this.#bytes.readBigUInt64BE(this.#at - 8);
  }

  timeUs(): number {
    this.#at += 8;
    return Number(this.#bytes.readBigInt64BE(this.#at - 8)) + EPOCH_US;
  }

  name(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  row(): readonly Cell[] {
    const cells: Cell[] = [];
    for (let left = this.int16(); left > 0; left--) cells.push(this.#cell());
    return cells;
  }

  #cell(): Cell {
    const kind = this.uint8();
    if (kind === NULL) return null;
    if (kind === UNCHANGED) return undefined;
    if (kind !== TEXT)
      throw new SourceError('stop', 'THYME_SOURCE_POSTGRES', 'pgoutput sent a value in binary form, which nobody asked for');
    const length = this.int32();
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError('a message of pgoutput breaks off');
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }
}
