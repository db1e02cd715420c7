import { setTimeout as sleep } from 'node:timers/promises';
import { RestError, type RestClient } from '../../libs/client/rest-client.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { LASTING_PAYERS } from '../../test/crash/entities.js';
import { report, type Findings } from '../../test/crash/questions.js';
import type { Random } from '../../test/crash/random.js';
import { readFresh } from '../../test/crash/rest.js';

const FEATURESET = 'PayerSignals';
const PAUSE_MS = 25;
/** One of so many reads is asked again later. */
const PARITY_EVERY = 20;
/** So long after it was answered: what was on its way has arrived by then. */
const PARITY_AFTER_MS = 10_000;
/** From a push's acknowledgement to the tick that takes it in, on a busy machine. */
const TICK_US = 3_000_000;

interface Sample {
  readonly payer: string;
  readonly asOfUs: number;
  readonly lagUs: number;
  readonly payments: number;
  readonly dueMs: number;
}

/**
 * Reads of one entity at a time: how long they take, how old they are, and, some time later, whether the same
 * question about the past still has that answer (S4, S22): no more than was known at the read's instant, and
 * no less than was known before what had not been applied yet.
 */
export class SoakReads {
  reads = 0;
  refused = 0;
  pairs = 0;
  readonly #client: RestClient;
  readonly #findings: Findings;
  readonly #random: Random;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  readonly #samples: Sample[] = [];
  #latenciesMs: number[] = [];
  #lagsMs: number[] = [];

  constructor(client: RestClient, findings: Findings, random: Random) {
    this.#client = client;
    this.#findings = findings;
    this.#random = random;
    this.#running = this.#run();
  }

  /** What was measured since the last call. */
  take(): { readonly latenciesMs: readonly number[]; readonly lagsMs: readonly number[] } {
    const taken = { latenciesMs: this.#latenciesMs, lagsMs: this.#lagsMs };
    this.#latenciesMs = [];
    this.#lagsMs = [];
    return taken;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#read();
        const [oldest] = this.#samples;
        if (oldest !== undefined && oldest.dueMs <= Date.now()) await this.#askAgain(oldest);
      } catch (error) {
        if (!(error instanceof RestError)) throw error;
        this.refused++;
        if (error.status === 500) report(this.#findings, `a read was answered 500: ${error.message.slice(0, 300)}`);
      }
      await sleep(PAUSE_MS);
    }
  }

  async #read(): Promise<void> {
    const payer = this.#random.pick(LASTING_PAYERS);
    const startMs = performance.now();
    const { asOfUs, lagUs, features } = await readFresh(this.#client, FEATURESET, payer);
    this.#latenciesMs.push(performance.now() - startMs);
    if (lagUs !== undefined) this.#lagsMs.push(lagUs / 1_000);
    const payments = Number(features['payments']);
    if (payments !== features['check'])
      report(this.#findings, `${payer}: half a tick was read, ${payments} and ${String(features['check'])} payments (S15)`);
    if (++this.reads % PARITY_EVERY === 0 && lagUs !== undefined)
      this.#samples.push({ payer, asOfUs, lagUs, payments, dueMs: Date.now() + PARITY_AFTER_MS });
  }

  async #askAgain({ payer, asOfUs, lagUs, payments }: Sample): Promise<void> {
    const [least, most] = [await this.#known(payer, asOfUs, asOfUs - lagUs - TICK_US), await this.#known(payer, asOfUs, asOfUs)];
    this.#samples.shift();
    this.pairs++;
    if (payments < least || payments > most)
      report(
        this.#findings,
        `${payer} had ${payments} payments at ${asOfUs}, and asked again ${least} to ${most} by what was known then (S4, S22)`,
      );
  }

  async #known(payer: string, atUs: number, knownAtUs: number): Promise<number> {
    const { body } = await this.#client.get('/features', {
      featureset: FEATURESET,
      entity_id: payer,
      timestamp: formatTimestamp(atUs),
      known_at: formatTimestamp(knownAtUs),
    });
    return Number((body as { readonly features: { readonly payments: unknown } }).features.payments);
  }
}
