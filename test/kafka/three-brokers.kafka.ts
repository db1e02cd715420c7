// Three brokers, of which each dies in turn: leaders and coordinators move, and what was acknowledged is there once.
import { expect } from 'chai';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import type { Log, NewRecord, TopicPartition, TransactionalWriter } from '../../libs/log/log.js';
import { eventually, uniqueName, useKafka, valuesOf } from './kafka-fixture.js';

const BROKERS = 3;
const PARTITIONS = 3;
/** How much of each kind of work is done while a broker is away and after it has come back. */
const PROGRESS = 20;

describe('the log on three brokers', function () {
  this.timeout(400_000);
  const kafka = useKafka({ own: true, brokers: BROKERS });
  let log: Log;
  before(async () => (log = await openKafkaLog({ brokers: kafka().brokers, clientId: 'thyme-test' })));
  after(() => log.close());

  it('keeps every transaction whole and once, and every append, while one broker after another is killed (L2, L3)', async () => {
    const [ticks, pushes] = [uniqueName(), uniqueName()];
    for (const topic of [ticks, pushes]) await log.createTopic(topic, PARTITIONS);
    const [committing, appending] = [new Committing(log, partitionsOf(ticks)), new Appending(log, partitionsOf(pushes))];
    const working = [committing.run(), appending.run()];
    const progress = async (what: string): Promise<void> => {
      const [commits, appends] = [committing.done + PROGRESS, appending.done + PROGRESS];
      await eventually(() => committing.done >= commits && appending.done >= appends, what);
    };
    await progress('work begins');
    for (let broker = 0; broker < BROKERS; broker++) {
      await kafka().kill(broker);
      await progress(`work goes on without broker ${broker}`);
      await kafka().restart(broker);
      await progress(`work goes on with broker ${broker}`);
    }
    committing.stop();
    appending.stop();
    await Promise.all(working);
    for (const place of partitionsOf(ticks))
      expect(await valuesOf(log, place), `partition ${place.partition}`).to.deep.equal(numbers(committing.done));
    for (const place of partitionsOf(pushes)) {
      const own = numbers(appending.done).filter((number) => Number(number) % PARTITIONS === place.partition);
      expect(await valuesOf(log, place), `partition ${place.partition}`).to.deep.equal(own);
    }
  });
});

function partitionsOf(topic: string): readonly TopicPartition[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }));
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, number) => String(number));
}

function text(value: number): NewRecord {
  return { key: Buffer.from('k'), value: Buffer.from(String(value)) };
}

/** One number after the other to every partition, as an owner ticks: after an error it takes a new writer, and reads what is there. */
class Committing {
  done = 0;
  #stopped = false;

  constructor(
    readonly log: Log,
    readonly places: readonly TopicPartition[],
  ) {}

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    let writer: TransactionalWriter | undefined;
    while (!this.#stopped) {
      try {
        writer ??= await this.#acquire();
        await writer.commit(this.places.map((target) => ({ target, records: [text(this.done)] })));
        this.done++;
      } catch {
        writer = undefined; // of its commit nothing is known: the next one sees
      }
    }
    await this.#acquire();
  }

  async #acquire(): Promise<TransactionalWriter> {
    const writer = await this.log.writer(`${this.places[0]?.topic ?? ''}.writer`);
    const lengths = await Promise.all(this.places.map(async (place) => (await valuesOf(this.log, place)).length));
    expect(new Set(lengths).size, `whole in all partitions: ${lengths.join(', ')}`).to.equal(1);
    this.done = lengths[0] ?? 0;
    return writer;
  }
}

/** One number after the other, to the partitions in turn; an append is the driver's to repeat. */
class Appending {
  done = 0;
  #stopped = false;

  constructor(
    readonly log: Log,
    readonly places: readonly TopicPartition[],
  ) {}

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const place = this.places[this.done % this.places.length];
      if (place === undefined) throw new Error('there is a partition');
      await this.log.append(place, [text(this.done)]);
      this.done++;
    }
  }
}
