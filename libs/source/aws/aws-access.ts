import { importPeer } from '../import-peer.js';
import { SourceError } from '../source-error.js';
import type { SourceSettings } from '../source-settings.js';

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** The SDK asks again before that. */
  readonly expiration?: Date;
}

export interface AwsClientOptions {
  readonly region?: string;
  readonly maxAttempts: number;
  readonly requestHandler: { readonly connectionTimeout: number; readonly socketTimeout: number };
}

const CONNECTION_TIMEOUT_MS = 5_000;
/** A service that sends nothing for so long is asked again. */
const SILENCE_TIMEOUT_MS = 30_000;
const ATTEMPTS_MAX = 3;
const SESSION_NAME_LENGTH_MAX = 64;

/** What all of the SDK's clients of one source are made with. */
export function awsClientOptions(region: string | undefined): AwsClientOptions {
  return {
    ...(region === undefined ? {} : { region }),
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, socketTimeout: SILENCE_TIMEOUT_MS },
  };
}

/** The address of a server of one's own, under the name that the connector has for it. */
export function awsEndpoint(settings: SourceSettings, parameter: string): string | undefined {
  const endpoint = settings.parameters.get(parameter);
  if (endpoint === undefined) return undefined;
  if (URL.canParse(String(endpoint)) && /^https?:/.test(String(endpoint))) return String(endpoint);
  throw wrongAwsParameter(settings, `${parameter} '${endpoint}' is no address: write it as https://host:port`);
}

/**
 * By the definition's secrets, else by whatever the SDK finds by itself (undefined); as the role, where one is named. `what` is
 * what is read, and names the role's session.
 */
export async function awsCredentials(
  settings: SourceSettings,
  what: string,
  options: AwsClientOptions,
): Promise<AwsKeys | (() => Promise<AwsKeys>) | undefined> {
  const keys = await keysOf(settings);
  const role = settings.parameters.get('roleArn');
  return role === undefined ? keys : roleKeys({ roleArn: String(role), keys, what, options, settings });
}

export function wrongAwsParameter({ source }: SourceSettings, what: string): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_PARAMETER', `the ${source.connector} source of ${source.dataset}: ${what}`);
}

async function keysOf(settings: SourceSettings): Promise<AwsKeys | undefined> {
  const [accessKeyId, secretAccessKey, sessionToken] = [
    await settings.secret('accessKeyId'),
    await settings.secret('secretAccessKey'),
    await settings.secret('sessionToken'),
  ];
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw wrongAwsParameter(settings, 'accessKeyId and secretAccessKey belong together: name both, or neither');
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

interface Role {
  readonly roleArn: string;
  readonly keys: AwsKeys | undefined;
  readonly what: string;
  readonly options: AwsClientOptions;
  readonly settings: SourceSettings;
}

/** Asked for when they are first needed, and again before they end. */
async function roleKeys({ roleArn, keys, what, options, settings }: Role): Promise<() => Promise<AwsKeys>> {
  const { connector } = settings.source;
  const { STSClient, AssumeRoleCommand } = await importPeer(connector, '@aws-sdk/client-sts@3', () => import('@aws-sdk/client-sts'));
  const sessionName = `thyme-${what}`.slice(0, SESSION_NAME_LENGTH_MAX);
  return async () => {
    const sts = new STSClient({ ...options, ...(keys === undefined ? {} : { credentials: keys }) });
    try {
      const { Credentials: given } = await sts.send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: sessionName }));
      if (given?.AccessKeyId === undefined || given.SecretAccessKey === undefined)
        throw new SourceError('retry', 'THYME_SOURCE_ROLE', `the role ${roleArn} was taken on, and the service gave no keys for it`);
      return {
        accessKeyId: given.AccessKeyId,
        secretAccessKey: given.SecretAccessKey,
        ...(given.SessionToken === undefined ? {} : { sessionToken: given.SessionToken }),
        ...(given.Expiration === undefined ? {} : { expiration: given.Expiration }),
      };
    } finally {
      sts.destroy();
    }
  };
}
