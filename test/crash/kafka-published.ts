// Somebody else's consumer of published rows, while everything is being killed: kafkajs' own, which reads committed
// records only. What it has seen is compared with the log at the end, and the log's rows with the recount (S25).
import { Kafka, logLevel, type Consumer } from 'kafkajs';
import type { Log } from '../../libs/log/log.js';
import { publishedTopic } from '../../libs/pipeline/topics.js';
import type { Fleet } from './kafka-fleet.js';
import { report, type Findings } from './questions.js';
import type { Features, Recount } from './recount.js';
import { until } from './rest.js';

const DATASETS = ['LargePayment', 'WalkerTotals'] as const;
const LARGE_CENTS = 50_000;
const CAUGHT_UP_MS = 60_000;
const READ_LIMITS = { recordsMax: 1_000, bytesMax: 4 * 1_024 * 1_024 };

type Rows = Map<string, Features>;

export class PublishedReader {
  readonly #fleet: Fleet;
  readonly #consumer: Consumer;
  /** By topic, then `partition/offset`: a consumer that starts anew may be given a record again. */
  readonly #seen = new Map<string, Rows>();
  #crash: Error | undefined;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    // Its brokers come back after a kill: it is to outlast that, as anybody's would.
    const kafka = new Kafka({ brokers: [...fleet.brokers], clientId: 'somebody-else', logLevel: logLevel.NOTHING, retry: { retries: 30, maxRetryTime: 1_000 } });
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
        this.#seen.get(topic)?.set(`${partition}/${message.offset}`, JSON.parse(message.value?.toString() ?? 'null') as Features);
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
      await until(`the consumer of ${topic}`, CAUGHT_UP_MS, async () => ([...committed.keys()].every((place) => seen.has(place)) ? true : undefined))
        .catch(() => report(findings, `the consumer of ${topic} has ${seen.size} of ${committed.size} rows${this.#crash === undefined ? '' : `: ${this.#crash.message}`}`));
      const leaked = [...seen.keys()].filter((place) => !committed.has(place));
      if (leaked.length > 0) report(findings, `the consumer of ${topic} was given ${leaked.length} rows that were never committed, such as ${leaked[0] ?? ''}`);
      compareRows(topic, [...committed.values()], topic.includes('.LargePayment.') ? largePayments(recount) : walkerTotals(recount), findings);
      rows += committed.size;
    }
    return rows;
  }

  async #readAll(log: Log, topic: string): Promise<Rows> {
    const rows: Rows = new Map();
    for (let partition = 0; partition < this.#fleet.partitions; partition++) {
      const end = await log.endOffset({ topic, partition });
      for (let offset = 0; offset < end;) {
        const { records, nextOffset } = await log.read({ topic, partition }, offset, READ_LIMITS);
        for (const record of records) rows.set(`${partition}/${record.offset}`, JSON.parse(Buffer.from(record.value).toString()) as Features);
        offset = nextOffset;
      }
    }
    return rows;
  }
}

/** What names each row that there must be. */
function largePayments(recount: Recount): readonly string[] {
  return recount.records('Payment').flatMap(({ event }) => (Number(event.fields['cents']) >= LARGE_CENTS ? [`payment ${String(event.fields['number'])}`] : []));
}

/** The n-th step of a walker gives the row n. */
function walkerTotals(recount: Recount): readonly string[] {
  const steps = new Map<string, number>();
  return recount.records('Step').map(({ event }) => {
    const walker = String(event.fields['walker']);
    const n = (steps.get(walker) ?? 0) + 1;
    steps.set(walker, n);
    return `${walker} ${n}`;
  });
}

function compareRows(topic: string, rows: readonly Features[], expected: readonly string[], findings: Findings): void {
  const counts = new Map(expected.map((name) => [name, 0]));
  for (const row of rows) {
    const name = topic.includes('.LargePayment.') ? `payment ${String(row['number'])}` : `${String(row['walker'])} ${String(row['steps'])}`;
    const count = counts.get(name);
    if (count === undefined) report(findings, `${topic} has a row that nothing gave: ${JSON.stringify(row)}`);
    else counts.set(name, count + 1);
  }
  findings.answers += expected.length;
  for (const [name, count] of counts) {
    if (count === 1) continue;
    report(findings, `${topic}: ${name} is there ${count} times`);
    if (count === 0) findings.lost++;
    else findings.duplicated += count - 1;
  }
}
