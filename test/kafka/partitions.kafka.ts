// What only several partitions show: over the same records a fleet has the answers, the books and the dead letters of the
// embedded platform with as many partitions. Where the rules let the order of arrival decide, the records come in one order:
// lateness is judged by partition and lane in the order of the topic (S10), which one sender fixes; rows of a chain are what
// was known at their ticks (S25), which is one thing for entities whose records come in order of time.
import { expect } from 'chai';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import type { Log } from '../../libs/log/log.js';
import { datasetTopic } from '../../libs/pipeline/topics.js';
import { Processes } from '../support/processes.js';
import { uniqueName, useKafka } from './kafka-fixture.js';
import { allAnswers, marketAnswer } from './partition-answers.js';
import { adoptedIn, EmbeddedRuns, WatchedReplicas, type Switches } from './partition-fleet.js';
import { expectedBooks, type ExpectedBook } from './partition-oracle.js';
import { commitTo, deadTrades, digestsOf, loadReadings, pushTo, settled, type Book, type Place } from './partition-platforms.js';
import { partitionRecords, type PartitionRecords } from './partition-records.js';
import { TEST_INTERNAL_KEY } from '../support/test-keys.js';

const FIRST = 'test/support/partition-features.ts';
const NEXT = 'test/support/partition-features-next.ts';
/** What the embedded platform calls itself unless it is told. */
const EMBEDDED = 'thyme';

/** What a platform came to, in the end and on the way. */
interface Outcome {
  readonly pushed: readonly string[];
  /** The answer of the featureset that is added to, by either revision. */
  readonly market: { readonly first: string; readonly next: string };
  readonly books: readonly Book[];
  /** The answers of each process. */
  readonly answers: readonly (readonly string[])[];
  readonly dead: readonly (readonly string[])[];
}

for (const partitions of [1, 3, 8]) {
  describe(`the same records on Kafka and embedded, ${partitions} partition(s)`, function () {
    this.timeout(300_000);
    const kafka = useKafka();
    const processes = new Processes();
    const deployment = uniqueName();
    const embedded = new EmbeddedRuns(partitions);
    const records = partitionRecords(partitions, Math.floor(Date.now() / 1_000 - 60) * 1_000_000);
    const expected = expectedBooks(records, partitions, records.endUs + 60e6);
    const fleet: Place[] = [];
    let log: Log;
    let early: WatchedReplicas;
    let late: WatchedReplicas;
    let adopted: Switches;
    let marketsSeen: ReadonlySet<string>;
    let reference: Outcome;
    let outcome: Outcome;

    before(async () => {
      reference = await runEmbedded(embedded, { records, expected, partitions });
      log = await openKafkaLog({ brokers: kafka().brokers, clientId: 'thyme-test' });
      for (const name of ['one', 'two']) {
        const {
          restUrl: url,
          grpcTarget,
          adminKey,
        } = await processes.serve(processes.subfolder(name), ['--partitions', String(partitions)], {
          env: { THYME_INTERNAL_KEY: TEST_INTERNAL_KEY, THYME_DEPLOYMENT: deployment, THYME_KAFKA_BROKERS: kafka().brokers.join(',') },
        });
        fleet.push({ url, grpcTarget, adminKey });
      }
      await commitTo(first(fleet), FIRST);
      early = new WatchedReplicas({ brokers: kafka().brokers, deployment, partitions });
      ({ outcome, marketsSeen } = await runFleet(fleet, log, { records, expected, partitions, deployment }));
      late = new WatchedReplicas({ brokers: kafka().brokers, deployment, partitions });
      await late.reach(early);
      adopted = await adoptedIn(log, deployment, partitions);
    });
    after(async () => {
      await Promise.all([early?.end(), late?.end()]);
      await processes.end();
      await log?.close();
      await embedded.end();
    });

    it('answer alike from every process, re-keyed pipelines, joins and chains included (S4, S7, S24, S25)', () => {
      expect(outcome.answers).to.deep.equal(fleet.map(() => reference.answers[0]));
    });

    it('keep the same books in every partition: late by push and by lane, repeated, failed, right rows that came late (S10, S13, S23)', () => {
      expect(outcome.books).to.deep.equal(reference.books);
      // A test of nothing otherwise.
      for (const kind of ['late', 'duplicate', 'dead'] as const)
        expect(expected.get('MarketTrades.trades')?.[kind], kind).to.be.greaterThan(0);
      expect(expected.get('SiteReadings.readings')?.late).to.be.within(10, 100);
    });

    it('refuse the same records, each with the same words, and set the same ones aside (S12, S23)', () => {
      expect(outcome.pushed).to.deep.equal(reference.pushed);
      expect(outcome.dead).to.deep.equal(reference.dead);
      expect(outcome.dead.flat().filter((letter) => letter.includes('"pipeline":"MarketTrades.trades"'))).to.have.length(
        expected.get('MarketTrades.trades')?.dead ?? -1,
      );
      expect(outcome.dead.flat().filter((letter) => !letter.includes('"pipeline"'))).to.have.length(
        records.before.find(({ refused }) => refused === true)?.events.length ?? -1,
      );
    });

    // One partition alone has them all.
    if (partitions > 1) {
      it('leave one partition idle, which holds up neither lateness nor a revision (S10, S18)', async () => {
        const idle = records.idle ?? 0;
        expect(await log.endOffset({ topic: datasetTopic(deployment, 'Trade', 1), partition: idle })).to.equal(0);
        expect(outcome.books.find(({ partition, name }) => partition === idle && name === 'AccountTrades.trades')).to.include({
          read: 0,
          late: 0,
        });
      });
    }

    it('switch at one seq in every replica, from the first batch or from what is kept, and never show half a history (S15, S18)', () => {
      expect(adopted.map((seqs) => [...seqs.keys()])).to.deep.equal(adopted.map(() => [1, 2]));
      expect(early.switches.map(seqOfNext)).to.deep.equal(adopted.map(seqOfNext));
      expect(late.switches.map(seqOfNext)).to.deep.equal(adopted.map(seqOfNext));
      expect(outcome.market).to.deep.equal(reference.market);
      expect([...marketsSeen].filter((seen) => seen !== reference.market.first && seen !== reference.market.next)).to.deep.equal([]);
    });

    it('have the same bytes in the replicas of either process (C2)', async () => {
      for (const digests of await digestsOf(fleet, partitions)) expect(new Set(digests).size).to.equal(1);
    });
  });
}

interface Given {
  readonly records: PartitionRecords;
  readonly expected: ReadonlyMap<string, ExpectedBook>;
  readonly partitions: number;
}

async function runEmbedded(embedded: EmbeddedRuns, { records, expected, partitions }: Given): Promise<Outcome> {
  let place = await embedded.start();
  await commitTo(place, FIRST);
  const pushed = await pushAll(place, records.before);
  await settled([place], partitions, beforeCommit(records, expected, partitions));
  const before = await marketAnswer(place, records);
  await commitTo(place, NEXT);
  pushed.push(...(await pushAll(place, records.during)));
  await embedded.stop();
  const dead = await embedded.withLog(async (log) => {
    await loadReadings(log, { deployment: EMBEDDED, partitions, module: NEXT }, records.readings);
    return deadTrades(log, EMBEDDED, partitions);
  });
  place = await embedded.start();
  const books = await settled([place], partitions, expected);
  const outcome = {
    pushed,
    books,
    market: { first: before, next: await marketAnswer(place, records) },
    answers: [await allAnswers(place.url, records)],
    dead,
  };
  await embedded.stop();
  return outcome;
}

async function runFleet(
  fleet: readonly Place[],
  log: Log,
  { records, expected, partitions, deployment }: Given & { readonly deployment: string },
): Promise<{ readonly outcome: Outcome; readonly marketsSeen: ReadonlySet<string> }> {
  const place = first(fleet);
  const pushed = await pushAll(place, records.before);
  await settled(fleet, partitions, beforeCommit(records, expected, partitions));
  const before = await marketAnswer(place, records);
  const { seen: marketsSeen, result } = await whileWatching(fleet, records, async () => {
    await loadReadings(log, { deployment, partitions, module: NEXT }, records.readings.slice(0, records.readings.length / 2));
    const committing = commitTo(fleet[1] ?? place, NEXT); // the other registry, beside pushes through this one
    const during = await pushAll(place, records.during);
    await committing;
    await loadReadings(log, { deployment, partitions, module: NEXT }, records.readings.slice(records.readings.length / 2));
    return { during, books: await settled(fleet, partitions, expected) };
  });
  const answers = await Promise.all(fleet.map(({ url }) => allAnswers(url, records)));
  return {
    marketsSeen,
    outcome: {
      pushed: [...pushed, ...result.during],
      books: result.books,
      market: { first: before, next: await marketAnswer(place, records) },
      answers,
      dead: await deadTrades(log, deployment, partitions),
    },
  };
}

/** One after another: each topic has its records in this order. */
async function pushAll(place: Place, pushes: PartitionRecords['before']): Promise<string[]> {
  const said: string[] = [];
  for (const push of pushes) said.push(await pushTo(place, push));
  return said;
}

/** Asks every process again and again for the featureset that is being added to. */
async function whileWatching<T>(
  fleet: readonly Place[],
  records: PartitionRecords,
  act: () => Promise<T>,
): Promise<{ readonly seen: ReadonlySet<string>; readonly result: T }> {
  const seen = new Set<string>();
  let acting = true;
  const watching = Promise.all(
    fleet.map(async (place) => {
      while (acting) seen.add(await marketAnswer(place, records));
    }),
  );
  try {
    return { seen, result: await act() };
  } finally {
    acting = false;
    await watching;
  }
}

/** What can be said of the pipelines before the second revision. */
function beforeCommit(
  records: PartitionRecords,
  expected: ReadonlyMap<string, ExpectedBook>,
  partitions: number,
): ReadonlyMap<string, ExpectedBook> {
  const early = expectedBooks({ ...records, during: [], readings: [] }, partitions, records.endUs);
  return new Map([...early].filter(([name]) => expected.has(name) && name !== 'MarketWeeks.weeks'));
}

function seqOfNext(switches: ReadonlyMap<number, number>): number | undefined {
  return switches.get(2);
}

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error('there is none yet');
  return item;
}
