import { createRequire } from 'node:module';
import type { KinesisClient, KinesisClientConfig } from '@aws-sdk/client-kinesis';
import { awsClientOptions, awsCredentials } from '../aws/aws-access.js';
import { importPeer } from '../import-peer.js';
import type { SourceSettings } from '../source-settings.js';
import type { StreamSettings } from './kinesis-settings.js';

/** The SDK's module and a client of it, which whoever opened it destroys. */
export interface KinesisAccess {
  readonly sdk: typeof import('@aws-sdk/client-kinesis');
  readonly client: KinesisClient;
  /** What the service's clock said with its last answer, whole seconds; undefined before it, or where it says nothing. */
  serverMs(): number | undefined;
}

/** What is used of the SDK's own dependency. */
interface HttpHandlers {
  readonly NodeHttpHandler: new (options: object) => NonNullable<KinesisClientConfig['requestHandler']>;
}

/** By the definition's secrets, else by whatever the SDK finds by itself; as the role, where one is named. */
export async function openKinesis(settings: SourceSettings, stream: StreamSettings): Promise<KinesisAccess> {
  const sdk = await importPeer('kinesis', '@aws-sdk/client-kinesis@3', () => import('@aws-sdk/client-kinesis'));
  const options = awsClientOptions(stream.region);
  const credentials = await awsCredentials(settings, stream.name, options);
  const client = new sdk.KinesisClient({
    ...options,
    maxAttempts: 1, // a shard that is throttled waits by itself, and spends no other's attempts (ShardPump)
    // The SDK would speak HTTP/2, which only Amazon does, and which is needed for pushed records alone.
    requestHandler: new (httpHandlers().NodeHttpHandler)(options.requestHandler),
    ...(stream.endpoint === undefined ? {} : { endpoint: stream.endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  });
  let serverMs: number | undefined;
  client.middlewareStack.add(
    (next) => async (request) => {
      const answer = await next(request);
      const { headers } = answer.response as { readonly headers?: Readonly<Record<string, string>> }; // an HTTP response of the SDK's
      const saidMs = Date.parse(headers?.['date'] ?? '');
      if (Number.isFinite(saidMs)) serverMs = saidMs;
      return answer;
    },
    { step: 'deserialize', name: 'thymeServerClock' },
  );
  return { sdk, client, serverMs: () => serverMs };
}

/** From where the SDK finds it, which need not be where this file would. */
function httpHandlers(): HttpHandlers {
  const sdk = createRequire(import.meta.url).resolve('@aws-sdk/client-kinesis');
  return createRequire(sdk)('@smithy/node-http-handler') as HttpHandlers; // its public export
}
