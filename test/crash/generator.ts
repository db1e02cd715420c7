// The load: a process of its own, so that what it has written down outlives every kill. Numbered batches of six
// datasets, each dataset's one after another, retried until they are answered; some sent again on purpose. Between two
// of them an entity is erased now and then (S26). Files and a table beside them, which sources read (feed-writers.ts).
//
//   argv[2] = GeneratorOptions as JSON; ends when its standard input does, once everything is answered.
import { setTimeout as sleep } from 'node:timers/promises';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { ERASABLE } from './entities.js';
import { EventMaker } from './events.js';
import { openFeedWriter } from './feed-writers.js';
import { FED_DATASETS, type FedDataset } from './feeds.js';
import type { GeneratorOptions } from './generator-options.js';
import { Journal, type DatasetName, type SentBatch, type SentEvent } from './journal.js';
import { Lateness } from './lateness.js';
import { Random } from './random.js';
import { TEST_FOLDER_KEY } from '../support/test-keys.js';
import { TicketMaker } from './ticket-maker.js';

const BATCH_EVENTS_MAX = 24;
const BATCH_EVENTS_MEAN = (1 + BATCH_EVENTS_MAX) / 2;
const REQUEST_TIMEOUT_MS = 5_000;
/** Long: nobody can tell when an erasure takes effect whose answer was not waited for. A process that dies answers at once. */
const ERASE_TIMEOUT_MS = 60_000;
/** Of all batches, those after which an entity is erased. */
const ERASING_SHARE = 0.12;
const RETRY_MS = 40;
const NOTE_LINES = 3;
const TIME_FIELD: Readonly<Record<DatasetName, string>> = {
  Order: 'ordered_at',
  Payment: 'paid_at',
  Step: 'at',
  Note: 'at',
  Ticket: 'opened_at',
  Meter: 'at',
  Parcel: 'at',
  Invoice: 'at',
};
/** Shares of the rate, for those that are many to a row or an entity. */
const FED_SHARE = 0.3;
const SHARES: Partial<Readonly<Record<DatasetName, number>>> = { Ticket: 0.6, Meter: 0.3 };
type Pushed = Exclude<DatasetName, 'Note' | FedDataset>;
const SALTS: readonly (readonly [Pushed, number])[] = [
  ['Order', 1],
  ['Payment', 2],
  ['Step', 3],
  ['Ticket', 5],
  ['Meter', 6],
];

interface Answer {
  readonly status: number;
  readonly body: {
    readonly token?: string;
    readonly entities_erased?: number;
    readonly error?: unknown;
    readonly errors?: readonly { readonly index: number }[];
    readonly features?: Readonly<Record<string, unknown>>;
  };
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
    await Promise.all([
      ...SALTS.map(([dataset, salt]) => this.#produce(dataset, salt)),
      ...FED_DATASETS.map((dataset, i) => this.#feed(dataset, 7 + i)),
      this.#note(),
    ]);
    this.#journal.write({ kind: 'ended', repeats: this.#repeats, retries: this.#retries });
    this.#journal.close();
  }

  async #produce(dataset: Pushed, salt: number): Promise<void> {
    const random = new Random(this.#options.seed * 7 + salt);
    const lateness = new Lateness(dataset, this.#options.partitions);
    const maker = dataset === 'Ticket' ? new TicketMaker(random, lateness) : new EventMaker(dataset, random, lateness);
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
      if (dataset === 'Payment' && random.next() < 0.1) await this.#readOwnWrites(payments, payerOf(batch), body.token);
      if (random.next() < ERASING_SHARE) await this.#erase(dataset, random, payments);
      if (before !== undefined && random.next() < 0.08) await this.#sendAgain(before, random);
      before = batch;
      await this.#pause(random, SHARES[dataset]);
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
  async #readOwnWrites(payments: PaymentCounts, payer: string | undefined, token: string | undefined): Promise<void> {
    if (payer === undefined || token === undefined) return;
    const parameters = new URLSearchParams({ featureset: 'PayerSignals', entity_id: payer, after: token });
    const { status, body } = await this.#fetch(`/features?${parameters.toString()}`, {}, REQUEST_TIMEOUT_MS);
    if (isUnsure(status) || isBuilding(body)) return;
    const found = body.features?.['payments'];
    if (found !== payments.of(payer))
      this.#wrong(`after its token ${payer} has ${String(found)} payments, and ${payments.of(payer)} were acknowledged (S21): ${status}`);
  }

  /** Until it is answered: then everything that was acknowledged before is gone (S26). A payer's payments are asked for at once. */
  async #erase(dataset: DatasetName, random: Random, payments: PaymentCounts): Promise<void> {
    const entity = random.pick(ERASABLE[dataset]);
    this.#journal.write({ kind: 'erasing', dataset, entity });
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${TEST_FOLDER_KEY}` };
    const body = JSON.stringify({ dataset, entity_ids: [entity] });
    for (;;) {
      const answer = await this.#fetch('/api/v1/erase', { method: 'POST', headers, body }, ERASE_TIMEOUT_MS);
      if (answer.status === 200 && answer.body.entities_erased === 1) {
        payments.forget(entity);
        if (dataset === 'Payment') await this.#readOwnWrites(payments, entity, answer.body.token);
        return;
      }
      // 409: others erased at the same moment, and nothing of this one is there.
      if (!isUnsure(answer.status) && answer.status !== 409) {
        this.#wrong(`erasing ${entity} from ${dataset} was answered ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`);
        return;
      }
      await sleep(RETRY_MS + random.integer(0, RETRY_MS));
    }
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

  /** For a source: what is written is there, whoever is down. */
  async #feed(dataset: FedDataset, salt: number): Promise<void> {
    const random = new Random(this.#options.seed * 7 + salt);
    const maker = new EventMaker(dataset, random, new Lateness(dataset, this.#options.partitions));
    const writer = await openFeedWriter(this.#options.feeds, dataset, random);
    while (!this.#stop.aborted) {
      const nowUs = Date.now() * 1_000;
      const events = Array.from({ length: random.integer(1, BATCH_EVENTS_MAX) }, () => maker.next(nowUs));
      const batch: SentBatch = { kind: 'sent', batch: this.#batches++, dataset, events };
      this.#journal.write(batch);
      await writer.write(events);
      this.#journal.write({ kind: 'acknowledged', batch: batch.batch, attempts: 1, atMs: Date.now() });
      await this.#pause(random, FED_SHARE);
    }
    await writer.close();
  }

  #push({ dataset, sequence, events }: SentBatch, timeoutMs: number): Promise<Answer> {
    const body = {
      dataset,
      ...(sequence === undefined ? {} : { producer_id: `crash-${dataset}`, sequence }),
      events: events.map((event) => bodyOf(event, TIME_FIELD[dataset])),
    };
    return this.#fetch(
      '/api/v1/log',
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
      timeoutMs,
    );
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

  async #pause(random: Random, share = 1): Promise<void> {
    await sleep((1_000 * BATCH_EVENTS_MEAN * 2 * random.next()) / (this.#options.rate * share));
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

  forget(payer: string): void {
    this.#counts.delete(payer);
  }

  of(payer: string): number {
    return this.#counts.get(payer) ?? 0;
  }
}

/** Of a record that is taken. */
function payerOf({ events }: SentBatch): string | undefined {
  const event = events.find(({ isBad }) => isBad !== true);
  return event && String(event.fields['payer']);
}

/** A change of a row says what it does and when (S17); a delete has no event time. */
function bodyOf({ fields, atUs, opUs, deletes }: SentEvent, timeField: string): object {
  const time = deletes === true ? {} : { [timeField]: formatTimestamp(atUs) };
  return {
    ...fields,
    ...time,
    ...(opUs === undefined ? {} : { op: deletes === true ? 'delete' : 'upsert', op_time: formatTimestamp(opUs) }),
  };
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
