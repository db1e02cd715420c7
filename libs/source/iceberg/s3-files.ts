import { openS3, type S3Access } from '../s3/s3-client.js';
import { s3Error, saysMoved } from '../s3/s3-errors.js';
import { SourceError } from '../source-error.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { icebergError } from './iceberg-error.js';
import type { FileStore } from './file-store.js';

/** Files of S3's buckets, as `s3://bucket/key`. */
export class S3Files implements FileStore {
  readonly #settings: SourceSettings;
  #access: Promise<S3Access> | undefined;

  constructor(settings: SourceSettings) {
    this.#settings = settings;
  }

  async sizeOf(location: string, signal: AbortSignal): Promise<number> {
    const { sdk, client } = await this.#open();
    try {
      const head = await client.send(new sdk.HeadObjectCommand(placeOf(location)), { abortSignal: signal });
      return head.ContentLength ?? 0;
    } catch (error) {
      throw this.#failure(location, error);
    }
  }

  async readRange(location: string, start: number, end: number, signal: AbortSignal): Promise<Uint8Array> {
    if (end <= start) return new Uint8Array();
    const { sdk, client } = await this.#open();
    try {
      const command = new sdk.GetObjectCommand({ ...placeOf(location), Range: `bytes=${start}-${end - 1}` });
      const answer = await client.send(command, { abortSignal: signal });
      const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      if (bytes.length === end - start) return bytes;
    } catch (error) {
      throw this.#failure(location, error);
    }
    throw new SourceError('retry', 'THYME_SOURCE_ICEBERG_FILE', `${location} came in part: it is read again`);
  }

  async close(): Promise<void> {
    const access = await this.#access?.catch(() => undefined); // where it failed there is nothing to close
    access?.client.destroy();
  }

  #open(): Promise<S3Access> {
    return (this.#access ??= openS3(this.#settings, textParameter(this.#settings, 'table')));
  }

  #failure(location: string, error: unknown): unknown {
    if (saysMoved(error)) return new SourceError('retry', 'THYME_SOURCE_ICEBERG_FILE', `${location} is not there`, { cause: error });
    if (error instanceof Error && error.name === 'ExpiredToken')
      return new SourceError('retry', 'THYME_SOURCE_ICEBERG_FILE', `the keys for ${location} have ended: the catalog is asked for others`, {
        cause: error,
      });
    return s3Error(`reading ${location} failed`, error);
  }
}

function placeOf(location: string): { readonly Bucket: string; readonly Key: string } {
  const [, bucket, key] = /^s3[an]?:\/\/([^/]+)\/(.+)$/.exec(location) ?? [];
  if (bucket === undefined || key === undefined) throw icebergError('TABLE', `${location} is no place in a bucket: s3://bucket/key is`);
  return { Bucket: bucket, Key: key };
}
