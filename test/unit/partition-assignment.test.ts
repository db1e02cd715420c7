import { expect } from 'chai';
import fc from 'fast-check';
import { decodeAssignment, decodeMember, encodeAssignment, encodeMember } from '../../libs/log/kafka/group-texts.js';
import type { RevokeReason } from '../../libs/log/membership.js';
import { assignPartitions, type Assignment, type GroupMember } from '../../libs/log/kafka/partition-assignment.js';
import { SoloMembership } from '../../libs/log/solo-membership.js';

const COUNT_MAX = 24;
const anyPartitions = fc.uniqueArray(fc.nat(COUNT_MAX + 4), { maxLength: COUNT_MAX });

/** Members as a group may have them: claims of older generations overlap those of newer ones. */
const anyMembers = fc
  .array(fc.record({ generation: fc.integer({ min: -1, max: 4 }), owned: anyPartitions, preferred: anyPartitions }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((members) => members.map((member, index): GroupMember => ({ ...member, id: `m${index}`, address: `host:${index % 3}` })));
const anyCount = fc.integer({ min: 1, max: COUNT_MAX });

describe('the assignment of partitions', () => {
  it('gives each to one member at most, and spreads all once owners have let go (M1, M2)', () => {
    fc.assert(
      fc.property(anyCount, anyMembers, (count, members) => {
        const first = assignPartitions(count, members);
        const given = [...first.values()].flat();
        expect(new Set(given).size).to.equal(given.length);
        const second = assignPartitions(count, afterwards(members, first));
        expect([...second.values()].flat().toSorted((a, b) => a - b)).to.deep.equal(
          Array.from({ length: count }, (_, partition) => partition),
        );
        const sizes = [...second.values()].map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).to.be.at.most(1);
      }),
    );
  });

  it('takes none from a living owner for another in the same round (M1)', () => {
    fc.assert(
      fc.property(anyCount, anyMembers, (count, members) => {
        const assignment = assignPartitions(count, members);
        for (const [id, partitions] of assignment) {
          for (const partition of partitions) {
            const claims = members.filter(({ owned }) => owned.includes(partition));
            const newest = Math.max(...claims.map(({ generation }) => generation));
            if (claims.length > 0) expect(claims.filter(({ generation }) => generation === newest).map((claim) => claim.id)).to.include(id);
          }
        }
      }),
    );
  });

  it('moves no more than an even spread needs (M2)', () => {
    fc.assert(
      fc.property(anyCount, anyMembers, (count, members) => {
        const settled = afterwards(members, assignPartitions(count, members)); // claims without overlap
        const kept = [...assignPartitions(count, settled)].reduce(
          (sum, [id, partitions]) =>
            sum + partitions.filter((partition) => settled.find((member) => member.id === id)?.owned.includes(partition)).length,
          0,
        );
        const [least, more] = [Math.floor(count / members.length), count % members.length];
        const most = settled
          .map(({ owned }) => owned.length)
          .toSorted((a, b) => b - a)
          .reduce((sum, length, index) => sum + Math.min(length, least + (index < more ? 1 : 0)), 0);
        expect(kept).to.equal(most);
        const second = afterwards(settled, assignPartitions(count, settled));
        const third = afterwards(second, assignPartitions(count, second));
        expect(assignPartitions(count, third)).to.deep.equal(assignPartitions(count, second)); // it comes to rest
      }),
    );
  });

  it('is the same whoever leads (M2)', () => {
    fc.assert(
      fc.property(anyCount, anyMembers, (count, members) => {
        expect(new Map([...assignPartitions(count, members.toReversed())].toSorted())).to.deep.equal(
          new Map([...assignPartitions(count, members)].toSorted()),
        );
      }),
    );
  });

  it('gives what is free to those who have it on their disk', () => {
    const members = [
      { id: 'a', preferred: [] },
      { id: 'b', preferred: [1, 3] },
    ].map((member) => ({ ...member, address: member.id, generation: -1, owned: [] }));
    expect(assignPartitions(4, members)).to.deep.equal(
      new Map([
        ['b', [1, 3]],
        ['a', [0, 2]],
      ]),
    );
  });

  it('passes through the group as text, and refuses what another program wrote', () => {
    fc.assert(
      fc.property(anyMembers, anyPartitions, ([first], partitions) => {
        const { id: _, ...member } = first ?? { id: '', address: '', generation: 0, owned: [], preferred: [] };
        expect(decodeMember(encodeMember(member))).to.deep.equal(member);
        expect(decodeAssignment(encodeAssignment({ partitionCount: 30, partitions }))).to.deep.equal({ partitionCount: 30, partitions });
      }),
    );
    expect(decodeAssignment(new Uint8Array())).to.equal(undefined);
    for (const text of [
      '',
      '{',
      'null',
      '{"version":2}',
      '{"version":1,"partitions":[-1],"partitionCount":1}',
      '{"version":1,"address":"a"}',
    ]) {
      expect(() => decodeMember(Buffer.from(text)), text).to.throw('another program or version');
      if (text !== '') expect(() => decodeAssignment(Buffer.from(text)), text).to.throw('another program or version');
    }
  });
});

describe('the membership of one process', () => {
  it('owns all partitions from join to leave (M3, M4)', async () => {
    const solo = new SoloMembership(3);
    const events: [string, readonly number[], RevokeReason?][] = [];
    expect(await solo.owners()).to.deep.equal([]);
    await solo.join({
      address: 'here:1',
      onAssigned: (partitions) => void events.push(['assigned', partitions]),
      onRevoked: (partitions, reason) => void events.push(['revoked', partitions, reason]),
    });
    expect(await solo.owners()).to.deep.equal([0, 1, 2].map((partition) => ({ partition, address: 'here:1' })));
    await solo.close(); // a view of the owners ends nothing
    await Promise.all([solo.leave(), solo.leave()]);
    await solo.done;
    expect(events).to.deep.equal([
      ['assigned', [0, 1, 2]],
      ['revoked', [0, 1, 2], 'leaving'],
    ]);
    expect(await solo.owners()).to.deep.equal([]);
  });

  it('ends with the failure of a handler', async () => {
    const failure = new Error('no disk');
    const solo = new SoloMembership(1);
    const joined = solo.join({
      address: 'here:1',
      onAssigned: () => Promise.reject(failure),
      onRevoked: () => expect.fail('nothing was assigned'),
    });
    expect(await joined.catch((error: unknown) => error)).to.equal(failure);
    expect(await solo.done.catch((error: unknown) => error)).to.equal(failure);
    await solo.leave();
  });
});

/** The members of the next round: each works on what it was given. */
function afterwards(members: readonly GroupMember[], assignment: Assignment): GroupMember[] {
  return members.map((member) => ({ ...member, generation: 5, owned: assignment.get(member.id) ?? [] }));
}
