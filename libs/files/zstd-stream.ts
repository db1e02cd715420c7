import { Transform, type TransformCallback } from 'node:stream';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';

/**
 * Decompresses zstd, of several frames too: by Node's own library where it has one (from 22.15 on), else in JavaScript, which
 * is several times slower and passes over the frames' checksums.
 */
export function createZstdDecompressor(): NodeJS.ReadWriteStream {
  const create = (zlib as { readonly createZstdDecompress?: () => NodeJS.ReadWriteStream }).createZstdDecompress;
  return create === undefined ? new ZstdStream() : create();
}

/** A block of at most 128 KiB is decoded at a time; what is kept is the frame's window. */
export class ZstdStream extends Transform {
  readonly #decoder = new Decompress((block) => {
    // A copy: the decoder goes on writing into its own memory.
    if (block.length > 0) this.push(Buffer.from(block));
  });

  override _transform(chunk: Uint8Array, _encoding: string, done: TransformCallback): void {
    this.#decode(chunk, false, done);
  }

  override _flush(done: TransformCallback): void {
    this.#decode(new Uint8Array(), true, done);
  }

  #decode(chunk: Uint8Array, isLast: boolean, done: TransformCallback): void {
    try {
      this.#decoder.push(chunk, isLast);
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
