import type { Clock } from '../../time/clock.js';
import type { Connector } from '../connector.js';
import { lookBackOf, testObjects } from '../objects/object-connector.js';
import { ObjectReader } from '../objects/object-reader.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { openS3 } from './s3-client.js';
import { S3Store } from './s3-store.js';

/** Objects of a bucket of S3, or of a server that speaks its protocol: `s3({ bucket: 'events', prefix: 'orders/' })`. */
export function s3Connector(clock: Pick<Clock, 'nowUs'>): Connector {
  return {
    name: 's3',
    fingerprint: ({ parameters }) =>
      JSON.stringify(['s3', ...['endpoint', 'bucket', 'prefix'].map((name) => parameters.get(name) ?? null)]),
    async test(settings, signal) {
      const store = await openStore(settings);
      try {
        return await testObjects(store, settings.dataset.fields, signal);
      } finally {
        await store.close();
      }
    },
    async open(settings) {
      const lookBack = lookBackOf(settings);
      return new ObjectReader({ store: await openStore(settings), fields: settings.dataset.fields, lookBack, clock });
    },
  };
}

async function openStore(settings: SourceSettings): Promise<S3Store> {
  const bucket = textParameter(settings, 'bucket');
  return new S3Store({ access: await openS3(settings, bucket), bucket, prefix: String(settings.parameters.get('prefix') ?? '') });
}
