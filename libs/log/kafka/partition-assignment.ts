import assert from 'node:assert';

/** What a member of the group says of itself when it joins. */
export interface GroupMember {
  readonly id: string;
  /** `host:port` of its gRPC server. */
  readonly address: string;
  /** The group's generation in which it was assigned what it owns; the newest of two claims counts. */
  readonly generation: number;
  /** What it works on now. */
  readonly owned: readonly number[];
  /** What it has on its disk. */
  readonly preferred: readonly number[];
}

/** By member id: all that the member may work on from now on, in order. */
export type Assignment = ReadonlyMap<string, readonly number[]>;

/**
 * Shares out partitions 0 to `count` - 1 (M2): evenly, everybody keeping as much as that allows, the rest
 * where it is preferred. A partition that moves away from a living owner is assigned to nobody in this
 * round (M1): its owner ends its work and joins again, and the next round gives it away.
 */
export function assignPartitions(count: number, members: readonly GroupMember[]): Assignment {
  assert(Number.isInteger(count) && count > 0);
  const ordered = members.toSorted((a, b) => compareText(a.address, b.address) || compareText(a.id, b.id));
  const ownerOf = currentOwners(count, ordered);
  const shares = sharesOf(count, ordered, ownerOf);
  for (const share of shares) keepOwned(share);
  for (const partition of freePartitions(count, shares)) {
    shares.find(({ member, target, quota }) => target.length < quota && member.preferred.includes(partition))?.target.push(partition);
  }
  for (const partition of freePartitions(count, shares)) emptiest(shares)?.target.push(partition);
  return new Map(
    shares.map(({ member, target }) => [
      member.id,
      target.filter((partition) => (ownerOf.get(partition) ?? member) === member).toSorted((a, b) => a - b),
    ]),
  );
}

interface Share {
  readonly member: GroupMember;
  readonly owned: readonly number[];
  readonly quota: number;
  readonly target: number[];
}

function currentOwners(count: number, members: readonly GroupMember[]): ReadonlyMap<number, GroupMember> {
  const ownerOf = new Map<number, GroupMember>();
  for (const member of members) {
    for (const partition of member.owned) {
      const other = ownerOf.get(partition);
      if (partition < count && (other === undefined || other.generation < member.generation)) ownerOf.set(partition, member);
    }
  }
  return ownerOf;
}

/** The quotas add up to the count. Where it does not divide, those with most get one more: fewest partitions move. */
function sharesOf(count: number, members: readonly GroupMember[], ownerOf: ReadonlyMap<number, GroupMember>): readonly Share[] {
  const least = Math.floor(count / members.length);
  const more = count % members.length;
  return members
    .map((member) => ({ member, owned: [...ownerOf].filter(([, owner]) => owner === member).map(([partition]) => partition) }))
    .toSorted((a, b) => b.owned.length - a.owned.length || b.member.preferred.length - a.member.preferred.length)
    .map(({ member, owned }, index) => ({ member, owned, quota: least + (index < more ? 1 : 0), target: [] }));
}

/** Rather what it brought along: the others may lie on the disk of who came after it. */
function keepOwned({ member, owned, quota, target }: Share): void {
  const strange = (partition: number): number => Number(!member.preferred.includes(partition));
  target.push(...owned.toSorted((a, b) => strange(a) - strange(b) || a - b).slice(0, quota));
}

function freePartitions(count: number, shares: readonly Share[]): readonly number[] {
  const taken = new Set(shares.flatMap(({ target }) => target));
  return Array.from({ length: count }, (_, partition) => partition).filter((partition) => !taken.has(partition));
}

/** Gives the first of those that have most room, if any has. */
function emptiest(shares: readonly Share[]): Share | undefined {
  let found: Share | undefined;
  for (const share of shares) {
    if (share.quota - share.target.length > (found === undefined ? 0 : found.quota - found.target.length)) found = share;
  }
  return found;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
