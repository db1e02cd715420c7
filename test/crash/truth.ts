import { setTimeout as sleep } from 'node:timers/promises';
import { RestClient, RestError } from '../../libs/client/rest-client.js';
import { LASTING_PAYERS } from './entities.js';
import { readJournal } from './journal.js';
import { Lateness } from './lateness.js';
import { readFresh } from './rest.js';

/** What an answer said of itself. */
export interface Sample {
  readonly atMs: number;
  readonly asOfUs: number;
  readonly lagUs: number | undefined;
  readonly payer: string;
  readonly payments: number;
}

const PAUSE_MS = 100;
/** From a push's acknowledgement to the tick that takes it in, on a machine that has other things to do. */
const TICK_US = 3_000_000;

/** Asks a query service again and again how old its answers are. */
export class Sampler {
  readonly samples: Sample[] = [];
  readonly refusals: string[] = [];
  readonly #client: RestClient;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(restUrl: string) {
    this.#client = new RestClient({ apiUrl: restUrl, timeoutMs: 5_000 });
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** From this moment on. */
  since(atMs: number): readonly Sample[] {
    return this.samples.filter((sample) => sample.atMs >= atMs);
  }

  async #run(): Promise<void> {
    for (let i = 0; !this.#stopping.signal.aborted; i++) {
      const payer = LASTING_PAYERS[i % LASTING_PAYERS.length] ?? '';
      try {
        const { asOfUs, lagUs, features } = await readFresh(this.#client, 'PayerSignals', payer);
        this.samples.push({ atMs: Date.now(), asOfUs, lagUs, payer, payments: Number(features['payments']) });
      } catch (error) {
        if (!(error instanceof RestError)) throw error;
        this.refusals.push(error.message);
      }
      await sleep(PAUSE_MS);
    }
  }
}

/**
 * An answer with lag L shows everything that was there L before it: of the payments that had been acknowledged by then,
 * none is missing.
 */
export async function untruths(samples: readonly Sample[], journal: string, partitions: number): Promise<readonly string[]> {
  const acknowledged = await acknowledgedPayments(journal, partitions);
  return samples.flatMap(({ asOfUs, lagUs, payer, payments }) => {
    if (lagUs === undefined) return []; // it says that it cannot tell
    const shown = asOfUs - lagUs - TICK_US;
    const least = (acknowledged.get(payer) ?? []).filter((us) => us <= shown).length;
    return payments >= least
      ? []
      : [`${payer} had ${least} payments ${(lagUs + TICK_US) / 1e6} s before ${asOfUs}, and ${payments} were shown: the lag is no truth`];
  });
}

/** By payer: when each payment that counts was acknowledged, µs. */
async function acknowledgedPayments(journal: string, partitions: number): Promise<ReadonlyMap<string, readonly number[]>> {
  const entries = await readJournal(journal);
  const atUs = new Map(
    entries.flatMap((entry): [number, number][] => (entry.kind === 'acknowledged' ? [[entry.batch, entry.atMs * 1_000]] : [])),
  );
  const lateness = new Lateness('Payment', partitions);
  const byPayer = new Map<string, number[]>();
  for (const entry of entries) {
    if (entry.kind !== 'sent' || entry.dataset !== 'Payment') continue;
    for (const event of entry.events) {
      if (event.isBad === true || lateness.take(event) === 'late') continue;
      const payer = String(event.fields['payer']);
      const times = byPayer.get(payer) ?? [];
      times.push(atUs.get(entry.batch) ?? Number.POSITIVE_INFINITY);
      byPayer.set(payer, times);
    }
  }
  return byPayer;
}
