import { expect } from 'chai';
import fc from 'fast-check';
import { jsonOf, post, request } from '../support/http.js';
import { Processes, type ThymeProcess } from '../support/processes.js';
import { countInputs } from './tally.js';

/** Inputs for each route or RPC, half of them structured and half raw; run.ts asks for more. */
export const FUZZ_RUNS = Number(process.env.THYME_FUZZ_RUNS ?? 200);
/** The same inputs at each run, unless another seed is given. */
export const FUZZ_SEED = Number(process.env.THYME_FUZZ_SEED ?? 20_260_101);
export const HALF_RUNS = Math.ceil(FUZZ_RUNS / 2);
/** Inputs that take a compiler or a revision each, 20 ms and more, where others take a fraction of one. */
export const SLOW_RUNS = Math.ceil(FUZZ_RUNS / 20);
/** Requests at a time: a server under load is the likelier one to trip. */
const CONCURRENCY = 8;
/** All there are, so that every RPC is there. */
const ROLES = 'registry,ingest,aggregator,store-replica,query,gateway';
const STACK = /\n\s+at |node_modules|\/(libs|services)\/[\w/-]+\.[tj]s/;

/** A process of the platform with known records, to be fed anything. */
export class FuzzTarget {
  readonly #processes = new Processes();
  #process: ThymeProcess | undefined;
  #good = '';

  get thyme(): ThymeProcess {
    if (this.#process === undefined) throw new Error('not started');
    return this.#process;
  }

  /** With which everything may be called. */
  get internalKey(): string {
    return this.#processes.internalKey();
  }

  get url(): string {
    return this.thyme.restUrl;
  }

  /** Gives the token of the records. */
  async start(): Promise<string> {
    this.#process = await this.#processes.serve(this.#processes.subfolder('data'), ['--partitions', '2', '--roles', ROLES], {
      env: { THYME_LOG_LEVEL: 'error' },
    });
    const { code, stderr } = await this.#processes.run(['commit', 'test/support/shop-features.ts'], { env: { THYME_API_URL: this.url } });
    expect(code, stderr).to.equal(0);
    const events = Array.from({ length: 20 }, (_, i) => ({
      user_id: i % 4,
      item: `item ${i}`,
      price: i,
      quantity: i,
      paid_at: new Date(Date.now() - 60_000 * i).toISOString(),
    }));
    const { token } = jsonOf(await post(`${this.url}/api/v1/log`, { dataset: 'Purchase', events }));
    jsonOf(await request(`${this.url}/features?featureset=Buyer&entity_id=1&after=${String(token)}`));
    this.#good = await this.#knownGood();
    return String(token);
  }

  /** After the storm: the same process, the same answer as before, and nothing that it logged as its own fault. */
  async expectUnharmed(): Promise<void> {
    expect(this.thyme.isRunning, this.thyme.stderr()).to.be.true;
    expect(this.thyme.stderr()).to.equal('');
    expect(await this.#knownGood()).to.equal(this.#good);
  }

  end(): Promise<void> {
    return this.#processes.end();
  }

  /** A past instant that no fuzzed record lies before: they are pushed with times of their own, for other users. */
  async #knownGood(): Promise<string> {
    return JSON.stringify(jsonOf(await request(`${this.url}/features?featureset=Buyer&entity_id=3`)).features);
  }
}

export interface Outcome {
  readonly input: unknown;
  /** HTTP status or gRPC code, as text. */
  readonly status: string;
  readonly text: string;
}

export interface FuzzOptions {
  /** The route or RPC, by which the inputs are counted. */
  readonly target: string;
  readonly kind: 'structured' | 'raw';
  readonly runs?: number;
  readonly concurrency?: number;
}

/**
 * Feeds samples of `inputs` to `send`, several at a time; fails with the first that the server answered by a fault of
 * its own. Gives how often each status came.
 */
export async function fuzz<T>(
  { target, kind, runs = HALF_RUNS, concurrency = CONCURRENCY }: FuzzOptions,
  inputs: fc.Arbitrary<T>,
  send: (input: T) => Promise<Outcome>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const samples = samplesOf(inputs, runs);
  const worker = async (): Promise<void> => {
    for (const sample of samples) {
      const outcome = await send(sample);
      counts.set(outcome.status, (counts.get(outcome.status) ?? 0) + 1);
      expectNoFault(outcome);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  countInputs(target, kind, counts);
  return counts;
}

/** A part at a time, so that ten thousand wide messages are not all held at once; part i of a seed is always the same. */
export function* samplesOf<T>(inputs: fc.Arbitrary<T>, runs: number): Generator<T, void> {
  for (let start = 0; start < runs; start += SAMPLES_PER_PART) {
    yield* fc.sample(inputs, { numRuns: Math.min(SAMPLES_PER_PART, runs - start), seed: FUZZ_SEED + start });
  }
}

const SAMPLES_PER_PART = 250;

function expectNoFault({ input, status, text }: Outcome): void {
  const fault =
    /^(500|501|502|INTERNAL|UNKNOWN|UNIMPLEMENTED|DATA_LOSS)$/.test(status) || text.includes('internal error') || STACK.test(text);
  if (fault) throw new Error(`seed ${FUZZ_SEED}: ${status} ${text.slice(0, 500)}\nfor ${shown(input)}`);
}

function shown(input: unknown): string {
  const text = JSON.stringify(input, (_name, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value instanceof Uint8Array ? `base64:${Buffer.from(value).toString('base64')}` : value,
  );
  return text.slice(0, 4_000);
}
