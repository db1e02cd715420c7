import { notFound } from '../../libs/errors/errors.js';
import type { Sources } from '../../services/ingest/sources/sources.js';

/** The sources of an ingest whose definitions name none. */
export const noSources: Pick<Sources, 'list' | 'test' | 'setPaused' | 'reset'> = {
  list: () => [],
  test: (dataset) => Promise.reject(notFound('dataset with a source', dataset, [])),
  reset: (dataset) => Promise.reject(notFound('dataset with a source', dataset, [])),
  setPaused: (dataset) => Promise.reject(notFound('dataset with a source', dataset, [])),
};
