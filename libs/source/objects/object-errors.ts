import { SourceError } from '../source-error.js';
import type { StoredObject } from './object-store.js';

/** Rows of an object that changes under its reader would be some of the old and some of the new. */
export function objectChanged({ key }: Pick<StoredObject, 'key'>, rows: number): SourceError {
  return new SourceError(
    'stop',
    'THYME_SOURCE_OBJECT_CHANGED',
    `${key} was overwritten or removed after ${rows} of its rows had been read, which are in the dataset: put the object back as it was, or start a new version of the dataset`,
  );
}

/** Nothing of it was read yet, so the next poll may take it as it is then. */
export function objectMoved({ key }: Pick<StoredObject, 'key'>): SourceError {
  return new SourceError('retry', 'THYME_SOURCE_OBJECT_MOVED', `${key} changed while it was opened: it is read by the next poll`);
}
