import { setTimeout as sleep } from 'node:timers/promises';
import { RestClient, RestError } from '../../libs/client/rest-client.js';
import { formatTimestamp, parseTimestamp } from '../../libs/time/timestamp.js';
import type { Ask } from './questions.js';
import type { Features } from './recount.js';
import { TEST_FOLDER_KEY } from '../support/test-keys.js';

const TIMEOUT_MS = 20_000;
const POLL_MS = 50;

export function restClient(restUrl: string): RestClient {
  return new RestClient({ apiUrl: restUrl, apiKey: TEST_FOLDER_KEY, timeoutMs: TIMEOUT_MS });
}

/** Through the whole read path: gateway, query service, its replica. */
export function askRest(client: RestClient): Ask {
  return async (featureset, questions) => {
    const queries = questions.map(({ entity, atUs }) => ({ entity_id: entity, timestamp: formatTimestamp(atUs) }));
    const { body } = await client.post('/features/offline', { featureset, queries });
    return (body as { readonly results: readonly { readonly features: Features }[] }).results.map(({ features }) => features);
  };
}

/** The same by POST /features/batch, which asks many entities at one instant. */
export function askRestBatch(client: RestClient): Ask {
  return async (featureset, questions) => {
    const [first] = questions;
    if (first === undefined) return [];
    const { body } = await client.post('/features/batch', {
      featureset,
      entity_ids: questions.map(({ entity }) => entity),
      timestamp: formatTimestamp(first.atUs),
    });
    const { features, values } = body as { readonly features: readonly string[]; readonly values: readonly (readonly unknown[])[] };
    return values.map((row) => Object.fromEntries(features.map((name, i) => [name, row[i]])));
  };
}

export interface Freshness {
  readonly asOfUs: number;
  /** Undefined where the replica says that it is cut off. */
  readonly lagUs: number | undefined;
  readonly features: Features;
}

export async function readFresh(client: RestClient, featureset: string, entity: string): Promise<Freshness> {
  const { body } = await client.get('/features', { featureset, entity_id: entity });
  const { as_of, freshness, features } = body as {
    readonly as_of: string;
    readonly freshness: { readonly lag_us: number | null };
    readonly features: Features;
  };
  return { asOfUs: parseTimestamp(as_of), lagUs: freshness.lag_us ?? undefined, features };
}

/** Until `attempt` gives something; what it throws as RestError counts as not yet. */
export async function until<T>(what: string, deadlineMs: number, attempt: () => Promise<T | undefined>): Promise<T> {
  const endMs = Date.now() + deadlineMs;
  let last: unknown;
  while (Date.now() < endMs) {
    try {
      const result = await attempt();
      if (result !== undefined) return result;
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      last = error.message;
    }
    await sleep(POLL_MS);
  }
  throw new Error(`${what}: not within ${deadlineMs} ms${last === undefined ? '' : `; last: ${String(last)}`}`);
}
