import type { TableFiles } from './table-files.js';
import type { TableMetadata } from './table-metadata.js';

export interface LoadedTable {
  readonly table: TableMetadata;
  readonly files: TableFiles;
}

/** Knows which metadata of one table is the current one. */
export interface TableCatalog {
  /** As it is now. What an earlier call gave is not used any more. Throws a SourceError. */
  load(signal: AbortSignal): Promise<LoadedTable>;
  close(): Promise<void>;
}
