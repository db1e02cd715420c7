import type { SourceLag } from '../../../libs/source/connector.js';

/** What a source is doing. Each phase has what belongs to it. */
export type SourcePhase =
  /** Another ingest process has it, or none for the moment. */
  | { readonly kind: 'elsewhere' }
  /** The log's writer, the secrets and the system are being reached. */
  | { readonly kind: 'starting' }
  | { readonly kind: 'reading' }
  /** Polled, and nothing new: the next poll is due. */
  | { readonly kind: 'waiting'; readonly untilUs: number }
  /** It failed, and is tried again. */
  | { readonly kind: 'retrying'; readonly cause: string; readonly sinceUs: number; readonly untilUs: number }
  /** It failed, and only a person can mend it. */
  | { readonly kind: 'stopped'; readonly cause: string; readonly sinceUs: number }
  | { readonly kind: 'paused'; readonly sinceUs: number };

/** How a source does, for status, metrics and people. */
export interface SourceStatus {
  readonly dataset: string;
  readonly version: number;
  readonly connector: string;
  readonly phase: SourcePhase;
  /** In the system's own words; absent before the first commit. */
  readonly position?: string;
  readonly lag: SourceLag;
  /** Published since the version began. */
  readonly rows: number;
  /** Rows that went to the dead letters instead. */
  readonly refused: number;
  /** Rows a second, over the last commits of this process. */
  readonly rowsPerS: number;
  /** When the last commit, or poll that found nothing, succeeded in this process. */
  readonly successUs?: number;
}
