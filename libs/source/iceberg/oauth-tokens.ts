import { SourceError } from '../source-error.js';
import type { SourceSettings } from '../source-settings.js';

/** A token is asked for anew when so little of its time is left. */
const MARGIN_MS = 60_000;
/** What a token is taken for that says nothing of its end. */
const LIFE_S_DEFAULT = 3_600;
const ANSWER_TIMEOUT_MS = 30_000;

/**
 * Gives the bearer token of the next request: `token` as it is, or one had by OAuth2's client credentials (`credential`, written
 * `id:secret`) from `oauthUrl`, which is the catalog's own unless said. Undefined where the catalog asks for none.
 */
export async function bearerTokens(address: string, settings: SourceSettings): Promise<(() => Promise<string>) | undefined> {
  const token = await settings.secret('token');
  if (token !== undefined) return () => Promise.resolve(token);
  const credential = await settings.secret('credential');
  if (credential === undefined) return undefined;
  const url = String(settings.parameters.get('oauthUrl') ?? `${address.replace(/\/+$/, '')}/v1/oauth/tokens`);
  let held: Promise<HeldToken> | undefined;
  return async () => {
    const before = await held?.catch(() => undefined); // one that failed is asked for anew
    if (before !== undefined && before.endsMs - MARGIN_MS > performance.now()) return before.token;
    held = askToken(url, credential, String(settings.parameters.get('scope') ?? 'catalog'));
    return (await held).token;
  };
}

interface HeldToken {
  readonly token: string;
  /** By the clock of this process. */
  readonly endsMs: number;
}

async function askToken(url: string, credential: string, scope: string): Promise<HeldToken> {
  const at = credential.indexOf(':');
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(at < 0 ? {} : { client_id: credential.slice(0, at) }),
    client_secret: credential.slice(at + 1),
    scope,
  });
  const response = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).catch((cause: unknown) => {
    throw new SourceError('retry', 'THYME_SOURCE_ICEBERG_CATALOG', `${url} does not answer`, { cause });
  });
  const answer = (await response.json().catch(() => ({}))) as {
    readonly access_token?: unknown;
    readonly expires_in?: unknown;
    readonly error?: unknown;
  }; // of any shape: each member is looked at
  if (!response.ok || typeof answer.access_token !== 'string')
    throw new SourceError(
      response.status >= 500 ? 'retry' : 'stop',
      'THYME_SOURCE_ICEBERG_CATALOG',
      `${url} gives no token for 'credential' (it answers ${response.status}${typeof answer.error === 'string' ? `, ${answer.error}` : ''})`,
    );
  const lifeS = typeof answer.expires_in === 'number' ? answer.expires_in : LIFE_S_DEFAULT;
  return { token: answer.access_token, endsMs: performance.now() + lifeS * 1_000 };
}
