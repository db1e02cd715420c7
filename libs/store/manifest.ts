import { requireIntact } from './file-damage.js';
import { littleEndian, readVarint } from './snappy.js';

// The manifest of LevelDB: a log (write-ahead-check.ts) of edits, each a row of tagged fields (db/version_edit.cc there):
//
//   1 comparator: text | 2 log number | 3 next file number | 4 last sequence | 5 compact pointer: level, text
//   6 deleted file: level, number | 7 new file: level, number, size, text, text | 9 previous log number       numbers are varints
//
// A folder may hold more than what is named here: a table that a compaction had not finished, a log that was written out.

const BLOCK_BYTES = 32 * 1_024;
const HEADER_BYTES = 7;
/** Kinds of records: those that begin and end in one block, and the first and last parts of those that go on in the next. */
const [FULL, FIRST, LAST] = [1, 2, 4];

export interface LiveFiles {
  readonly tables: ReadonlySet<number>;
  /** Logs below it were written out, and are no longer read; but for this one, if it is not 0. */
  readonly logNumberMin: number;
  readonly previousLog: number;
}

/** What the manifest names when its last edit was applied. What cannot be decoded is damage, as LevelDB finds too. */
export function readManifest(file: Uint8Array): LiveFiles {
  const tables = new Set<number>();
  const numbers = { log: 0, previousLog: 0 };
  for (const edit of recordsOf(file)) applyEdit(edit, tables, numbers);
  return { tables, logNumberMin: numbers.log, previousLog: numbers.previousLog };
}

function applyEdit(edit: Uint8Array, tables: Set<number>, numbers: { log: number; previousLog: number }): void {
  let at = 0;
  const varint = (): number => {
    const { value, next } = readVarint(edit, at);
    at = next;
    return value;
  };
  const passText = (): void => {
    const length = varint();
    at += length;
  };
  while (at < edit.length) {
    const tag = varint();
    if (tag === 1) passText();
    else if (tag === 2) numbers.log = varint();
    else if (tag === 9) numbers.previousLog = varint();
    else if (tag === 3 || tag === 4) varint();
    else if (tag === 5 || tag === 6 || tag === 7) {
      varint(); // the level
      if (tag === 5) passText();
      else if (tag === 6) tables.delete(varint());
      else {
        tables.add(varint());
        varint(); // its size
        passText();
        passText();
      }
    } else requireIntact(false, 'the manifest has an edit of an unknown kind');
  }
}

/** Up to an end that is cut short. Checksums are LevelDB's to compare, which it does at the opening. */
function* recordsOf(file: Uint8Array): Generator<Uint8Array> {
  let parts: Uint8Array[] = [];
  for (let at = 0; at + HEADER_BYTES <= file.length;) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      at += left;
      continue;
    }
    const [length, type] = [littleEndian(file, at + 4, 2), file[at + 6]!];
    const end = at + HEADER_BYTES + length;
    if (type === 0 || end > file.length) return;
    if (type === FULL || type === FIRST) parts = [];
    parts.push(file.subarray(at + HEADER_BYTES, end));
    if (type === FULL || type === LAST) yield parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    at = end;
  }
}
