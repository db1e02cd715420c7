import { RestError, type RestClient } from '../../libs/client/rest-client.js';
import { Lateness } from './lateness.js';
import { until } from './rest.js';

/** Above a session's end, a group's new generation, and a replay, on a machine that does other things. */
const DEADLINE_MS = 90_000;

/** Whether every partition does its work again: a push to each is acknowledged, and its read shows it (S13, S21). */
export class FleetRecovery {
  readonly #client: RestClient;
  readonly #partitions: number;
  readonly #lateness: Lateness;
  #probes = 0;

  constructor(client: RestClient, partitions: number) {
    this.#client = client;
    this.#partitions = partitions;
    this.#lateness = new Lateness('Note', partitions);
  }

  /** Resolves to when that was, ms of the wall clock. */
  async untilServing(): Promise<number> {
    const left = new Set(Array.from({ length: this.#partitions }, (_, partition) => partition));
    await until('the fleet', DEADLINE_MS, async () => {
      let refusal: RestError | undefined;
      // A partition that waits for an owner must not keep the others from being seen.
      for (const partition of [...left]) {
        const isServed = await this.#isServed(partition).catch((error: unknown) => {
          if (!(error instanceof RestError)) throw error;
          refusal = error;
          return false;
        });
        if (isServed) left.delete(partition);
      }
      if (refusal !== undefined) throw refusal;
      return left.size === 0 ? true : undefined;
    });
    return Date.now();
  }

  async #isServed(partition: number): Promise<boolean> {
    const batch = this.#keyIn(partition);
    const event = { batch, line: 0, at: new Date().toISOString() };
    const { token } = (await this.#client.post('/api/v1/log', { dataset: 'Note', events: [event] })).body as { readonly token: string };
    const { features } = (await this.#client.get('/features', { featureset: 'NoteSignals', entity_id: batch, after: token })).body as {
      readonly features: { readonly lines: number };
    };
    return features.lines === 1;
  }

  /** Never the same twice: a push without an answer may have been taken. */
  #keyIn(partition: number): string {
    for (;;) {
      const batch = `probe_${this.#probes++}`;
      if (this.#lateness.partition({ fields: { batch } }) === partition) return batch;
    }
  }
}
