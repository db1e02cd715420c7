import { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import avsc from 'avsc';
import { compressors } from 'hyparquet-compressors';
import type { RangeReader } from '../../files/parquet-file.js';
import { FileError } from '../../files/row-file.js';
import { createZstdDecompressor } from '../../files/zstd-stream.js';
import { type Avsc, avroOptions } from '../kafka/avro-values.js';

/** So many bytes are asked for at a time. */
const CHUNK_BYTES = 4 * 1024 * 1024;

type Decompress = (bytes: Buffer, done: (error: Error | null, bytes?: Buffer) => void) => void;
const SNAPPY_CHECKSUM_BYTES = 4;
/** What one block may be decompressed to: its length stands only where the checksum is checked. */
const BLOCK_BYTES_MAX = 256 * 1024 * 1024;

/** Records as avsc makes them: long integers exact, dates, decimals and times as text, bytes as they are. `schema` is the file's own. */
export interface AvroRecords {
  readonly schema: unknown;
  readonly records: AsyncIterable<Readonly<Record<string, unknown>>>;
}

/** Reads a container of Avro by and by. Throws FileError where it is none. */
export async function openAvro(file: RangeReader, path: string): Promise<AvroRecords> {
  let schema: unknown;
  const decoder = new avsc.streams.BlockDecoder({
    codecs: { null: (bytes: Buffer, done: Parameters<Decompress>[1]) => done(null, bytes), deflate: inflate, snappy, zstandard },
    parseHook: (written: unknown) => {
      schema = written;
      // Its types are looser than what it takes, and those of the reader of Kafka's messages.
      return avsc.Type.forSchema(withoutDefaults(written) as avsc.Schema, avroOptions(avsc as unknown as Avsc));
    },
  });
  const source = Readable.from(chunksOf(file));
  const records = source
    .on('error', (error) => decoder.destroy(error))
    .pipe(decoder)
    [Symbol.asyncIterator]() as AsyncIterator<Readonly<Record<string, unknown>>>;
  const end = (): void => {
    source.destroy();
    decoder.destroy();
  };
  const next = (): Promise<IteratorResult<Readonly<Record<string, unknown>>>> =>
    records.next().catch((error: unknown) => {
      end();
      throw error instanceof Error && 'disposition' in error
        ? error
        : new FileError(path, `cannot be read as Avro: ${String(error)}`, undefined, { cause: error });
    });
  let result = await next(); // the schema is known with the first record, or the end
  return {
    schema,
    records: (async function* () {
      try {
        for (; result.done !== true; result = await next()) yield result.value;
      } finally {
        end();
      }
    })(),
  };
}

/** What a file was written with has every value: defaults are for readers of another schema, and cost the library a look at each branch. */
function withoutDefaults(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutDefaults);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name]) => name !== 'default')
      .map(([name, part]) => [name, withoutDefaults(part)]),
  );
}

async function* chunksOf(file: RangeReader): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.byteLength; at += CHUNK_BYTES)
    yield Buffer.from(await file.slice(at, Math.min(file.byteLength, at + CHUNK_BYTES)));
}

const inflate: Decompress = (bytes, done) => zlib.inflateRaw(bytes, { maxOutputLength: BLOCK_BYTES_MAX }, done);

/** A block of snappy begins with its length, in groups of seven bits; behind it stands a checksum of the contents. */
const snappy: Decompress = (bytes, done) => {
  try {
    const body = bytes.subarray(0, bytes.length - SNAPPY_CHECKSUM_BYTES);
    let length = 0;
    for (let i = 0, byte = 0x80; byte >= 0x80 && i < 5; i++) {
      byte = body[i] ?? 0;
      length += (byte & 0x7f) * 2 ** (7 * i);
    }
    if (length > BLOCK_BYTES_MAX) throw new RangeError(`a block of ${length} bytes is over the limit of ${BLOCK_BYTES_MAX}`);
    const plain = Buffer.from(compressors.SNAPPY?.(body, length) ?? []);
    if (crc32(plain) !== bytes.readUInt32BE(body.length)) throw new RangeError('the checksum of a block is wrong');
    done(null, plain);
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)));
  }
};

const zstandard: Decompress = (bytes, done) => {
  const parts: Buffer[] = [];
  const stream = createZstdDecompressor();
  stream.on('data', (part: Buffer) => parts.push(part));
  stream.on('error', (error: Error) => done(error));
  stream.on('end', () => done(null, Buffer.concat(parts)));
  stream.end(bytes);
};

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = (CRC_TABLE[(c ^ byte) & 0xff] ?? 0) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
