import { open, stat } from 'node:fs/promises';
import { SourceError } from '../source-error.js';
import type { FileStore } from './file-store.js';

/** Files of the ingest process's machine, as `/path` or `file:///path`. */
export class FolderFiles implements FileStore {
  async sizeOf(location: string): Promise<number> {
    return (await stat(pathOf(location)).catch((cause: unknown) => Promise.reject(unreadable(location, cause)))).size;
  }

  async readRange(location: string, start: number, end: number): Promise<Uint8Array> {
    const file = await open(pathOf(location)).catch((cause: unknown) => Promise.reject(unreadable(location, cause)));
    try {
      const bytes = new Uint8Array(end - start);
      for (let at = 0; at < bytes.length;) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, start + at);
        if (bytesRead === 0) throw new SourceError('retry', 'THYME_SOURCE_ICEBERG_FILE', `${location} is shorter than the table says`);
        at += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  }

  async close(): Promise<void> {
    // Every reading closes what it opened.
  }
}

/** Locations are not escaped as addresses are, and Hadoop writes `file:/path` with one slash. */
export function pathOf(location: string): string {
  return location.replace(/^file:\/*/, '/');
}

function unreadable(location: string, cause: unknown): SourceError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  return new SourceError('retry', 'THYME_SOURCE_ICEBERG_FILE', `${location} cannot be read: ${code}`, { cause });
}
