// Two aggregators that share the partitions of one log: what moves is finished by one and taken up by the other.
import { expect } from 'chai';
import { Decimal } from '../../libs/definition/decimal.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { createCompletion } from '../../libs/lifecycle/service.js';
import type { MemberOptions, PartitionOwnership } from '../../libs/log/membership.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { ManualClock, systemClock } from '../../libs/time/clock.js';
import { Aggregator } from '../../services/aggregator/aggregator.js';
import { HeldPartitions } from '../../services/aggregator/held-partitions.js';
import type { PartitionOwner } from '../../services/aggregator/partition-owner.js';
import { dataset, DEPLOYMENT, field, Harness, pipeline } from './aggregator-harness.js';

const T = 1_700_000_000_000_000;
const PARTITIONS = 2;
const USERS = ['a', 'b', 'c', 'd'];
const orders = dataset('Order', [field('user_id', 'string'), field('amount', 'float'), field('at', 'timestamp')], ['user_id']);
const byUser = dataset('ByUser', [field('user_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['user_id']);
const build = pipeline('ByUser', ['Order'], {
  aggregate: { groupBy: ['user_id'], aggregations: [{ field: 'n', operator: 'count', windowUs: null }] },
});

/** A group whose assignments the test makes. */
class ScriptedOwnership implements PartitionOwnership {
  readonly #ended = createCompletion();
  readonly done = this.#ended.promise;
  #member: MemberOptions | undefined;
  #assigned: number[];

  constructor(first: readonly number[]) {
    this.#assigned = [...first];
  }

  async join(member: MemberOptions): Promise<void> {
    this.#member = member;
    await member.onAssigned(this.#assigned);
  }

  async revoke(partition: number): Promise<void> {
    this.#assigned = this.#assigned.filter((held) => held !== partition);
    await this.#member?.onRevoked([partition], 'moved');
  }

  async assign(partition: number): Promise<void> {
    this.#assigned.push(partition);
    await this.#member?.onAssigned([partition]);
  }

  async leave(): Promise<void> {
    await this.#member?.onRevoked(this.#assigned, 'leaving');
    this.#ended.resolve();
  }
}

function memberOf({ log, feed }: Harness, ownership: PartitionOwnership): Aggregator {
  return new Aggregator({
    deployment: DEPLOYMENT,
    partitionCount: PARTITIONS,
    log,
    clock: systemClock,
    feed,
    functionsOf: () => ({ transform: () => undefined, decimal: Decimal }),
    openStore: async () => new MemoryStore(),
    onFailure: () => undefined,
    tickMs: 1,
    heartbeatMs: 5,
    membership: { ownership, address: () => '127.0.0.1:1' },
  });
}

async function applied({ log }: Harness, aggregator: Aggregator, partition: number): Promise<void> {
  const end = await log.endOffset({ topic: `${DEPLOYMENT}.Order.v1`, partition });
  await aggregator.views
    .view(partition)
    .waitFor((commit) => commit.positions.some(({ nextOffset }) => nextOffset >= end), AbortSignal.timeout(5_000));
}

describe('aggregators that share partitions', () => {
  it('hands a partition over without losing or repeating a record, and ends its streams (S14)', async () => {
    const harness = new Harness({ partitionCount: PARTITIONS });
    const [one, other] = [new ScriptedOwnership([0, 1]), new ScriptedOwnership([])];
    const [first, second] = [memberOf(harness, one), memberOf(harness, other)];
    await harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    await Promise.all([first.start(), second.start()]);
    const send = (): Promise<unknown> =>
      Promise.all(USERS.map((user) => harness.send('Order', [[{ user_id: user, amount: 1 }, { eventTimeUs: T }]])));
    await send();
    const following = drained(first.replication.subscribe(1, { epoch: 0, fromSeq: 1 }, new AbortController().signal));
    await one.revoke(1);
    await following;
    expect(() => first.replication.subscribe(1, { epoch: 0, fromSeq: 1 }, new AbortController().signal))
      .to.throw(ThymeError)
      .with.property('code', 'THYME_PARTITION_ELSEWHERE');
    await other.assign(1);
    await send();
    await applied(harness, first, 0);
    await second.owners[0]?.acquired;
    await applied(harness, second, 1);
    const view = (partition: number) => (partition === 0 ? first : second).views.view(partition);
    expect(USERS.map((user) => harness.ask('ByUser.build', [user], T, { view }).n)).to.deep.equal([2, 2, 2, 2]);
    expect(first.owners.map((owner) => owner.view.partition)).to.deep.equal([0]);
    await Promise.all([first.stop({ graceMs: 5_000 }), second.stop({ graceMs: 5_000 })]);
  });

  it('goes on when another has fenced a partition, and leaves that one alone (A3)', async () => {
    const harness = new Harness({ partitionCount: PARTITIONS });
    await harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    const first = memberOf(harness, new ScriptedOwnership([0, 1]));
    const second = memberOf(harness, new ScriptedOwnership([1]));
    await first.start();
    await second.start(); // believes in partition 1 as well
    await Promise.all(USERS.map((user) => harness.send('Order', [[{ user_id: user, amount: 1 }, { eventTimeUs: T }]])));
    await applied(harness, first, 0);
    await applied(harness, second, 1);
    await first.stop({ graceMs: 5_000 });
    await second.stop({ graceMs: 5_000 });
    await Promise.all([first.done, second.done]);
  });
});

describe('the partitions that a process holds', () => {
  const fenced = new ThymeError('THYME_FENCED', 'ABORTED', 'a newer one');

  /** Owners that end with an error when told; each creation is counted. */
  function scripted(isShared: boolean) {
    const clock = new ManualClock(0);
    const fatal: unknown[] = [];
    const ends: ((cause: unknown) => void)[] = [];
    const create = (partition: number): PartitionOwner => {
      const run = (signal: AbortSignal): Promise<void> =>
        new Promise((resolve, reject) => {
          ends.push(reject);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      return { view: { partition }, acquired: Promise.resolve(), run } as unknown as PartitionOwner; // what is asked of it here
    };
    return { clock, fatal, ends, held: new HeldPartitions({ create, isShared, clock, onFatal: (cause) => fatal.push(cause) }) };
  }

  it('takes one that was fenced again when nobody claims it for longer than a session', async () => {
    const { clock, fatal, ends, held } = scripted(true);
    held.take([3]);
    ends[0]?.(fenced);
    await new Promise(setImmediate);
    expect(ends).to.have.length(1);
    clock.advance(30_000);
    await new Promise(setImmediate);
    expect(ends).to.have.length(2);
    await held.letGo([3]);
    expect(held.owners).to.deep.equal([]);
    expect(fatal).to.deep.equal([]);
  });

  it('does not take it again once it has been let go of', async () => {
    const { clock, ends, held } = scripted(true);
    held.take([3]);
    ends[0]?.(fenced);
    await held.letGo([3]);
    clock.advance(60_000);
    await new Promise(setImmediate);
    expect(ends).to.have.length(1);
  });

  it('reports any other failure, and where nobody shares also that it was fenced', async () => {
    const shared = scripted(true);
    shared.held.take([0]);
    shared.ends[0]?.('broken');
    const alone = scripted(false);
    alone.held.take([0]);
    alone.ends[0]?.(fenced);
    await new Promise(setImmediate);
    expect([shared.fatal, alone.fatal]).to.deep.equal([['broken'], [fenced]]);
  });
});

async function drained(stream: AsyncIterable<unknown>): Promise<number> {
  let messages = 0;
  for await (const _message of stream) messages++;
  return messages;
}
