import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { openKafkaMembership } from '../../libs/log/kafka/kafka-membership.js';
import { openKafkaOwners } from '../../libs/log/kafka/owners.js';
import type { MemberOptions, PartitionOwners, PartitionOwnership, RevokeReason } from '../../libs/log/membership.js';
import { eventually, uniqueName, useKafka } from './kafka-fixture.js';

/** The least that brokers take. */
const SESSION_MS = 6_000;
const COUNT = 4;

/** A member that writes down what happens to it. */
interface Watched {
  readonly ownership: PartitionOwnership;
  readonly owned: Set<number>;
  readonly events: string[];
}

describe('the membership of a group on a real Kafka', function () {
  this.timeout(120_000);
  const kafka = useKafka();
  let group: string;
  let owners: PartitionOwners;
  const members: PartitionOwnership[] = [];

  beforeEach(() => {
    group = `${uniqueName()}.aggregator`;
    owners = openKafkaOwners({ connect: connect(), group });
  });
  afterEach(async () => {
    await Promise.all(members.splice(0).map((member) => member.leave()));
    await owners.close();
  });

  const connect = () => ({ brokers: kafka().brokers, clientId: 'thyme-test' });

  async function join(address: string, options: Partial<MemberOptions> = {}, partitionCount = COUNT): Promise<Watched> {
    const ownership = openKafkaMembership({ connect: connect(), group, partitionCount, sessionMs: SESSION_MS });
    members.push(ownership);
    const owned = new Set<number>();
    const events: string[] = [];
    await ownership.join({
      address,
      onAssigned(partitions) {
        events.push(`assigned ${partitions.join(' ')}`);
        for (const partition of partitions) expect(owned.has(partition), 'assigned twice').to.equal(false);
        for (const partition of partitions) owned.add(partition);
      },
      onRevoked(partitions, reason: RevokeReason) {
        events.push(`${reason} ${partitions.join(' ')}`);
        for (const partition of partitions) expect(owned.delete(partition), 'revoked without being assigned').to.equal(true);
      },
      ...options,
    });
    return { ownership, owned, events };
  }

  const addressesOf = async (): Promise<readonly string[]> =>
    (await owners.owners()).map(({ partition, address }) => `${partition} ${address}`);

  it('gives all to the first, half to the second, back when one leaves, and tells everybody where (M1, M2)', async () => {
    expect(await owners.owners()).to.deep.equal([]);
    const first = await join('one:1');
    expect([...first.owned]).to.deep.equal([0, 1, 2, 3]);
    expect(await addressesOf()).to.deep.equal(['0 one:1', '1 one:1', '2 one:1', '3 one:1']);
    const second = await join('two:2');
    await eventually(() => second.owned.size === 2 && first.owned.size === 2, 'each has two');
    expect([...first.owned, ...second.owned].toSorted()).to.deep.equal([0, 1, 2, 3]);
    expect(first.events).to.deep.equal(['assigned 0 1 2 3', 'moved 2 3']); // what it keeps is left alone
    await eventually(async () => (await addressesOf()).join() === '0 one:1,1 one:1,2 two:2,3 two:2', 'others see both owners');
    await first.ownership.leave();
    expect(first.events.at(-1)).to.equal('leaving 0 1');
    await eventually(() => second.owned.size === 4, 'the other has all');
    expect(second.events).to.deep.equal(['assigned 2 3', 'assigned 0 1']);
  });

  it('gives a partition away only after its owner has let go (M1)', async () => {
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let letGo = false;
    await join('one:1', {
      async onAssigned() {
        /* nothing to start */
      },
      async onRevoked() {
        await held;
        letGo = true;
      },
    });
    const second = await join('two:2', { onAssigned: () => void expect(letGo).to.equal(true) });
    expect(await addressesOf()).to.satisfy((seen: readonly string[]) => seen.every((line) => line.endsWith('one:1')));
    release?.();
    await eventually(async () => (await addressesOf()).filter((line) => line.endsWith('two:2')).length === 2, 'the second has two');
    expect(letGo).to.equal(true);
    await second.ownership.leave();
  });

  it('brings partitions back to those who have them on their disk (M2)', async () => {
    const [first, second] = await Promise.all([join('one:1', { preferred: [1, 2] }), join('two:2', { preferred: [0, 3] })]);
    await eventually(() => first.owned.size === 2 && second.owned.size === 2, 'each has two');
    await Promise.all([first.ownership.leave(), second.ownership.leave()]);
    const third = await join('three:3', { preferred: [0, 3] });
    const fourth = await join('four:4', { preferred: [1, 2] });
    await eventually(() => third.owned.size === 2 && fourth.owned.size === 2, 'each has two');
    expect([[...third.owned].toSorted(), [...fourth.owned].toSorted()]).to.deep.equal([
      [0, 3],
      [1, 2],
    ]);
  });

  it('gives the partitions of a dead member to the living, and tells one that was held still that it lost them', async () => {
    const held = memberProcess(kafka().brokers, group);
    const said = linesOf(held);
    await eventually(() => said.includes('assigned 0 1 2 3'), 'the process has all');
    const other = await join('two:2');
    await eventually(() => other.owned.size === 2, 'the other has two');
    held.kill('SIGSTOP');
    await eventually(() => other.owned.size === 4, 'the other has all');
    held.kill('SIGCONT');
    await eventually(() => said.some((line) => line.startsWith('lost ')), 'it knows that it lost them');
    await eventually(() => other.owned.size === 2, 'it has two again');
    held.kill('SIGKILL');
    await once(held, 'exit');
    await eventually(() => other.owned.size === 4, 'the other has all again');
  });

  it("ends with a handler's failure, and refuses another partition count and a group of consumers", async () => {
    const failure = new Error('no disk');
    const failing = await join('one:1', { onAssigned: () => Promise.reject(failure) }).catch((error: unknown) => error);
    expect(failing).to.equal(failure);
    await join('two:2');
    const wrong = await join('three:3', {}, COUNT + 1).catch((error: unknown) => error);
    expect(wrong).to.include({ code: 'THYME_PARTITION_COUNT' });
    expect(String(wrong)).to.contain(group).and.to.contain('4 partitions').and.to.contain('5');
  });
});

/** A member in a process of its own, that can be stopped and killed. */
function memberProcess(brokers: readonly string[], group: string): ChildProcess {
  return fork(new URL('member-process.ts', import.meta.url), [brokers.join(','), group, String(COUNT), String(SESSION_MS)], {
    execArgv: ['--import=tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

function linesOf(child: ChildProcess): readonly string[] {
  const lines: string[] = [];
  child.on('message', (line) => lines.push(String(line)));
  return lines;
}
