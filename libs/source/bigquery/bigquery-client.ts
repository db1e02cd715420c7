import type { BigQuery, BigQueryOptions } from '@google-cloud/bigquery';
import { importPeer } from '../import-peer.js';
import { SourceError } from '../source-error.js';
import type { SourceSettings } from '../source-settings.js';
import { bigqueryError } from './bigquery-error.js';

/** The library asks again by itself after a failure of the line; more is the runner's. */
const RETRIES_MAX = 2;
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** As the service account of `credentialsJson`, else as whoever the machine says (Application Default Credentials). */
export async function openBigQuery(settings: SourceSettings): Promise<BigQuery> {
  const { BigQuery: Client } = await importPeer('bigquery', '@google-cloud/bigquery@9', () => import('@google-cloud/bigquery'));
  const { parameters } = settings;
  const endpoint = endpointOf(settings);
  const key = await settings.secret('credentialsJson');
  const credentials = key === undefined ? undefined : parseKey(key, settings);
  if (credentials !== undefined && endpoint?.protocol === 'http:' && !LOOPBACK.includes(endpoint.hostname))
    throw wrong(settings, 'endpointUrl is http, where credentials would be read by others: write https');
  const projectId = parameters.get('projectId') ?? credentials?.project_id;
  const location = parameters.get('location');
  const options: BigQueryOptions = {
    ...(projectId === undefined ? {} : { projectId: String(projectId) }),
    ...(location === undefined ? {} : { location: String(location) }),
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint.origin }),
    retryOptions: { autoRetry: true, maxRetries: RETRIES_MAX },
    userAgent: 'thyme',
  };
  const client = new Client(options);
  if (credentials !== undefined) client.authClient.jsonContent = credentials;
  // A server of one's own is asked without credentials: whatever the machine has is not for it.
  if (credentials === undefined && endpoint?.protocol === 'http:')
    client.authClient.authorizeRequest = (request) => Promise.resolve({ ...request, headers: new Headers() });
  if (projectId === undefined) await client.getProjectId().catch((error: unknown) => Promise.reject(noProject(settings, error)));
  return client;
}

function endpointOf(settings: SourceSettings): URL | undefined {
  const endpoint = settings.parameters.get('endpointUrl');
  if (endpoint === undefined) return undefined;
  if (URL.canParse(String(endpoint)) && /^https?:/.test(String(endpoint))) return new URL(String(endpoint));
  throw wrong(settings, `endpointUrl '${String(endpoint)}' is no address: write it as https://host:port`);
}

/** Of a service account alone: other kinds of credentials name programs to run and addresses to ask. */
interface AccountKey {
  readonly type: 'service_account';
  readonly client_email: string;
  readonly private_key: string;
  readonly project_id?: string;
}

/** Nothing of the text is repeated: it is the key. */
function parseKey(text: string, settings: SourceSettings): AccountKey {
  let key: Partial<AccountKey> | undefined;
  try {
    key = JSON.parse(text) as Partial<AccountKey>; // checked below
  } catch {
    key = undefined;
  }
  const { type, client_email, private_key, project_id } = key ?? {};
  if (type === 'service_account' && typeof client_email === 'string' && typeof private_key === 'string')
    return { type, client_email, private_key, ...(project_id === undefined ? {} : { project_id }) };
  throw wrong(
    settings,
    "credentialsJson holds no key of a service account: give the file's whole text, with type, client_email and private_key",
  );
}

function noProject({ source }: SourceSettings, error: unknown): SourceError {
  const failed = bigqueryError('looking for the project failed', error);
  if (/credentials are found/.test(failed.message)) return failed;
  return new SourceError(
    'stop',
    'THYME_SOURCE_PARAMETER',
    `the bigquery source of ${source.dataset} lacks 'projectId', in which its queries run: name it, or set THYME_BIGQUERY_PROJECT_ID`,
    { cause: error },
  );
}

function wrong({ source }: SourceSettings, words: string): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_PARAMETER', `the bigquery source of ${source.dataset}: ${words}`);
}
