import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { compareText } from '../../schema/compare-text.js';
import { objectMoved } from '../objects/object-errors.js';
import type { LocalObject, ObjectStore, StoredObject } from '../objects/object-store.js';
import { SourceError } from '../source-error.js';
import type { S3Access } from './s3-client.js';
import { s3Error, saysMoved } from './s3-errors.js';

/** Objects of one answer: what S3 gives at most. */
const PAGE_LENGTH = 1_000;

export interface S3StoreOptions {
  readonly access: S3Access;
  readonly bucket: string;
  readonly prefix: string;
}

interface Page {
  /** Ordered by the bytes of their keys. */
  readonly objects: readonly StoredObject[];
  /** As it stands in the bucket; undefined where this was the last page. */
  readonly lastKey: string | undefined;
}

/**
 * The objects of a bucket below a prefix, by their whole keys. An object is copied into the temporary folder while it is read,
 * one at a time, in the version that was listed (If-Match): what was begun is read to its end, whatever becomes of the object
 * meanwhile.
 */
export class S3Store implements ObjectStore {
  readonly place: string;
  readonly #options: S3StoreOptions;
  #folder: Promise<string> | undefined;
  #copies = 0;

  constructor(options: S3StoreOptions) {
    this.#options = options;
    this.place = `s3://${options.bucket}/${options.prefix}`;
  }

  async *list(after: string | undefined, signal: AbortSignal): AsyncGenerator<StoredObject> {
    for (let from = after; ;) {
      const { objects, lastKey } = await this.#page(from, signal);
      // A server that compares otherwise may begin before the key that it was given.
      yield* after === undefined ? objects : objects.filter(({ key }) => compareText(key, after) > 0);
      if (lastKey === undefined) return;
      from = lastKey;
    }
  }

  async find(key: string, signal: AbortSignal): Promise<StoredObject | undefined> {
    const { sdk, client } = this.#options.access;
    try {
      const head = await client.send(new sdk.HeadObjectCommand({ Bucket: this.#options.bucket, Key: key }), { abortSignal: signal });
      return { key, sizeBytes: head.ContentLength ?? 0, version: head.ETag ?? '', changedMs: head.LastModified?.getTime() ?? 0 };
    } catch (error) {
      if (saysMoved(error)) return undefined;
      throw s3Error(`looking for ${key} of ${this.place} failed`, error);
    }
  }

  async fetch(object: StoredObject, signal: AbortSignal): Promise<LocalObject> {
    const path = join(await this.#temporaryFolder(), `${this.#copies++}${endingsOf(object.key)}`);
    const release = (): Promise<void> => rm(path, { force: true });
    try {
      await this.#download(object, path, signal);
      return { path, verify: () => Promise.resolve(), release };
    } catch (error) {
      await release();
      throw saysMoved(error) ? objectMoved(object) : s3Error(`reading ${object.key} of ${this.place} failed`, error);
    }
  }

  async close(): Promise<void> {
    this.#options.access.client.destroy();
    if (this.#folder !== undefined) await rm(await this.#folder, { recursive: true, force: true });
  }

  /** Asked for by the key before it, which each server understands, and which says by itself where a page begins. */
  async #page(after: string | undefined, signal: AbortSignal): Promise<Page> {
    const { access, bucket, prefix } = this.#options;
    const command = new access.sdk.ListObjectsV2Command({
      Bucket: bucket,
      MaxKeys: PAGE_LENGTH,
      EncodingType: 'url', // XML has no word for control characters, which a key may hold
      ...(prefix === '' ? {} : { Prefix: prefix }),
      ...(after === undefined ? {} : { StartAfter: after }),
    });
    const answer = await access.client.send(command, { abortSignal: signal }).catch((error: unknown) => {
      throw s3Error(`listing ${this.place} failed`, error);
    });
    const decode = answer.EncodingType === 'url' ? urlDecoded : (key: string): string => key;
    const objects = (answer.Contents ?? []).map(({ Key = '', Size = 0, ETag = '', LastModified }) => ({
      key: decode(Key),
      sizeBytes: Size,
      version: ETag,
      changedMs: LastModified?.getTime() ?? 0,
    }));
    const isOrdered = objects.every(({ key }, i) => i === 0 || compareText(objects[i - 1]?.key ?? '', key) < 0);
    if (!isOrdered && answer.IsTruncated === true) throw this.#unordered();
    const lastKey = answer.IsTruncated === true ? objects.at(-1)?.key : undefined;
    const ordered = isOrdered ? objects : objects.sort((a, b) => compareText(a.key, b.key));
    // Consoles make an empty object for a folder.
    return { objects: ordered.filter(({ key, sizeBytes }) => sizeBytes > 0 || !key.endsWith('/')), lastKey };
  }

  async #download(object: StoredObject, path: string, signal: AbortSignal): Promise<void> {
    const { access, bucket } = this.#options;
    const command = new access.sdk.GetObjectCommand({ Bucket: bucket, Key: object.key, IfMatch: object.version });
    const answer = await access.client.send(command, { abortSignal: signal });
    if (!(answer.Body instanceof Readable)) throw new TypeError('the SDK gave no stream of Node');
    if (answer.ETag !== object.version) {
      answer.Body.destroy(); // a server that knows no If-Match
      throw objectMoved(object);
    }
    await pipeline(answer.Body, createWriteStream(path), { signal });
    if ((await stat(path)).size !== object.sizeBytes)
      throw new SourceError('retry', 'THYME_SOURCE_S3', `${object.key} of ${this.place} came in part: it is read again`);
  }

  #unordered(): SourceError {
    return new SourceError(
      'stop',
      'THYME_SOURCE_S3_ORDER',
      `${this.place} is listed in another order than that of its keys' UTF-8 bytes, so what comes later cannot be told: use a server that lists as S3 does, or prefixes of less than ${PAGE_LENGTH} objects`,
    );
  }

  #temporaryFolder(): Promise<string> {
    return (this.#folder ??= mkdtemp(join(tmpdir(), 'thyme-s3-')));
  }
}

/** What its format and compression are known by. */
function endingsOf(key: string): string {
  return /(?:\.[A-Za-z0-9]{1,10}){0,3}$/.exec(key)?.[0] ?? '';
}

function urlDecoded(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}
