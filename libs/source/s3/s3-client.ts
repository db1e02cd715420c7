import type { S3Client } from '@aws-sdk/client-s3';
import { awsClientOptions, awsCredentials, awsEndpoint, wrongAwsParameter } from '../aws/aws-access.js';
import { importPeer } from '../import-peer.js';
import type { SourceSettings } from '../source-settings.js';

/** Services that are told by an endpoint mostly look at no region. */
const REGION_BESIDE_ENDPOINT = 'us-east-1';

/** The SDK's module and a client of it, which whoever opened it destroys. */
export interface S3Access {
  readonly sdk: typeof import('@aws-sdk/client-s3');
  readonly client: S3Client;
}

/** By the definition's secrets, else by whatever the SDK finds; as the role, if one is named, in a session called after `what`. */
export async function openS3(settings: SourceSettings, what: string): Promise<S3Access> {
  const sdk = await importPeer('s3', '@aws-sdk/client-s3@3', () => import('@aws-sdk/client-s3'));
  const endpoint = awsEndpoint(settings, 'endpoint');
  const region = settings.parameters.get('region') ?? (endpoint === undefined ? undefined : REGION_BESIDE_ENDPOINT);
  const options = awsClientOptions(region?.toString());
  const credentials = await awsCredentials(settings, what, options);
  const client = new sdk.S3Client({
    ...options,
    ...(endpoint === undefined ? { followRegionRedirects: true } : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: pathStyleOf(settings, endpoint),
    // Of a part that was uploaded by itself the service has no checksum of the whole; the ETag is asked for instead.
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return { sdk, client };
}

/** A server of one's own seldom has a name for each bucket. */
function pathStyleOf(settings: SourceSettings, endpoint: string | undefined): boolean {
  const given = String(settings.parameters.get('pathStyle') ?? endpoint !== undefined);
  if (given === 'true' || given === 'false') return given === 'true';
  throw wrongAwsParameter(settings, `pathStyle is '${given}': write true or false`);
}
