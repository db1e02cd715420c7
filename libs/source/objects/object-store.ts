// Named objects that are written once: files of a folder, objects of a bucket. One contract, and one connector over it.

/** One object as a listing shows it. */
export interface StoredObject {
  /** Its name below the store's root, with `/` between the parts. */
  readonly key: string;
  readonly sizeBytes: number;
  /** Another one whenever the content is another: an ETag, or size and time of the last change. */
  readonly version: string;
  /** When it came or was changed, by the store's own clock, in milliseconds since 1970. */
  readonly changedMs: number;
}

export interface ObjectStore {
  /**
   * Objects whose keys come after `after` (undefined: all), ordered by the bytes of their UTF-8 names. Those that are still being
   * written are left out until they stand still.
   */
  list(after: string | undefined, signal: AbortSignal): AsyncIterable<StoredObject>;
  /** All of them, those that are still being written among them: for a look. Absent where `list` leaves none out. */
  listAll?(signal: AbortSignal): AsyncIterable<StoredObject>;
  /** The object of that key as it is now; undefined where there is none. */
  find(key: string, signal: AbortSignal): Promise<StoredObject | undefined>;
  /** The object of that very version as a file of this machine; rejects with objectMoved where it is another by now, or gone. */
  fetch(object: StoredObject, signal: AbortSignal): Promise<LocalObject>;
  /** Where it is, for people: `files data/*.jsonl`. */
  readonly place: string;
  close(): Promise<void>;
}

/** An object while it is read. */
export interface LocalObject {
  readonly path: string;
  /** To be called behind the last row: rejects where the object was changed meanwhile, so that what was read may be some of each. */
  verify(): Promise<void>;
  release(): Promise<void>;
}
