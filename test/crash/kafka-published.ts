// Somebody else's consumer of published rows, while everything is being killed: kafkajs' own, which reads committed
// records only. What it has seen is compared with the log at the end, and the log's rows with the recount (S25).
import { Kafka, logLevel, type Consumer } from 'kafkajs';
import type { Log } from '../../libs/log/log.js';
import { publishedTopic } from '../../libs/pipeline/topics.js';
import type { Versions } from './evolutions.js';
import type { Fleet } from './kafka-fleet.js';
import { report, type Findings } from './questions.js';
import { type Counted, type Features, isPeak, type Recount } from './recount.js';
import { until } from './rest.js';

const DATASETS = ['LargePayment', 'WalkerTotals'] as const;
const LARGE_CENTS = 50_000;
const CAUGHT_UP_MS = 60_000;
const READ_LIMITS = { recordsMax: 1_000, bytesMax: 4 * 1_024 * 1_024 };

/** A row under its key, or a tombstone: the entity was erased (S26). */
interface Message {
  readonly key: string;
  readonly row: Features | undefined;
}

/** By `partition/offset`. */
type Messages = Map<string, Message>;

export class PublishedReader {
  readonly #fleet: Fleet;
  readonly #consumer: Consumer;
  /** By topic, then `partition/offset`: a consumer that starts anew may be given a record again. */
  readonly #seen = new Map<string, Messages>();
  #crash: Error | undefined;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    // Its brokers come back after a kill: it is to outlast that, as anybody's would.
    const kafka = new Kafka({
      brokers: [...fleet.brokers],
      clientId: 'somebody-else',
      logLevel: logLevel.NOTHING,
      retry: { retries: 30, maxRetryTime: 1_000 },
    });
    this.#consumer = kafka.consumer({ groupId: `${fleet.deployment}-reader`, readUncommitted: false });
  }

  /** Once the definitions are committed, which makes the topics. */
  async start(): Promise<void> {
    const topics = DATASETS.map((dataset) => publishedTopic(this.#fleet.deployment, dataset, 1));
    for (const topic of topics) this.#seen.set(topic, new Map());
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics, fromBeginning: true });
    this.#consumer.on(this.#consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) this.#crash = payload.error;
    });
    await this.#consumer.run({
      eachMessage: async ({ topic, partition, message }) => {
        this.#seen.get(topic)?.set(`${partition}/${message.offset}`, messageOf(message.key, message.value));
      },
    });
  }

  async stop(): Promise<void> {
    await this.#consumer.disconnect();
  }

  /** Compares, once it has seen all that the log has; resolves to how many rows that were. */
  async check(log: Log, recount: Recount, findings: Findings): Promise<number> {
    let rows = 0;
    for (const [topic, seen] of this.#seen) {
      const committed = await this.#readAll(log, topic);
      await until(`the consumer of ${topic}`, CAUGHT_UP_MS, async () =>
        [...committed.keys()].every((place) => seen.has(place)) ? true : undefined,
      ).catch(() =>
        report(
          findings,
          `the consumer of ${topic} has ${seen.size} of ${committed.size} rows${this.#crash === undefined ? '' : `: ${this.#crash.message}`}`,
        ),
      );
      const leaked = [...seen.keys()].filter((place) => !committed.has(place));
      if (leaked.length > 0)
        report(findings, `the consumer of ${topic} was given ${leaked.length} rows that were never committed, such as ${leaked[0] ?? ''}`);
      const [dataset, namesOf] = topic.includes('.LargePayment.')
        ? (['Payment', largePayments] as const)
        : (['Step', walkerTotals] as const);
      const expected = { counting: namesOf(recount.records(dataset)), erased: recount.erased(dataset).flatMap(namesOf) };
      compareRows(topic, [...committed.values()], expected, findings);
      rows += committed.size;
    }
    return rows;
  }

  /** Of a pipeline that was built again: the newest version has each row once, and those before it none twice and none else (S25a). */
  async checkPeaks(log: Log, { recount, versions, findings }: Peaks): Promise<void> {
    const [counting, erased] = [peaks(recount.records('Meter')), recount.erased('Meter').flatMap(peaks)];
    for (let version = 1; version <= versions.peak; version++) {
      const topic = publishedTopic(this.#fleet.deployment, 'MeterPeak', version);
      const messages = [...(await this.#readAll(log, topic)).values()];
      const there = new Set(messages.map(({ row }) => `reading ${String(row?.['number'])}`));
      const expected = version === versions.peak ? counting : counting.filter((name) => there.has(name));
      compareRows(topic, messages, { counting: expected, erased }, findings);
    }
  }

  async #readAll(log: Log, topic: string): Promise<Messages> {
    const messages: Messages = new Map();
    for (let partition = 0; partition < this.#fleet.partitions; partition++) {
      const end = await log.endOffset({ topic, partition });
      for (let offset = 0; offset < end;) {
        const { records, nextOffset } = await log.read({ topic, partition }, offset, READ_LIMITS);
        for (const { offset: at, key, value } of records) messages.set(`${partition}/${at}`, messageOf(key, value));
        offset = nextOffset;
      }
    }
    return messages;
  }
}

interface Peaks {
  readonly recount: Recount;
  readonly versions: Versions;
  readonly findings: Findings;
}

/** A log shows no value as one without bytes. */
function messageOf(key: Uint8Array | null, value: Uint8Array | null): Message {
  const text = Buffer.from(value ?? []).toString();
  return { key: Buffer.from(key ?? []).toString(), row: text === '' ? undefined : (JSON.parse(text) as Features) };
}

/** What names each row that there must be. */
function largePayments(payments: readonly Counted[]): readonly string[] {
  return payments.flatMap(({ event }) =>
    Number(event.fields['cents']) >= LARGE_CENTS ? [`payment ${String(event.fields['number'])}`] : [],
  );
}

function peaks(readings: readonly Counted[]): readonly string[] {
  return readings.filter(isPeak).map(({ event }) => `reading ${String(event.fields['number'])}`);
}

/** The n-th step of a walker gives the row n; after an erasure they are counted anew. */
function walkerTotals(taken: readonly Counted[]): readonly string[] {
  const steps = new Map<string, number>();
  return taken.map(({ event }) => {
    const walker = String(event.fields['walker']);
    const n = (steps.get(walker) ?? 0) + 1;
    steps.set(walker, n);
    return `${walker} ${n}`;
  });
}

function nameOf(topic: string, row: Features): string {
  if (topic.includes('.LargePayment.')) return `payment ${String(row['number'])}`;
  if (topic.includes('.MeterPeak.')) return `reading ${String(row['number'])}`;
  return `${String(row['walker'])} ${String(row['steps'])}`;
}

interface ExpectedRows {
  /** Behind the last tombstone of its key each is there once. */
  readonly counting: readonly string[];
  /** Before it there is nothing else. */
  readonly erased: readonly string[];
}

function compareRows(topic: string, messages: readonly Message[], { counting, erased }: ExpectedRows, findings: Findings): void {
  const lastTombstones = new Map(messages.flatMap(({ key, row }, i): [string, number][] => (row === undefined ? [[key, i]] : [])));
  const isErased = ({ key }: Message, i: number): boolean => i < (lastTombstones.get(key) ?? -1);
  const counts = countsOf(topic, messages, (message, i) => !isErased(message, i));
  findings.answers += counting.length;
  for (const name of counting) {
    const count = counts.get(name) ?? 0;
    counts.delete(name);
    if (count === 1) continue;
    report(findings, `${topic}: ${name} is there ${count} times`);
    if (count === 0) findings.lost++;
    else findings.duplicated += count - 1;
  }
  for (const [name] of counts) report(findings, `${topic} has a row that nothing gave: ${name}`);
  const left = countsOf(topic, messages, isErased);
  for (const name of erased) left.set(name, (left.get(name) ?? 0) - 1);
  for (const [name, count] of left)
    if (count > 0) report(findings, `${topic}: ${name}, which was erased, is there ${count} times too often`);
}

function countsOf(topic: string, messages: readonly Message[], isMeant: (message: Message, i: number) => boolean): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [i, message] of messages.entries()) {
    if (message.row === undefined || !isMeant(message, i)) continue;
    const name = nameOf(topic, message.row);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
