import type { Clock } from '../../time/clock.js';
import type { Connector } from '../connector.js';
import { lookBackOf, testObjects } from '../objects/object-connector.js';
import { ObjectReader } from '../objects/object-reader.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { FolderStore } from './folder-store.js';

/** Files of a folder of the ingest process's machine: `files({ path: 'data/*.jsonl' })`. A file is put there whole, and once. */
export function filesConnector(clock: Pick<Clock, 'nowUs'>): Connector {
  const storeOf = (settings: SourceSettings): FolderStore => new FolderStore(textParameter(settings, 'path'), clock);
  return {
    name: 'files',
    fingerprint: (settings) => JSON.stringify(['files', textParameter(settings, 'path')]),
    test: (settings, signal) => testObjects(storeOf(settings), settings.dataset.fields, signal),
    open: async (settings) =>
      new ObjectReader({ store: storeOf(settings), fields: settings.dataset.fields, lookBack: lookBackOf(settings), clock }),
  };
}
