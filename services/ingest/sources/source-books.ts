import { ThymeError } from '../../../libs/errors/errors.js';
import type { JsonValue } from '../../../libs/source/connector.js';

/** What the progress record of a source holds (S16). */
export interface SourceBooks {
  /** What the position belongs to; another one's is never gone on from. */
  readonly fingerprint: string;
  /** Undefined at the beginning, to where a reset has put it. */
  readonly position?: JsonValue;
  /** Published, and set aside, since the dataset's version began. */
  readonly rows: number;
  readonly refused: number;
}

const FORMAT = 1;

/** `{ format, fingerprint, position, rows, refused }` as JSON; a format above FORMAT is refused, never guessed at. */
export function encodeBooks(books: SourceBooks): Uint8Array {
  return Buffer.from(JSON.stringify({ format: FORMAT, ...books }));
}

export function decodeBooks(bytes: Uint8Array, source: string): SourceBooks {
  const stored: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  if (typeof stored === 'object' && stored !== null && 'format' in stored && Number(stored.format) > FORMAT) {
    throw new ThymeError(
      'THYME_FORMAT_NEWER',
      'FAILED_PRECONDITION',
      `the progress of ${source} has format ${Number(stored.format)}, and this process knows formats up to ${FORMAT}: upgrade it`,
    );
  }
  return stored as SourceBooks; // written by encodeBooks, in the log's own checked bytes
}
