import { SourceError } from '../source-error.js';

/** What only a person can mend, by the end of its code. */
const MAKERS = {
  TABLE: (message: string, options: ErrorOptions) => new SourceError('stop', 'THYME_SOURCE_ICEBERG_TABLE', message, options),
  EXPIRED: (message: string, options: ErrorOptions) => new SourceError('stop', 'THYME_SOURCE_ICEBERG_EXPIRED', message, options),
  ROLLED_BACK: (message: string, options: ErrorOptions) => new SourceError('stop', 'THYME_SOURCE_ICEBERG_ROLLED_BACK', message, options),
  DELETES: (message: string, options: ErrorOptions) => new SourceError('stop', 'THYME_SOURCE_ICEBERG_DELETES', message, options),
  UNSUPPORTED: (message: string, options: ErrorOptions) => new SourceError('stop', 'THYME_SOURCE_ICEBERG_UNSUPPORTED', message, options),
  LIMIT: (message: string, options: ErrorOptions) => new SourceError('stop', 'THYME_SOURCE_ICEBERG_LIMIT', message, options),
  CATALOG: (message: string, options: ErrorOptions) => new SourceError('stop', 'THYME_SOURCE_ICEBERG_CATALOG', message, options),
};

export function icebergError(kind: keyof typeof MAKERS, message: string, cause?: unknown): SourceError {
  return MAKERS[kind](message, cause === undefined ? {} : { cause });
}
