import { setTimeout as sleep } from 'node:timers/promises';
import type { RestClient } from '../../libs/client/rest-client.js';
import { RestError } from '../../libs/client/rest-client.js';
import { ERASABLE, PAYERS } from './entities.js';
import { report, type Findings } from './questions.js';

const PAUSE_MS = 40;
const FEATURESET = 'PayerSignals';

/**
 * Reads while everything else goes on. No read may show half a tick: two readers' counts of the same records are
 * one number (S15). None may go back, but of those that are erased: a count without a window only grows, over any restart (R4, C1).
 */
export class Probe {
  reads = 0;
  /** Answers that were no answers: down, starting, cut off. */
  refused = 0;
  readonly #client: RestClient;
  readonly #findings: Findings;
  readonly #highest = new Map<string, number>();
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(client: RestClient, findings: Findings) {
    this.#client = client;
    this.#findings = findings;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        const { body } = await this.#client.post('/features/batch', { featureset: FEATURESET, entity_ids: PAYERS });
        this.#check(body as { readonly features: readonly string[]; readonly values: readonly (readonly unknown[])[] });
        this.reads++;
      } catch (error) {
        this.#refuse(error);
      }
      await sleep(PAUSE_MS);
    }
  }

  #check({ features, values }: { readonly features: readonly string[]; readonly values: readonly (readonly unknown[])[] }): void {
    const [id, payments, check] = ['entity_id', 'payments', 'check'].map((name) => features.indexOf(name));
    for (const row of values) {
      const [payer, count] = [String(row[id ?? 0]), Number(row[payments ?? 0])];
      if (count !== row[check ?? 0])
        report(this.#findings, `${payer}: half a tick was read, ${count} and ${String(row[check ?? 0])} payments (S15)`);
      const before = this.#highest.get(payer) ?? 0;
      if (count < before && !ERASABLE.Payment.includes(payer))
        report(this.#findings, `${payer}: a read went back from ${before} payments to ${count}`);
      this.#highest.set(payer, Math.max(before, count));
    }
  }

  /** 503 and the like are the truth of a process that is down; INTERNAL never is. */
  #refuse(error: unknown): void {
    if (!(error instanceof RestError)) throw error;
    this.refused++;
    if (error.status === 500 || (error.status >= 400 && error.status < 500 && error.status !== 409))
      report(this.#findings, `a read was answered ${error.status}: ${error.message.slice(0, 300)}`);
  }
}
