// The load: a process of its own, so that what it has written down outlives every kill. Numbered batches of four
// datasets, each dataset's one after another, retried until they are answered; some sent again on purpose.
//
//   argv[2] = GeneratorOptions as JSON; ends when its standard input does, once everything is answered.
import { setTimeout as sleep } from 'node:timers/promises';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { EventMaker } from './events.js';
import type { GeneratorOptions } from './generator-options.js';
import { Journal, type DatasetName, type SentBatch, type SentEvent } from './journal.js';
import { Lateness } from './lateness.js';
import { Random } from './random.js';

const BATCH_EVENTS_MAX = 24;
const BATCH_EVENTS_MEAN = (1 + BATCH_EVENTS_MAX) / 2;
const REQUEST_TIMEOUT_MS = 5_000;
const RETRY_MS = 40;
const NOTE_LINES = 3;
const TIME_FIELD: Readonly<Record<DatasetName, string>> = { Order: 'ordered_at', Payment: 'paid_at', Step: 'at', Note: 'at' };

interface Answer {
  readonly status: number;
  readonly body: { readonly token?: string; readonly error?: unknown; readonly errors?: readonly { readonly index: number }[]; readonly features?: Readonly<Record<string, unknown>> };
}

class Generator {
  readonly #options: GeneratorOptions;
  readonly #journal: Journal;
  readonly #random: Random;
  readonly #stop: AbortSignal;
  #batches = 0;
  #repeats = 0;
  #retries = 0;

  constructor(options: GeneratorOptions, stop: AbortSignal) {
    this.#options = options;
    this.#journal = new Journal(options.journal);
    this.#random = new Random(options.seed);
    this.#stop = stop;
  }

  async run(): Promise<void> {
    await Promise.all([this.#produce('Order', 1), this.#produce('Payment', 2), this.#produce('Step', 3), this.#note()]);
    this.#journal.write({ kind: 'ended', repeats: this.#repeats, retries: this.#retries });
    this.#journal.close();
  }

  async #produce(dataset: DatasetName, salt: number): Promise<void> {
    const random = new Random(this.#options.seed * 7 + salt);
    const lateness = new Lateness(dataset, this.#options.partitions);
    const maker = new EventMaker(dataset, random, lateness);
    const payments = new PaymentCounts(this.#options.partitions);
    let sequence = 0;
    let before: SentBatch | undefined;
    while (!this.#stop.aborted) {
      const nowUs = Date.now() * 1_000;
      const events = Array.from({ length: random.integer(1, BATCH_EVENTS_MAX) }, () => maker.next(nowUs));
      const batch: SentBatch = { kind: 'sent', batch: this.#batches++, dataset, sequence, events };
      sequence += events.length + (random.next() < 0.05 ? random.integer(1, 50) : 0); // gaps are fine (S13)
      this.#journal.write(batch);
      const { body } = await this.#untilAnswered(batch, random);
      payments.add(batch);
      if (dataset === 'Payment' && random.next() < 0.1) await this.#readOwnWrites(payments, batch, body.token);
      if (before !== undefined && random.next() < 0.08) await this.#sendAgain(before, random);
      before = batch;
      await this.#pause(random);
    }
  }

  /** Until the answer is one that says what became of it: anything else may have been before or after the append. */
  async #untilAnswered(batch: SentBatch, random: Random): Promise<Answer> {
    for (let attempts = 1; ; attempts++) {
      const answer = await this.#push(batch, REQUEST_TIMEOUT_MS);
      if (this.#isVerdict(batch, answer)) {
        this.#journal.write({ kind: 'acknowledged', batch: batch.batch, attempts, atMs: Date.now() });
        return answer;
      }
      this.#retries++;
      await sleep(RETRY_MS + random.integer(0, RETRY_MS));
    }
  }

  /** 200, or 422 that refuses exactly the bad ones (S12). */
  #isVerdict({ events, batch, dataset }: SentBatch, { status, body }: Answer): boolean {
    if (isUnsure(status)) return false;
    const bad = events.flatMap(({ isBad }, index) => (isBad === true ? [index] : []));
    const refused = (body.errors ?? []).map(({ index }) => index);
    if (status === (bad.length === 0 ? 200 : 422) && JSON.stringify(bad) === JSON.stringify(refused)) return true;
    this.#wrong(`batch ${batch} of ${dataset} was answered ${status} ${JSON.stringify(body).slice(0, 300)}`);
    return status === 200 || status === 422;
  }

  /** A retry though it was answered, of all of it or of a part, which has the part's sequences. */
  async #sendAgain(batch: SentBatch, random: Random): Promise<void> {
    const start = random.next() < 0.5 ? 0 : random.integer(0, batch.events.length - 1);
    const part = { ...batch, sequence: (batch.sequence ?? 0) + start, events: batch.events.slice(start) };
    const { status } = await this.#push(part, REQUEST_TIMEOUT_MS);
    if (!isUnsure(status)) this.#repeats++;
  }

  /**
   * S21: exactly what has been acknowledged, and with its own time included. Of somebody of whom the batch has a record: a token
   * says nothing of partitions that took nothing of it, and nothing at all where everything was refused.
   */
  async #readOwnWrites(payments: PaymentCounts, { events }: SentBatch, token: string | undefined): Promise<void> {
    const event = events.find(({ isBad }) => isBad !== true);
    if (event === undefined || token === undefined) return;
    const payer = String(event.fields['payer']);
    const parameters = new URLSearchParams({ featureset: 'PayerSignals', entity_id: payer, after: token });
    const { status, body } = await this.#fetch(`/features?${parameters.toString()}`, {}, REQUEST_TIMEOUT_MS);
    if (isUnsure(status) || isBuilding(body)) return;
    const found = body.features?.['payments'];
    if (found !== payments.of(payer)) this.#wrong(`after its token ${payer} has ${String(found)} payments, and ${payments.of(payer)} were acknowledged (S21): ${status}`);
  }

  /** Notes have no producer: each is sent once. */
  async #note(): Promise<void> {
    const random = new Random(this.#options.seed * 7 + 4);
    const maker = new EventMaker('Note', random, new Lateness('Note', this.#options.partitions));
    while (!this.#stop.aborted) {
      const first = maker.next(Date.now() * 1_000);
      const events = Array.from({ length: NOTE_LINES }, (_, line): SentEvent => ({ ...first, fields: { ...first.fields, line } }));
      const batch: SentBatch = { kind: 'sent', batch: this.#batches++, dataset: 'Note', events };
      this.#journal.write(batch);
      const { status, body } = await this.#push(batch, REQUEST_TIMEOUT_MS);
      if (status === 200) this.#journal.write({ kind: 'acknowledged', batch: batch.batch, attempts: 1, atMs: Date.now() });
      else this.#journal.write({ kind: 'unanswered', batch: batch.batch });
      if (status !== 200 && !isUnsure(status)) this.#wrong(`a note was answered ${status} ${JSON.stringify(body).slice(0, 300)}`);
      await this.#pause(random);
    }
  }

  #push({ dataset, sequence, events }: SentBatch, timeoutMs: number): Promise<Answer> {
    const body = {
      dataset,
      ...(sequence === undefined ? {} : { producer_id: `crash-${dataset}`, sequence }),
      events: events.map(({ fields, atUs }) => ({ ...fields, [TIME_FIELD[dataset]]: formatTimestamp(atUs) })),
    };
    return this.#fetch('/api/v1/log', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }, timeoutMs);
  }

  /** Status 0 where no answer came: the connection was refused, broke, or was silent for too long. */
  async #fetch(path: string, init: RequestInit, timeoutMs: number): Promise<Answer> {
    try {
      const response = await fetch(this.#options.restUrl + path, { ...init, signal: AbortSignal.timeout(timeoutMs) });
      return { status: response.status, body: (await response.json()) as Answer['body'] };
    } catch {
      return { status: 0, body: {} };
    }
  }

  #wrong(what: string): void {
    this.#journal.write({ kind: 'wrong', what });
  }

  async #pause(random: Random): Promise<void> {
    await sleep((1_000 * BATCH_EVENTS_MEAN * 2 * random.next()) / this.#options.rate);
  }
}

/** What each payer must show once everything so far has been applied. */
class PaymentCounts {
  readonly #lateness: Lateness;
  readonly #counts = new Map<string, number>();

  constructor(partitions: number) {
    this.#lateness = new Lateness('Payment', partitions);
  }

  add({ dataset, events }: SentBatch): void {
    if (dataset !== 'Payment') return;
    for (const event of events) {
      if (event.isBad === true || this.#lateness.take(event) === 'late') continue;
      const payer = String(event.fields['payer']);
      this.#counts.set(payer, this.of(payer) + 1);
    }
  }

  of(payer: string): number {
    return this.#counts.get(payer) ?? 0;
  }
}

/** Nobody can tell what became of it: the process is down, starting, stopping, or too busy. */
function isUnsure(status: number): boolean {
  return status === 0 || status === 429 || status === 502 || status === 503 || status === 504;
}

/** S18: right after the first commit. */
function isBuilding({ error }: Answer['body']): boolean {
  return typeof error === 'string' && /built from history|no definitions/.test(error);
}

const options = JSON.parse(process.argv[2] ?? '{}') as GeneratorOptions; // given by cluster.ts
const stopping = new AbortController();
process.stdin.on('end', () => stopping.abort()).resume();
await new Generator(options, stopping.signal).run();
process.exit(0); // an open connection of fetch must not keep it
