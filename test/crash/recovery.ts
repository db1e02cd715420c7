import type { RestClient } from '../../libs/client/rest-client.js';
import { until } from './rest.js';

const DEADLINE_MS = 60_000;

/** Whether the deployment does its work again: a push is acknowledged, and its read shows it (S13, S21). */
export class Recovery {
  readonly #client: RestClient;
  #probes = 0;

  constructor(client: RestClient) {
    this.#client = client;
  }

  /** Resolves to when that was, ms of the wall clock. */
  async untilServing(): Promise<number> {
    return until('the deployment', DEADLINE_MS, async () => {
      const batch = `probe_${this.#probes++}`;
      const event = { batch, line: 0, at: new Date().toISOString() };
      const { token } = (await this.#client.post('/api/v1/log', { dataset: 'Note', events: [event] })).body as { readonly token: string };
      const { features } = (await this.#client.get('/features', { featureset: 'NoteSignals', entity_id: batch, after: token })).body as {
        readonly features: { readonly lines: number };
      };
      return features.lines === 1 ? Date.now() : undefined;
    });
  }
}
