/** Where files lie: a folder, a web server, a bucket. Throws a SourceError that names the file. */
export interface FileStore {
  sizeOf(location: string, signal: AbortSignal): Promise<number>;
  /** Bytes [start, end), all of them. */
  readRange(location: string, start: number, end: number, signal: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
}
